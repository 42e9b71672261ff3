"""The one thing to look at next, where the numbers name one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evalayer_lab.report._records import Confusion, MetricRow, Weakest
from evalayer_lab.report._run_file import RunInfo


def next_step(
    run: RunInfo, rows: Sequence[MetricRow], confusions: Sequence[Confusion], weakest: Weakest | None
) -> str | None:
    """Say what to do next: rows that failed, then a segment that stands out, unscored rows, the commonest confusion.

    Returns:
        One sentence; None where the numbers suggest nothing.
    """
    if run.rows is not None and run.rows.failed:
        kind = max(run.failures, key=lambda kind: run.failures[kind], default=None)
        return (
            f"{run.rows.failed} of {run.rows.read} rows failed"
            + (f", most often with {kind}" if kind else "")
            + ": settle these first, because no metric counts them."
        )
    if weakest is not None:
        out = next((segment for segment in weakest.table.ranked if segment.stands_out), None)
        if out is not None:
            return (
                f"Read the rows with {out.key} = {out.value} first: {weakest.name} is {out.estimate.value:.3f} on "
                f"these {out.estimate.n} rows and {weakest.table.whole.value:.3f} on all."
            )
    gap = max(rows, key=lambda row: row.estimate.n_unscored, default=None)
    if gap is not None and gap.estimate.n_unscored:
        total = gap.estimate.n + gap.estimate.n_unscored
        finding = f"{gap.metric} could not score {gap.estimate.n_unscored} of {total} rows"
        reasons = run.unscored.get(gap.metric)
        if not reasons:
            return f"Find out why {finding}."
        reason, count = max(reasons.items(), key=lambda item: (item[1], item[0]))
        return f"Look into the unscored rows: {finding}; the commonest reason, on {count}: {reason}."
    for confusion in confusions:
        sentence = _commonest(confusion)
        if sentence is not None:
            return sentence
    return None


def _commonest(confusion: Confusion) -> str | None:
    errors = confusion.counts.copy()
    np.fill_diagonal(errors, 0)
    count = int(errors.max())
    if count == 0 or np.count_nonzero(errors == count) > 1:
        return None
    gold, predicted = np.unravel_index(int(errors.argmax()), errors.shape)
    label = confusion.labels[int(gold)]
    of_gold = int(confusion.counts[gold].sum())
    if predicted == len(confusion.labels):
        return f"Read the {label} rows whose answer names no class first: {count} of {of_gold}."
    return f"Read the {label} rows taken for {confusion.labels[int(predicted)]} first: {count} of {of_gold}."
