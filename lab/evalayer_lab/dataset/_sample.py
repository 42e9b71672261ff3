"""A part of a dataset in which every stratum has its share."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from heapq import nsmallest
from os import PathLike, fspath
from pathlib import Path
from typing import Final, Literal, TypeAlias

from evalayer_lab.dataset._findings import Reporter, suggest_shown
from evalayer_lab.dataset._lines import PROGRESS_ROWS, LineReader, new_file, refuse_empty, refuse_unrepeatable
from evalayer_lab.dataset._rows import RowChecker, metadata_object, value_text
from evalayer_lab.inputs import Finding, Findings, InputError

By: TypeAlias = Literal["proportional", "equal"]
MAX_STRATA: Final = 10_000
MAX_KEYS: Final = 1000
_LEFT_OUT: Final = -1


@dataclass(frozen=True, slots=True)
class Stratum:
    """The rows that have the same values.

    Attributes:
        values: by key, the value as text, or as JSON if it is not text; None where a row has no such key.
        rows: how many there are.
        taken: how many of them the sample has.
    """

    values: Mapping[str, str | None]
    rows: int
    taken: int


@dataclass(frozen=True, slots=True)
class Sampling:
    """The result of taking a sample.

    Attributes:
        path: the file.
        out: the file that was written.
        rows: the rows of the file.
        taken: the rows of the sample.
        errors: the number of errors, of which a row can have several; bad rows are never taken.
        warnings: the number of warnings.
        findings: the first of them.
        strata: in the order in which the file has them.
    """

    path: str
    out: str
    rows: int
    taken: int
    errors: int
    warnings: int
    findings: Sequence[Finding]
    strata: Sequence[Stratum]


def sample(
    path: str | PathLike[str],
    out: str | PathLike[str],
    rows: int,
    *,
    stratify: Sequence[str] = (),
    by: By = "proportional",
    seed: int = 0,
    overwrite: bool = False,
    max_problems: int = 20,
    on_progress: Callable[[int], object] = lambda rows: None,
) -> Sampling:
    """Take rows of a `gen_qa` dataset at random and write them in their order, byte for byte.

    A row is drawn by a digest of the seed and its line, so that the same file and the same seed give the same sample,
    on any machine and with any version. The file is read twice. It takes 12 bytes of memory per row.

    Args:
        path: the dataset.
        out: the file to write.
        rows: how many to take.
        stratify: the keys of the metadata by whose values the sample is stratified; none for a plain sample.
        by: whether a stratum's share is its share of the file, or the same for all as far as they have the rows.
        seed: another seed takes other rows.
        overwrite: replace a file that is there.
        max_problems: how many findings the result keeps; all are counted.
        on_progress: is called from time to time with the number of rows read since the last call, in both readings.

    Raises:
        InputError: the file cannot be read twice, has fewer good rows, has no row with such a key or too many strata,
            or the sample cannot be written.
    """
    name = fspath(path)
    refuse_unrepeatable(name, "write it to a file first")
    before = _signature(name)
    findings = Findings(max_problems)
    known, of_line = _strata(name, stratify, findings, on_progress)
    sizes = [0] * len(known)
    for stratum in of_line:
        if stratum != _LEFT_OUT:
            sizes[stratum] += 1
    if rows > sum(sizes):
        raise InputError(f"has {sum(sizes):,} good rows, fewer than the {rows:,} asked for", path=name)
    shares = allocate(sizes, rows, by)
    chosen = _draw(of_line, shares, seed)
    with new_file(out, overwrite=overwrite) as file:
        for number, line in _lines(name, on_progress):
            if number in chosen:
                file.write(line.rstrip(b"\r") + b"\n")
                chosen.remove(number)
        if chosen or _signature(name) != before:
            raise InputError("changed while it was being read; try again", path=name)
    return Sampling(
        path=name,
        out=fspath(out),
        rows=sum(sizes) + findings.bad_rows,
        taken=rows,
        errors=findings.errors,
        warnings=findings.warnings,
        findings=findings.first,
        strata=[
            Stratum(dict(zip(stratify, values, strict=True)), size, share)
            for values, size, share in zip(known, sizes, shares, strict=True)
        ],
    )


def allocate(sizes: Sequence[int], rows: int, by: By) -> list[int]:
    """Divide a number of rows among strata, exactly and never more than one has.

    Proportional shares are rounded by the method of the largest remainder: each stratum gets the whole part of its
    share, and what is left goes one by one to the largest remainders, the earlier stratum first among equal ones. Equal
    shares are filled from the smallest stratum on, so that what a small one cannot take goes to the larger; what does
    not divide goes to the larger ones, the earlier first among equal ones.

    Args:
        sizes: the rows of each stratum.
        rows: how many to divide, at most the sum of the sizes.
        by: `"proportional"` or `"equal"`.

    >>> allocate([70, 20, 10], 11, "proportional"), allocate([70, 20, 2], 11, "equal")
    ([8, 2, 1], [5, 4, 2])
    """
    total = sum(sizes)
    if by == "proportional":
        shares = [size * rows // total for size in sizes] if total else [0] * len(sizes)
        by_remainder = sorted(range(len(sizes)), key=lambda index: (-(sizes[index] * rows % (total or 1)), index))
        for index in by_remainder[: rows - sum(shares)]:
            shares[index] += 1
        return shares
    shares = [0] * len(sizes)
    by_size = sorted(range(len(sizes)), key=lambda index: (sizes[index], -index))
    left = rows
    for position, index in enumerate(by_size):
        shares[index] = min(sizes[index], left // (len(sizes) - position))
        left -= shares[index]
    return shares


def _strata(
    path: str, keys: Sequence[str], findings: Findings, on_progress: Callable[[int], object]
) -> tuple[list[tuple[str | None, ...]], array[int]]:
    """The strata, and the number of each line's stratum from line 1 on."""
    checker = RowChecker("gen_qa", Reporter(path, findings.add))
    known: dict[tuple[str | None, ...], int] = {}
    of_line = array("i")
    seen: set[str] = set()
    for number, line in _lines(path, on_progress):
        row = checker.check(number, line)
        of_line.extend([_LEFT_OUT] * (number - len(of_line)))
        if row is None:
            continue
        metadata = metadata_object(row.texts.get("metadata", "")) or {}
        if len(seen) < MAX_KEYS:
            seen.update(metadata)
        values = tuple(_value(metadata, key) for key in keys)
        of_line[-1] = known.setdefault(values, len(known))
        if len(known) > MAX_STRATA:
            raise InputError(f"has more than {MAX_STRATA:,} strata; stratify by keys with few values", path=path)
    for index, key in enumerate(keys):
        if all(values[index] is None for values in known):
            raise InputError(_no_key(key, seen), path=path)
    return list(known), of_line


def _draw(of_line: array[int], shares: Sequence[int], seed: int) -> set[int]:
    """The lines of the sample: of each stratum those with the smallest digests."""
    members = [array("q") for _ in shares]
    for index, stratum in enumerate(of_line):
        if stratum != _LEFT_OUT:
            members[stratum].append(index + 1)

    def digest(line: int) -> bytes:
        return blake2b(b"%d:%d" % (seed, line), digest_size=16).digest()

    chosen: set[int] = set()
    for lines, share in zip(members, shares, strict=True):
        chosen.update(lines if share == len(lines) else nsmallest(share, lines, key=digest))
    return chosen


def _lines(path: str, on_progress: Callable[[int], object]) -> Iterator[tuple[int, bytes]]:
    reader = LineReader(Reporter(path))
    for number, line in reader:
        yield number, line
        if reader.rows % PROGRESS_ROWS == 0:
            on_progress(PROGRESS_ROWS)
    refuse_empty(reader.rows, path)


def _signature(path: str) -> tuple[int, ...] | None:
    """What changes with a file; None if it is not there, which reading it says."""
    try:
        found = Path(path).stat()
    except (OSError, ValueError):
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _value(metadata: Mapping[str, object], key: str) -> str | None:
    return value_text(metadata[key]) if key in metadata else None


def _no_key(key: str, seen: set[str]) -> str:
    if not seen:
        return f"no row's metadata has {key!r}, nor any other key; `evalayer dataset enrich` can add some"
    return f"no row's metadata has {key!r}; {suggest_shown(key, sorted(seen))}"
