"""Output trees of every kind that a job may leave, written by hand."""

from __future__ import annotations

import json
import os
import random
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from evalayer import Aggregator, label_part

TIME = "2026-01-02T03-04-05.000006+00-00"
LABELS = ("hardware", "software", "v2.1")
TASK = "custom|gen_qa_gen_qa|0"


@dataclass(frozen=True)
class Row:
    """A row as a job sees it."""

    prompt: str
    gold: str
    answer: str
    scores: Mapping[str, float] = field(default_factory=dict)
    metadata: str | None = None
    positions: Sequence[Mapping[str, float]] = ()


def make_row(index: int, gold: str, predicted: str, *, metadata: Mapping[str, object] | None = None) -> Row:
    """A classified ticket: its texts, its counters and its log probabilities."""
    answer = json.dumps({"class": predicted, "thought": "Perhaps it's the cable."})
    before, _, after = answer.partition(predicted)
    scores = {"class.correct": float(gold == predicted)}
    for label in LABELS:
        scores["class." + label_part("tp", label)] = float(gold == predicted == label)
        scores["class." + label_part("fp", label)] = float(gold != predicted == label)
        scores["class." + label_part("fn", label)] = float(predicted != gold == label)
    scores |= {"class.unscored": 0.0, "grade": index / 7, "grade.unscored": 0.0}
    return Row(
        prompt=f'Ticket {index}: it\'s "broken".',
        gold=json.dumps({"class": gold}),
        answer=answer,
        scores=scores,
        metadata=json.dumps(metadata if metadata is not None else {"domain": f"d{index % 3}", "id": index}),
        positions=[{before: -0.1}, {predicted: -0.5 - index / 1000, "other": -1.5}, {after: 0.0}],
    )


def make_rows(count: int, seed: int = 0) -> list[Row]:
    """Rows of random labels; every eighth one repeats the prompt and the gold of the one before it."""
    rng = random.Random(seed)
    rows: list[Row] = []
    for index in range(count):
        if index % 8 == 7:
            same = int(rows[-1].prompt.split()[1].rstrip(":"))
            gold = json.loads(rows[-1].gold)["class"]
            answered = json.loads(rows[-1].answer)["class"]
            other = rng.choice([label for label in LABELS if label != answered])
            rows.append(make_row(same, gold, other, metadata={"domain": "again"}))
        else:
            rows.append(make_row(index, rng.choice(LABELS), rng.choice((*LABELS, "none of them"))))
    return rows


def write_tree(
    folder: Path,
    rows: Sequence[Row],
    *,
    shards: int = 1,
    hyphens: bool = False,
    prefix: str = "lambda_",
    nested: bool = False,
    logprobs: str = "pred_logprobs",
    predictions: str = "repr",
    messages: bool = False,
    specifics: bool = True,
    inferences: bool = True,
    group_rows: int = 4096,
    columns: Mapping[str, Sequence[Any]] | None = None,
    run: Mapping[str, Any] | None = None,
    time: str = TIME,
) -> Path:
    """Write the output of a job, with old files, so that an index of their hashes is trusted.

    Args:
        folder: the run's folder.
        rows: the rows, in the order of the files.
        shards: how many details files they are split over.
        hyphens: `eval-results` instead of `eval_results`.
        prefix: of the names of metrics.
        nested: put the metrics one level down.
        logprobs: the name of their column.
        predictions: `repr`, `text`, `array` or `lists`.
        messages: leave out `example`; the prompt stands in `full_prompt` only.
        specifics: put the metadata there too.
        inferences: write `inference_output.jsonl`.
        group_rows: rows of a row group.
        columns: columns of the details that differ.
        run: what `run.json` says; there is none without it.
        time: the time in the names.
    """
    results = folder / ("eval-results" if hyphens else "eval_results")
    details = results / "details" / "model" / time
    details.mkdir(parents=True)
    for shard in range(shards):
        own = rows[shard::shards]
        cells: dict[str, Any] = {
            "example": [row.prompt for row in own],
            "full_prompt": [_messages(row) for row in own],
            "gold": [row.gold for row in own],
            "metrics": [_scores(row, prefix, nested=nested) for row in own],
            logprobs: [repr([row.positions]) if row.positions else "[]" for row in own],
            "predictions": [_prediction(row.answer, predictions) for row in own],
            "specifics": [repr({"metadata": row.metadata} if specifics and row.metadata else {}) for row in own],
            "truncated": [0] * len(own),
        } | dict(columns or {})
        if messages:
            del cells["example"]
        name = f"details_{TASK}_{time}.parquet" if shards == 1 else f"details_{TASK[:-1]}{shard}_{time}.parquet"
        pq.write_table(pa.table(cells), details / name, row_group_size=group_rows)
    if inferences:
        lines = [
            {"prompt": _messages(row), "inference": repr([row.answer]), "gold": row.gold}
            | ({"metadata": row.metadata} if row.metadata else {})
            for row in rows
        ]
        (results / "inference_output.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    aggregator = Aggregator("average")
    for row in rows:
        aggregator.add(row.scores)
    reported = {f"lambda_{name}": value for name, value in aggregator.values().items()} if rows else {}
    (results / f"results_{time}.json").write_text(json.dumps({"results": {TASK: reported, "all": reported}}))
    if run is not None:
        (folder / "run.json").write_text(json.dumps({"run_name": folder.name, **run}))
    settle(folder)
    return folder


def settle(folder: Path) -> None:
    """Let the files be a day old."""
    for path in folder.rglob("*"):
        if path.is_file() and ".evalayer" not in path.parts:
            changed = path.stat().st_mtime_ns - 86_400 * 10**9
            os.utime(path, ns=(changed, changed))


def pack(folder: Path, archive: Path) -> Path:
    """Write a folder to a tar.gz file."""
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, arcname=folder.name)
    return archive


def details_of(folder: Path) -> Path:
    """The details file of a tree that has one."""
    (found,) = folder.rglob("details_*.parquet")
    return found


def _messages(row: Row) -> str:
    return repr([{"role": "system", "content": "Sort."}, {"role": "user", "content": row.prompt}])


def _scores(row: Row, prefix: str, *, nested: bool) -> str:
    scores = {prefix + name: value for name, value in row.scores.items()}
    return repr({"custom_metric": scores} if nested else scores)


def _prediction(answer: str, kind: str) -> object:
    return {"repr": repr([answer]), "text": answer, "array": f"array({[answer]!r}, dtype=object)", "lists": [answer]}[
        kind
    ]
