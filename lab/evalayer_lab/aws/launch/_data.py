"""The dataset of a job: checked, counted, and its first row for a trial."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from evalayer import MAX_PAYLOAD_BYTES, Sample
from evalayer_lab.aws.launch._findings import finding
from evalayer_lab.dataset import FACTS, KINDS, Kind, check_dataset, read_gen_qa
from evalayer_lab.inputs import Finding, InputError

_BENCHMARKS: Final = {"text_benchmark", "multimodal_benchmark"}
_KINDS: Final[Mapping[str, Kind]] = {kind: kind for kind in KINDS}
_SHOWN: Final = 3
_MOST_GROWTH: Final = 2  # of UTF-8 that is written in ASCII
_EVENT_FIELDS: Final = 150


@dataclass(frozen=True, slots=True)
class Dataset:
    """The rows of a job.

    Attributes:
        path: the file.
        file_name: the name that the container wants it to have.
        rows: how many there are.
        largest_event: the bytes of JSON of the largest event, without the model's answer; None where no function is
            sent events of known shape.
        first: the first row as a preprocess event has it; None for rows of another kind.
        first_reward: the first row as an rft event has it, without the model's answer; None for rows of another kind.
        findings: what was found.
    """

    path: Path
    file_name: str
    rows: int
    largest_event: int | None
    first: Sample | None
    first_reward: Mapping[str, Any] | None
    findings: tuple[Finding, ...]


def examine_dataset(path: Path | None, kind: str) -> Dataset | None:
    """Read a whole dataset and say what is wrong with it.

    Args:
        path: the dataset; None if none was given.
        kind: the kind of the recipe.

    Returns:
        The dataset; None for a benchmark, which brings its own.

    Raises:
        InputError: it cannot be read, has no rows, is missing where the kind has one, or is given where it has none.
    """
    if kind in _BENCHMARKS:
        if path is not None:
            raise InputError("a benchmark brings its own dataset; leave --data out", path=path)
        return None
    if path is None:
        if kind == "unknown":
            return None
        raise InputError(f"a {kind} evaluation needs a dataset; give --data FILE")
    report = check_dataset(path, _KINDS.get(kind), max_problems=_SHOWN)
    # The file's name does not matter: it is uploaded under the right one.
    findings = [one for one in report.findings if one.code != "file-name"]
    if more := report.errors + report.warnings - len(report.findings):
        reason = f"{more:,} more findings; to see them: evalayer dataset check {path}"
        findings.append(finding("dataset", "error" if report.errors else "warning", reason))
    if not report.errors:
        findings.insert(0, finding("dataset", "ok", f"{path} has {report.rows:,} rows and no error"))
    first = reward = largest = None
    if report.kind == "gen_qa":
        row = next(read_gen_qa(path, on_finding=lambda finding: None), None)
        first = Sample(row.query, row.response, row.system) if row else None
        largest = _largest(path, _postprocess_event) or None
    elif report.kind == "rft_eval":
        reward = _first(path)
        largest = _largest(path, lambda row: [row]) or None
    findings += _check_size(largest)
    return Dataset(path, _name(path, report.kind), report.rows, largest, first, reward, tuple(findings))


def _name(path: Path, kind: Kind) -> str:
    names = FACTS[kind].file_names
    if path.name in names or (not names and re.fullmatch(r"[A-Za-z0-9._-]{1,100}\.jsonl", path.name, re.ASCII)):
        return path.name
    return names[0] if names else "dataset.jsonl"


def _postprocess_event(row: Mapping[str, Any]) -> object:
    data = {"prompt": row.get("query"), "inference_output": "", "gold": row.get("response")}
    return {"process_type": "postprocess", "data": {"system": row.get("system"), **data}}


def _check_size(largest: int | None) -> Iterator[Finding]:
    if largest is None:
        return
    text = f"the largest event has {largest:,} bytes without the answer; Lambda accepts at most {MAX_PAYLOAD_BYTES:,}"
    is_too_large = largest > MAX_PAYLOAD_BYTES
    yield finding("payload", "error" if is_too_large else "ok", f"{text}; shorten the row" if is_too_large else text)


def _largest(path: Path, event: Callable[[Mapping[str, Any]], object]) -> int:
    largest = 0
    with path.open("rb") as file:
        for line in file:
            if len(line) * _MOST_GROWTH + _EVENT_FIELDS > largest and (row := _row(line)):
                largest = max(largest, len(json.dumps(event(row))))
    return largest


def _first(path: Path) -> Mapping[str, Any] | None:
    with path.open("rb") as file:
        return next((row for line in file if (row := _row(line))), None)


def _row(line: bytes) -> Mapping[str, Any] | None:
    """Read a line that is an object; what is wrong with others, the check of the dataset says."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None
