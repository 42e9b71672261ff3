"""`run.json`: what was run, with what, and what came out, so that it can be repeated and read."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from evalayer import CorpusMetric, Task
from evalayer_lab.output._write import Totals

RECORD: Final = "run.json"
_LIBRARIES: Final = ("evalayer", "jsonschema", "jsonschema-rs", "numpy", "pyarrow", "scikit-learn")
_ASSUMPTIONS: Final = (
    "A row on which the model or the handler fails is left out of the aggregates and counted; "
    "what the container does with it is not documented.",
    "Metric names carry the prefix lambda_ in eval_results, as rft_eval jobs write them; "
    "the naming for custom metrics of gen_qa is not documented.",
    "The container's own text metrics (rouge, em, qem, f1, bleu) are not computed.",
)


def write_record(
    folder: Path,
    fingerprint: Mapping[str, Any],
    totals: Totals,
    *,
    started: str,
    task: Task | None,
    paths: Mapping[str, object],
    bad_rows: int,
) -> None:
    """Write `run.json`, whole or not at all: with it the run counts as finished.

    Args:
        folder: the run's folder.
        fingerprint: everything that the outcome depends on.
        totals: what was folded.
        started: when the run began, ISO 8601.
        task: the task that reported the metrics, if it is known.
        paths: where the recipe, the dataset and the handler are.
        bad_rows: the number of rows left out because their line is broken.
    """
    aggregator = totals.aggregator
    values = aggregator.values()
    undecoded: dict[str, str] = {}
    decoded: Mapping[str, float] = {}
    if task is not None and aggregator.aggregation in {"average", "sum"} and values:
        decoded = task.decode(values, aggregator.rows, lambda name, error: undecoded.update({name: repr(error)}))
    record = {
        "status": "complete",
        "evalayer": fingerprint["evalayer"],
        "python": platform.python_version(),
        "libraries": {name: found for name in _LIBRARIES if (found := _version(name))},
        "run_name": folder.name,
        "started": started,
        "aggregation": aggregator.aggregation,
        "task": None if task is None else task.name,
        "paths": {name: str(path) for name, path in paths.items()},
        "recipe": fingerprint["recipe"],
        "dataset": {"sha256": fingerprint["dataset"], "limit": fingerprint["limit"]},
        "handler": {"sha256": fingerprint["handler"][1]},
        "backend": fingerprint["backend"],
        "rows": {
            "read": totals.processed,
            "bad": bad_rows,
            "failed": totals.failures.total(),
            "scored": aggregator.rows,
        },
        "failures": dict(sorted(totals.failures.items())),
        "metrics": [
            {
                "name": metric.name,
                "parts": list(metric.parts),
                "corpus": isinstance(metric, CorpusMetric),
                "higher_is_better": metric.higher_is_better,
            }
            for metric in (() if task is None else task.metrics)
        ],
        "unscored": {metric: dict(reasons.most_common()) for metric, reasons in sorted(totals.unscored.items())},
        "aggregates": values,
        "decoded": decoded,
        "undecoded": undecoded,
        "uneven": {name: aggregator.count(name) for name in values if aggregator.count(name) != aggregator.rows},
        "assumptions": list(_ASSUMPTIONS),
    }
    path = folder / RECORD
    draft = path.with_suffix(".json.tmp")
    draft.write_text(json.dumps(record, indent=2) + "\n", encoding="ascii")
    draft.replace(path)


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
