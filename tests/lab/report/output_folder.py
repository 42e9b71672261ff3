"""Output folders as a run leaves them, written by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from evalayer import Aggregator, label_part

TIMESTAMP = "2026-01-02T03-04-05.000006+00-00"
LABELS = ("hardware", "v2.1 ü%")
KEY = "custom|gen_qa_gen_qa|0"


def class_row(gold: str | None, predicted: str | None, labels: Sequence[str] = LABELS) -> dict[str, float]:
    """What a classification reports of one row; with no gold label it is unscored."""
    row = {"class.correct": float(gold is not None and gold == predicted)}
    for label in labels:
        row["class." + label_part("tp", label)] = float(gold == predicted == label)
        row["class." + label_part("fp", label)] = float(gold is not None and gold != predicted == label)
        row["class." + label_part("fn", label)] = float(predicted != gold == label)
    return row | {"class.unscored": float(gold is None)}


def class_info(labels: Sequence[str] = LABELS) -> dict[str, Any]:
    """What run.json says of that classification."""
    parts = [name.removeprefix("class.") for name in class_row(None, None, labels)]
    return {"name": "class", "parts": parts[:-1], "corpus": True, "higher_is_better": True}


def score_row(name: str, value: float | None) -> dict[str, float]:
    """What a metric of one number reports of one row."""
    return {name: value or 0.0, f"{name}.unscored": float(value is None)}


def score_info(name: str, *, higher_is_better: bool | None = True) -> dict[str, Any]:
    """What run.json says of a metric of one number."""
    return {"name": name, "parts": [], "corpus": False, "higher_is_better": higher_is_better}


def write_run(
    folder: Path,
    rows: Sequence[Mapping[str, float]],
    *,
    metrics: Sequence[Mapping[str, Any]] | None = None,
    metadata: Sequence[str | None] | None = None,
    aggregation: str = "average",
    **changes: Any,
) -> Path:
    """Write the output folder of a run.

    Args:
        folder: the run's folder.
        rows: what each row reported.
        metrics: as in run.json; without it there is no run.json.
        metadata: each row's metadata text.
        aggregation: how the job folds.
        changes: fields of run.json that differ from those of a quiet run.
    """
    details = folder / "eval_results" / "details" / "baseline" / TIMESTAMP
    details.mkdir(parents=True)
    texts = metadata or [None] * len(rows)
    columns = {
        "metrics": [repr({f"lambda_{name}": value for name, value in row.items()}) for row in rows],
        "specifics": [repr({} if text is None else {"metadata": text}) for text in texts],
    }
    write_details(details / f"details_{KEY}_{TIMESTAMP}.parquet", columns)
    aggregator = Aggregator(aggregation)
    for row in rows:
        aggregator.add(row)
    reported = {f"lambda_{name}": value for name, value in aggregator.values().items()}
    results = folder / "eval_results" / f"results_{TIMESTAMP}.json"
    results.write_text(json.dumps({"results": {KEY: reported, "all": reported}}))
    if metrics is not None:
        run = {
            "status": "complete",
            "evalayer": "0.1.0",
            "run_name": folder.name,
            "started": "2026-01-02T03:04:05.000006+00:00",
            "aggregation": aggregation,
            "task": "tickets",
            "backend": {"name": "baseline", "seed": 0},
            "rows": {"read": len(rows), "bad": 0, "failed": 0, "scored": len(rows)},
            "failures": {},
            "metrics": list(metrics),
            "aggregates": aggregator.values(),
            "decoded": {},
            "assumptions": ["a row that fails is left out of every fold"],
        }
        (folder / "run.json").write_text(json.dumps(run | changes))
    return folder


def write_details(path: Path, columns: Mapping[str, Sequence[str | None]]) -> None:
    """Write a details file of text columns."""
    table = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
    pq.write_table(table, path, row_group_size=4096)


def details_file(folder: Path) -> Path:
    """The details file of a run's folder."""
    return next(folder.rglob("details_*.parquet"))
