"""What a dataset holds, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Final

from evalayer_lab._processes import cores, work_all
from evalayer_lab.dataset._content import MAX_KEYS, Lengths, MetadataKey, Tally, count_span, summary, tally
from evalayer_lab.dataset._kinds import FACTS, Kind, detect_kind
from evalayer_lab.dataset._lines import refuse_empty, split_file
from evalayer_lab.inputs import Finding, Findings, Place

SPAN_BYTES: Final = 8 * 1024 * 1024
LARGE_BYTES: Final = 4 * SPAN_BYTES
_MAX_WORKERS: Final = 4


@dataclass(frozen=True, slots=True)
class DatasetReport:
    """The result of a check.

    Attributes:
        path: the file.
        kind: what its rows are.
        rows: its lines that are not blank.
        good: the rows without an error.
        errors: the number of errors, of which a row can have several.
        warnings: the number of warnings.
        findings: the first of them in order of line; where there is not room for all, errors go first.
        duplicates: good rows without images whose text has stood on an earlier line, by a 64-bit digest.
        lengths: of the kind's text fields except metadata, as far as any row has them. In `rft_eval` rows these are
            `system`, `user` and `reference_answer`.
        metadata: by key of the metadata objects, its values; keys longer than 200 characters are left out, and all are
            if there are more than 100.
    """

    path: str
    kind: Kind
    rows: int
    good: int
    errors: int
    warnings: int
    findings: Sequence[Finding]
    duplicates: int
    lengths: Mapping[str, Lengths]
    metadata: Mapping[str, MetadataKey]


def check_dataset(
    path: str | PathLike[str],
    kind: Kind | None = None,
    *,
    max_problems: int = 20,
    strict: bool = False,
    workers: int | None = None,
    on_progress: Callable[[int], object] = lambda rows: None,
) -> DatasetReport:
    """Read a whole dataset and say what it holds and what is wrong with it.

    Files of more than 32 MiB are read by several processes; the report is the same for any number of them. It takes 8
    bytes of memory per row, for the duplicates.

    Args:
        path: a JSON Lines file in UTF-8.
        kind: what its rows are; None to go by the file's name and first rows.
        max_problems: how many findings the report keeps; all are counted.
        strict: raise the first error instead of reporting it; always reads in this process.
        workers: how many processes read; None for one per processor, at most 4.
        on_progress: is called from time to time with the number of good rows read since the last call.

    Raises:
        InputError: the file cannot be read, has no rows, or its kind is not clear; in strict mode also for
            the first bad row.
    """
    name = fspath(path)
    kind = kind or detect_kind(name)
    counted = Tally(Findings(max_problems))
    workers = min(cores(), _MAX_WORKERS) if workers is None else workers
    for part in _parts(name, kind, max_problems, workers, on_progress, strict=strict):
        counted.merge(part)
    refuse_empty(counted.rows, name)
    content, findings = counted.content, counted.findings
    if content.metadata is None:
        reason = f"has more than {MAX_KEYS} different keys, so they are not counted"
        findings.add(Finding("metadata", "warning", Place(name, field="metadata"), reason))
    fields = [field for field in FACTS[kind].texts if field in content.lengths]
    return DatasetReport(
        path=name,
        kind=kind,
        rows=counted.rows,
        good=content.rows,
        errors=findings.errors,
        warnings=findings.warnings,
        findings=findings.first,
        duplicates=content.duplicates(),
        lengths={field: summary(content.lengths[field]) for field in fields},
        metadata={key: counts.result() for key, counts in (content.metadata or {}).items()},
    )


def _parts(
    path: str, kind: Kind, limit: int, workers: int, on_progress: Callable[[int], object], *, strict: bool
) -> Iterator[Tally]:
    file = Path(path)
    if strict or workers < 2 or not file.is_file() or file.stat().st_size < LARGE_BYTES:
        yield tally(path, kind, limit=limit, strict=strict, on_progress=on_progress)
        return
    pieces = ({"path": path, "kind": kind, "span": span, "limit": limit} for span in split_file(path, SPAN_BYTES))
    task = f"{count_span.__module__}:{count_span.__name__}"
    for values in work_all(task, pieces, workers=workers, on_loss=lambda piece, _: count_span(piece)):
        part = Tally.from_json(values, path, limit)
        on_progress(part.content.rows)
        yield part
