"""Metadata derived from the rows themselves."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from os import PathLike, fspath
from typing import Final, TypeVar

from evalayer_lab.dataset._content import KeyCounts, MetadataKey
from evalayer_lab.dataset._derive import Derive, Value
from evalayer_lab.dataset._findings import Reporter, shown
from evalayer_lab.dataset._lines import MAX_LINE_BYTES, LineReader, new_file, refuse_empty
from evalayer_lab.dataset._rows import CheckedRow, RowChecker, metadata_object
from evalayer_lab.inputs import Finding, Findings, InputError

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_DECODER: Final = json.JSONDecoder()


def with_metadata(line: str, metadata: str | None, added: Mapping[str, object]) -> str:
    r"""Add keys to the metadata of a row.

    Args:
        line: the row, a JSON object.
        metadata: the row's metadata, text that holds a JSON object; None if it has none.
        added: keys that the metadata lacks, and their values.

    >>> with_metadata('{"query": "q", "response": 1e3}', None, {"length": "short"})
    '{"query": "q", "response": 1e3, "metadata": "{\\"length\\": \\"short\\"}"}'
    """
    pairs = json.dumps(added, ensure_ascii=False)[1:-1]
    start, end = (metadata or "{}").strip()[:-1].rstrip(), "}"
    text = json.dumps(f"{start}{'' if start == '{' else ', '}{pairs}{end}", ensure_ascii=line.isascii())
    span = _value_span(line, "metadata")
    if span is not None:
        return line[: span[0]] + text + line[span[1] :]
    stripped = line.rstrip()[:-1].rstrip()
    return f'{stripped}{"" if stripped.lstrip() == "{" else ", "}"metadata": {text}}}'


def _value_span(line: str, key: str) -> tuple[int, int] | None:
    """Where the last value of a key stands in an object."""
    found = None
    at = _skip(line, _skip(line, 0) + 1)
    while line[at] != "}":
        name, at = _DECODER.raw_decode(line, at)
        start = _skip(line, _skip(line, at) + 1)
        _, end = _DECODER.raw_decode(line, start)
        if name == key:
            found = start, end
        at = _skip(line, end)
        if line[at] == ",":
            at = _skip(line, at + 1)
    return found


def _skip(line: str, at: int) -> int:
    match = _SPACE.match(line, at)
    return at if match is None else match.end()


_BATCH_ROWS: Final = 500
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Enrichment:
    """The result of adding metadata.

    Attributes:
        path: the file.
        out: the file that was written, with the same rows in the same order.
        rows: their number.
        changed: the rows to whose metadata something was added.
        not_objects: the rows left as they are because their metadata is text that is not a JSON object.
        errors: the number of errors: of bad rows, which are left as they are, and of a user's function.
        warnings: the number of warnings.
        findings: the first of them.
        added: by key, the rows that it was added to and its values.
        kept: by key, the rows that had it before.
    """

    path: str
    out: str
    rows: int
    changed: int
    not_objects: int
    errors: int
    warnings: int
    findings: Sequence[Finding]
    added: Mapping[str, MetadataKey]
    kept: Mapping[str, int]


def enrich(
    path: str | PathLike[str],
    out: str | PathLike[str],
    add: Mapping[str, Derive],
    *,
    overwrite: bool = False,
    max_problems: int = 20,
    on_progress: Callable[[int], object] = lambda rows: None,
) -> Enrichment:
    """Add keys to the metadata of every row of a `gen_qa` dataset, and change nothing else of it.

    A key that a row's metadata has is left as it is. Blank lines are left out.

    Args:
        path: the dataset.
        out: the file to write.
        add: by key, how its value is found; see `derivations`.
        overwrite: replace a file that is there.
        max_problems: how many findings the result keeps; all are counted.
        on_progress: is called from time to time with the number of rows since the last call.

    Raises:
        InputError: the file cannot be read, has no rows or a line longer than 16 MiB, or the other cannot be written.
    """
    name = fspath(path)
    findings = Findings(max_problems)
    reporter = Reporter(name, findings.add)
    checker = RowChecker("gen_qa", reporter)
    lines = LineReader(reporter)
    checked = ((line, checker.check(number, line)) for number, line in lines)
    added = {key: KeyCounts() for key in add}
    kept: Counter[str] = Counter()
    written = changed = not_objects = 0
    with new_file(out, overwrite=overwrite) as file:
        for batch in _batches(checked):
            rows = [row for _, row in batch if row is not None]
            values = dict(zip((row.line for row in rows), _derived(rows, add, reporter), strict=True))
            for line, row in batch:
                text = line.rstrip(b"\r")
                if row is not None:
                    metadata = row.texts.get("metadata")
                    known = {} if metadata is None else metadata_object(metadata)
                    if known is None:
                        not_objects += 1
                    else:
                        kept.update(known.keys() & add.keys())
                        new = {key: value for key, value in values[row.line].items() if key not in known}
                        for key, value in new.items():
                            added[key].add(value if isinstance(value, str) else json.dumps(value), 1)
                        if new:
                            changed += 1
                            text = with_metadata(text.decode(), metadata, new).encode()
                file.write(text + b"\n")
            written += len(batch)
            on_progress(len(batch))
        refuse_empty(lines.rows, name)
        if written < lines.rows:
            longest = f"has a line longer than {MAX_LINE_BYTES // 2**20} MiB, which cannot be copied"
            raise InputError(f"{longest}; remove it first: evalayer dataset check names it", path=name)
    return Enrichment(
        path=name,
        out=fspath(out),
        rows=lines.rows,
        changed=changed,
        not_objects=not_objects,
        errors=findings.errors,
        warnings=findings.warnings,
        findings=findings.first,
        added={key: counts.result() for key, counts in added.items()},
        kept={key: kept[key] for key in add},
    )


def _derived(rows: Sequence[CheckedRow], add: Mapping[str, Derive], reporter: Reporter) -> Iterator[dict[str, Value]]:
    texts = [row.texts for row in rows]
    columns = {key: derive(texts) for key, derive in add.items()}
    for index, row in enumerate(rows):
        values: dict[str, Value] = {}
        for key, column in columns.items():
            value = column[index]
            if isinstance(value, Exception):
                reason = f"the function failed: {type(value).__name__}: {shown(str(value), 200)}"
                reporter.error("function", row.line, key, reason)
            elif value is not None:
                values[key] = value
        yield values


def _batches(items: Iterable[_T]) -> Iterator[Sequence[_T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, _BATCH_ROWS)):
        yield batch
