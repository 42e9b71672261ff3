"""The output tree, as the evaluation container writes it."""

from __future__ import annotations

import json
import math
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from evalayer import Aggregator
from evalayer_lab.output._entry import Entry
from evalayer_lab.output._json import encode
from evalayer_lab.output._tree import METRIC_PREFIX

RESULTS_KEY: Final = "custom|gen_qa_gen_qa|0"
_COLUMNS: Final = ("example", "full_prompt", "gold", "metrics", "pred_logprobs", "predictions", "specifics")
_SCHEMA: Final = pa.schema([(column, pa.string()) for column in _COLUMNS])
_ROW_GROUP: Final = 4096
_GROUP_CHARACTERS: Final = 2**26  # ends a group of long rows: it is held in memory, each column below 2 GiB
_MAX_REASONS: Final = 20
_OTHER_REASONS: Final = "other reasons"
FAILURES_FILE: Final = "failures.jsonl"


@dataclass
class Totals:
    """What was folded while the rows were written.

    Attributes:
        aggregator: the folded metrics.
        processed: the number of rows that went through the pipeline.
        failures: the number of rows that failed, by stage and kind.
        unscored: by metric, the number of rows that it did not score, by reason.
    """

    aggregator: Aggregator
    processed: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    unscored: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))


def write_rows(folder: Path, entries: Iterable[Entry], *, aggregation: str, model: str, timestamp: str) -> Totals:
    """Write `inference_output.jsonl`, the details parquet and `failures.jsonl`, and fold the metrics.

    Args:
        folder: the run's folder.
        entries: every row's outcome, in order; read once, not kept.
        aggregation: how the metrics are folded.
        model: the name of the folder of the details.
        timestamp: the part of file names that tells runs apart.
    """
    totals = Totals(Aggregator(aggregation))
    results = folder / "eval_results"
    details = results / "details" / model / timestamp
    details.mkdir(parents=True, exist_ok=True)
    group: list[tuple[str, ...]] = []
    characters = 0
    with (
        (results / "inference_output.jsonl").open("wb") as inferences,
        (folder / FAILURES_FILE).open("wb") as failures,
        # Texts that hardly repeat: dictionaries and statistics of them cost time and help no reader.
        pq.ParquetWriter(
            details / f"details_{RESULTS_KEY}_{timestamp}.parquet",
            _SCHEMA,
            use_dictionary=False,
            write_statistics=False,
        ) as parquet,
    ):
        for entry in entries:
            totals.processed += 1
            if entry.failure is not None:
                totals.failures[entry.failure] += 1
                failures.write(encode({"line": entry.line, "failure": entry.failure}) + b"\n")
            if entry.inference is None:
                continue
            messages = _messages(entry)
            predictions = repr([entry.inference])
            inferences.write(encode(_inference(entry, messages, predictions)) + b"\n")
            if entry.failure is not None:
                continue
            totals.aggregator.add(entry.scores or {})
            for metric, reason in (entry.unscored or {}).items():
                reasons = totals.unscored[metric]
                reasons[reason if reason in reasons or len(reasons) < _MAX_REASONS else _OTHER_REASONS] += 1
            specifics = {} if entry.metadata is None else {"metadata": entry.metadata}
            metrics = _literal({METRIC_PREFIX + name: value for name, value in (entry.scores or {}).items()})
            logprobs = "[]" if entry.logprobs is None else repr([entry.logprobs])
            row = (entry.prompt, messages, entry.gold, metrics, logprobs, predictions, repr(specifics))
            group.append(row)
            characters += sum(map(len, row))
            if len(group) == _ROW_GROUP or characters > _GROUP_CHARACTERS:
                parquet.write_table(_table(group))
                group, characters = [], 0
        if group:
            parquet.write_table(_table(group))
    if not totals.failures:
        (folder / FAILURES_FILE).unlink()
    return totals


def write_results(folder: Path, values: Mapping[str, float], *, model: str, started: str, timestamp: str) -> Path:
    """Write `eval_results/results_<timestamp>.json` and the TensorBoard events; return the former's path."""
    reported = {METRIC_PREFIX + name: value for name, value in values.items()}
    path = folder / "eval_results" / f"results_{timestamp}.json"
    document = {
        "config_general": {"model_name": model, "start_time": datetime.fromisoformat(started).timestamp()},
        "results": {RESULTS_KEY: reported, "all": reported},
        "versions": {RESULTS_KEY: 0},
    }
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="ascii")
    _write_tensorboard(folder / "tensorboard_results" / "eval", reported, started)
    return path


def _write_tensorboard(folder: Path, values: Mapping[str, float], started: str) -> None:
    from tensorboardX import SummaryWriter

    for old in folder.glob("events.out.tfevents.*"):
        old.unlink()
    moment = datetime.fromisoformat(started).timestamp()
    with SummaryWriter(logdir=str(folder)) as writer:
        for name, value in values.items():
            writer.add_scalar(f"gen_qa/{name}", value, global_step=0, walltime=moment)
    for path in folder.glob("events.out.tfevents.*"):
        path.rename(folder / f"events.out.tfevents.{math.floor(moment)}")


def _messages(entry: Entry) -> str:
    messages = [{"role": "user", "content": entry.prompt}]
    if entry.system is not None:
        messages.insert(0, {"role": "system", "content": entry.system})
    return repr(messages)


def _inference(entry: Entry, messages: str, predictions: str) -> dict[str, Any]:
    record = {"prompt": messages, "inference": predictions, "gold": entry.gold}
    if entry.metadata is not None:
        record["metadata"] = entry.metadata
    return record


def _literal(metrics: Mapping[str, float]) -> str:
    """The metrics as a Python literal, by way of JSON, which is several times as fast as `repr`."""
    text = encode(metrics).decode()
    return repr(metrics) if "'" in text or "\\" in text else text.replace('"', "'")


def _table(rows: Sequence[tuple[str, ...]]) -> pa.Table:
    return pa.Table.from_arrays([_strings(texts) for texts in zip(*rows, strict=True)], schema=_SCHEMA)


def _strings(texts: Sequence[str]) -> pa.StringArray:
    # Not by pa.array, which imports pandas wherever it is installed: that takes as long as thousands of rows.
    # Parquet holds UTF-8, which has no half surrogate pairs; a model's answer or a preprocess may.
    encoded = [text.encode("utf-8", "backslashreplace") for text in texts]
    ends = array("i", accumulate(map(len, encoded), initial=0))
    return pa.StringArray.from_buffers(len(texts), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded)))
