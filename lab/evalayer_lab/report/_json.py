"""A summary as JSON."""

from __future__ import annotations

from typing import Any

from evalayer_lab.report._records import Confusion, MetricRow, Summary, Weakest
from evalayer_lab.statistics import Estimate, Segment


def to_json(summary: Summary) -> dict[str, Any]:
    """Turn a summary into an object of dicts, lists, text, finite numbers and None, with these keys in this order.

    - `run`: `name`, `folder`, `started`, `evalayer`, `task`, `backend`, `aggregation`; None where unknown.
    - `rows`: `read`, `bad`, `failed` (None where unknown) and `scored`.
    - `failures`: failed rows by kind.
    - `unscored`: by metric, the rows that it did not score, by reason.
    - `metrics`: for each reported value `name`, `metric`, `part` (None if the metric reports one number),
      `higher_is_better` (None where neither way is good, or nobody said), an estimate, `worst` and `best` (the mean
      if every unscored row had scored the worst, or the best, of 0 and 1), and `reported`, the job's folded value.
    - `decoded`: the values of corpus metrics by reported name; None where a value is undefined.
    - `confusion`: for each classification `metric`, `labels`, and `counts`, a list for each gold label of counts
      by predicted label, the last one for predictions outside the labels.
    - `segments`: None, or the `metric` looked at, `higher_is_better`, `whole` (an estimate), `ranked` (how many
      segments have at least `min_scored` scored rows), `too_small` (how many have fewer), `stands_out` (whether any
      does) and `weakest`, up to three segments: `metadata_key`, `metadata_value`, `rows`, an
      estimate, `stands_out`.
    - `assumptions`: what the run assumed where the container's behaviour is not known.
    - `notes`, `next_step`: sentences; `next_step` may be None.

    An estimate is `value`, `low`, `high` (None where the rows give none), `level`, `method`, `n`, `n_unscored`.
    """
    run = summary.run
    return {
        "run": {
            "name": run.run_name,
            "folder": summary.folder,
            "started": run.started,
            "evalayer": run.evalayer,
            "task": run.task,
            "backend": None if run.backend is None else run.backend.name,
            "aggregation": run.aggregation,
        },
        "rows": {
            "read": None if run.rows is None else run.rows.read,
            "bad": None if run.rows is None else run.rows.bad,
            "failed": None if run.rows is None else run.rows.failed,
            "scored": summary.rows,
        },
        "failures": dict(run.failures),
        "unscored": {metric: dict(reasons) for metric, reasons in run.unscored.items()},
        "metrics": [_metric(row) for row in summary.metrics],
        "decoded": dict(summary.decoded),
        "confusion": [_confusion(confusion) for confusion in summary.confusions],
        "segments": None if summary.segments is None else _segments(summary.segments),
        "assumptions": list(run.assumptions),
        "notes": list(summary.notes),
        "next_step": summary.next_step,
    }


def _metric(row: MetricRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "metric": row.metric,
        "part": row.part,
        "higher_is_better": row.higher_is_better,
        **_estimate(row.estimate),
        "worst": row.worst,
        "best": row.best,
        "reported": row.reported,
    }


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "level": estimate.level,
        "method": estimate.method,
        "n": estimate.n,
        "n_unscored": estimate.n_unscored,
    }


def _confusion(confusion: Confusion) -> dict[str, Any]:
    return {"metric": confusion.metric, "labels": list(confusion.labels), "counts": confusion.counts.tolist()}


def _segments(weakest: Weakest) -> dict[str, Any]:
    return {
        "metric": weakest.name,
        "higher_is_better": weakest.higher_is_better,
        "whole": _estimate(weakest.table.whole),
        "min_scored": weakest.table.min_scored,
        "ranked": len(weakest.table.ranked),
        "too_small": weakest.table.n_small,
        "stands_out": any(segment.stands_out for segment in weakest.table.ranked),
        "weakest": [_segment(segment) for segment in weakest.table.ranked[:3]],
    }


def _segment(segment: Segment) -> dict[str, Any]:
    return {
        "metadata_key": segment.key,
        "metadata_value": segment.value,
        "rows": segment.n,
        **_estimate(segment.estimate),
        "stands_out": segment.stands_out,
    }
