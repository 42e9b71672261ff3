"""What a dataset holds, and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from typing import Final

from pydantic_core import to_json

from evalayer_lab.dataset._gen_qa import Row, metadata_object, read_gen_qa
from evalayer_lab.dataset._problem import Problem

MAX_KEYS: Final = 100
MAX_VALUES: Final = 100
MAX_CHARACTERS: Final = 200
PROGRESS_ROWS: Final = 1000


@dataclass(frozen=True, slots=True)
class Lengths:
    """Lengths of one field over the good rows that have it, in characters.

    `median` and `p95` are nearest-rank quantiles: the shortest length that at least that share of rows does not exceed.
    """

    rows: int
    min: int
    median: int
    p95: int
    max: int


@dataclass(frozen=True, slots=True)
class MetadataKey:
    """One key of the metadata objects.

    Attributes:
        rows: the good rows that have the key.
        values: by value, its rows, most frequent first. Text stands as it is, anything else as JSON. At most the
            first 100 values that the file has are told apart.
        other: the rows with a value that is not among these, or is longer than 200 characters.
    """

    rows: int
    values: Mapping[str, int]
    other: int


@dataclass(frozen=True, slots=True)
class DatasetReport:
    """The result of a check.

    Attributes:
        path: the file.
        rows: its lines that are not blank.
        good: the rows without an error.
        errors: the number of errors, of which a row can have several.
        warnings: the number of warnings.
        problems: the first of the problems in order of line; where there is not room for all, errors go first.
        duplicates: good rows without images whose text has stood on an earlier line.
        lengths: of `system`, `query` and `response`, as far as any row has them.
        metadata: by key of the metadata objects, its values; at most the first 100 keys that the file has, and none
            longer than 200 characters.
    """

    path: str
    rows: int
    good: int
    errors: int
    warnings: int
    problems: Sequence[Problem]
    duplicates: int
    lengths: Mapping[str, Lengths]
    metadata: Mapping[str, MetadataKey]


def check_gen_qa(
    path: str | PathLike[str],
    *,
    max_problems: int = 20,
    strict: bool = False,
    on_progress: Callable[[int], object] | None = None,
) -> DatasetReport:
    """Read a whole `gen_qa` dataset and say what it holds and what is wrong with it.

    Takes about 100 bytes of memory per row, for the duplicates.

    Args:
        path: a JSON Lines file in UTF-8.
        max_problems: how many problems the report keeps; all are counted.
        strict: raise the first error instead of reporting it.
        on_progress: is called from time to time with the number of good rows read since the last call.

    Raises:
        InputError: the file cannot be read or has no rows; in strict mode also for the first bad row.
    """
    problems = _Problems(max_problems)
    content = _Content()
    for row in read_gen_qa(path, on_problem=problems.add, strict=strict):
        content.add(row)
        if on_progress is not None and content.rows % PROGRESS_ROWS == 0:
            on_progress(PROGRESS_ROWS)
    return DatasetReport(
        path=fspath(path),
        rows=content.rows + problems.bad_rows,
        good=content.rows,
        errors=problems.counts["error"],
        warnings=problems.counts["warning"],
        problems=problems.first(),
        duplicates=content.duplicates,
        lengths={field: _summary(lengths) for field, lengths in content.lengths.items() if lengths},
        metadata={key: values.result() for key, values in content.metadata.items()},
    )


class _Problems:
    def __init__(self, limit: int) -> None:
        self.counts: Counter[str] = Counter()
        self.bad_rows = 0
        self._limit = limit
        self._kept: dict[str, list[Problem]] = {"error": [], "warning": []}
        self._last_bad_line: int | None = None

    def add(self, problem: Problem) -> None:
        self.counts[problem.severity] += 1
        kept = self._kept[problem.severity]
        if len(kept) < self._limit:
            kept.append(problem)
        if problem.severity == "error" and problem.line != self._last_bad_line:
            self.bad_rows += 1
            self._last_bad_line = problem.line

    def first(self) -> Sequence[Problem]:
        kept = [*self._kept["error"], *self._kept["warning"]][: self._limit]
        return tuple(sorted(kept, key=lambda problem: problem.line or 0))


class _Content:
    def __init__(self) -> None:
        self.rows = 0
        self.duplicates = 0
        self.lengths: dict[str, Counter[int]] = {"system": Counter(), "query": Counter(), "response": Counter()}
        self.metadata: dict[str, _Values] = {}
        self._seen: set[bytes] = set()

    def add(self, row: Row) -> None:
        self.rows += 1
        self.lengths["query"][len(row.query)] += 1
        self.lengths["response"][len(row.response)] += 1
        if row.system is not None:
            self.lengths["system"][len(row.system)] += 1
        if not row.has_images:
            key = bytes.fromhex(row.key)
            self.duplicates += key in self._seen
            self._seen.add(key)
        for name, value in (metadata_object(row.metadata or "") or {}).items():
            if name not in self.metadata:
                if len(self.metadata) == MAX_KEYS or len(name) > MAX_CHARACTERS:
                    continue
                self.metadata[name] = _Values()
            self.metadata[name].add(value if isinstance(value, str) else to_json(value).decode())


class _Values:
    def __init__(self) -> None:
        self._rows = 0
        self._counts: Counter[str] = Counter()

    def add(self, value: str) -> None:
        self._rows += 1
        if value in self._counts or (len(self._counts) < MAX_VALUES and len(value) <= MAX_CHARACTERS):
            self._counts[value] += 1

    def result(self) -> MetadataKey:
        return MetadataKey(self._rows, dict(self._counts.most_common()), self._rows - self._counts.total())


def _summary(lengths: Counter[int]) -> Lengths:
    rows = lengths.total()
    ordered = sorted(lengths)
    return Lengths(rows, ordered[0], _quantile(lengths, ordered, 50), _quantile(lengths, ordered, 95), ordered[-1])


def _quantile(lengths: Counter[int], ordered: Sequence[int], percent: int) -> int:
    needed = lengths.total() * percent
    below = 0
    for length in ordered:
        below += lengths[length]
        if below * 100 >= needed:
            return length
    raise AssertionError("every quantile is at most the longest")
