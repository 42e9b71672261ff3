"""What a dataset holds: lengths, metadata and duplicates of its rows, in memory that hardly grows with them."""

from __future__ import annotations

import base64
from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

from evalayer_lab.dataset._findings import Reporter
from evalayer_lab.dataset._kinds import Kind
from evalayer_lab.dataset._lines import PROGRESS_ROWS, WHOLE, LineReader, Span
from evalayer_lab.dataset._rows import CheckedRow, RowChecker, metadata_object, value_text
from evalayer_lab.inputs import Finding, Findings, Place

MAX_KEYS: Final = 100
MAX_VALUES: Final = 100
MAX_CHARACTERS: Final = 200
_WAITING: Final = 4096
_METADATA: Final = "metadata"


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
        values: by value, its rows, most frequent first. Text stands as it is, anything else as JSON. Empty where the
            key has more than 100 values.
        other: the rows whose value is not among these, because there are too many or it is longer than 200 characters.
    """

    rows: int
    values: Mapping[str, int]
    other: int


@dataclass(slots=True)
class KeyCounts:
    """Counts of one metadata key: its rows, and the rows of each value or None if the values are too many."""

    rows: int = 0
    values: dict[str, int] | None = field(default_factory=dict)

    def add(self, value: str, rows: int) -> None:
        """Count rows that have a value."""
        self.rows += rows
        if self.values is not None and len(value) <= MAX_CHARACTERS:
            self.values[value] = self.values.get(value, 0) + rows
            if len(self.values) > MAX_VALUES:
                self.values = None

    def merge(self, other: KeyCounts) -> None:
        """Count what another part of the file has."""
        rows = self.rows + other.rows
        if other.values is None:
            self.values = None
        for value, count in (other.values or {}).items():
            self.add(value, count)
        self.rows = rows

    def result(self) -> MetadataKey:
        """Sum up."""
        values = Counter(self.values or {})
        return MetadataKey(self.rows, dict(values.most_common()), self.rows - values.total())


@dataclass(slots=True)
class Content:
    """What the good rows of a file, or of a part of it, hold. Parts that are merged give what the whole would.

    Attributes:
        rows: their number.
        lengths: by field and length in characters, the number of rows.
        metadata: by key of the metadata objects, its counts; None if there are more than 100 keys.
        digests: 64 bits for the content of each row without images.
    """

    rows: int = 0
    lengths: dict[str, dict[int, int]] = field(default_factory=dict)
    metadata: dict[str, KeyCounts] | None = field(default_factory=dict)
    digests: array[int] = field(default_factory=lambda: array("Q"))
    _waiting: dict[str, int] = field(default_factory=dict)

    def add(self, row: CheckedRow) -> None:
        """Count a row."""
        self.rows += 1
        for name, text in row.texts.items():
            if name == _METADATA:
                self._waiting[text] = self._waiting.get(text, 0) + 1
                if len(self._waiting) >= _WAITING or len(text) > _WAITING:
                    self.settle()
                continue
            lengths = self.lengths.get(name)
            if lengths is None:
                lengths = self.lengths[name] = {}
            length = len(text)
            lengths[length] = lengths.get(length, 0) + 1
        if not row.has_images:
            self.digests.frombytes(blake2b(row.content, digest_size=8).digest())

    def settle(self) -> None:
        """Count the metadata texts that wait: equal ones are parsed once."""
        for text, rows in self._waiting.items():
            for key, value in (metadata_object(text) or {}).items():
                self._key(key).add(value_text(value), rows)
        self._waiting.clear()

    def merge(self, other: Content) -> None:
        """Count what a later part of the file has. Both have to be settled."""
        self.rows += other.rows
        for name, lengths in other.lengths.items():
            own = self.lengths.setdefault(name, {})
            for length, rows in lengths.items():
                own[length] = own.get(length, 0) + rows
        for key, counts in (other.metadata or {}).items():
            self._key(key).merge(counts)
        if other.metadata is None:
            self.metadata = None
        self.digests.extend(other.digests)

    def duplicates(self) -> int:
        """The number of rows whose content has stood before.

        Rows count as the same by a 64-bit digest. Of a million different rows, two have the same with a probability of
        3e-8 (n**2 / 2**65).
        """
        import numpy as np

        digests = np.frombuffer(self.digests, dtype=np.uint64).copy()
        digests.sort()
        return int(np.count_nonzero(digests[1:] == digests[:-1]))

    def _key(self, key: str) -> KeyCounts:
        if self.metadata is None or len(key) > MAX_CHARACTERS:
            return KeyCounts()
        if key not in self.metadata:
            self.metadata[key] = KeyCounts()
            if len(self.metadata) > MAX_KEYS:
                self.metadata = None
                return KeyCounts()
        return self.metadata[key]


def summary(lengths: Mapping[int, int]) -> Lengths:
    """Sum up the number of rows by length."""
    ordered = sorted(lengths)
    rows = sum(lengths.values())
    return Lengths(
        rows, ordered[0], _quantile(lengths, ordered, rows * 50), _quantile(lengths, ordered, rows * 95), ordered[-1]
    )


def _quantile(lengths: Mapping[int, int], ordered: Sequence[int], needed: int) -> int:
    below = 0
    for length in ordered:
        below += lengths[length]
        if below * 100 >= needed:
            return length
    raise AssertionError("every quantile is at most the longest")


@dataclass(slots=True)
class Tally:
    """A part of a dataset, counted.

    Attributes:
        findings: what is wrong; the lines are numbered from the part's own start.
        lines: the number of lines.
        rows: the number of those that are not blank.
        content: what the good rows hold.
    """

    findings: Findings
    lines: int = 0
    rows: int = 0
    content: Content = field(default_factory=Content)

    def merge(self, other: Tally) -> None:
        """Add the part of the file that follows."""
        self.findings.merge(other.findings, self.lines)
        self.lines += other.lines
        self.rows += other.rows
        self.content.merge(other.content)

    def to_json(self) -> dict[str, Any]:
        """The tally as values that JSON can hold."""
        content, findings = self.content, self.findings
        return {
            "lines": self.lines,
            "rows": self.rows,
            "counts": [findings.errors, findings.warnings, findings.bad_rows],
            "findings": [finding.to_json() for finding in findings.first],
            "good": content.rows,
            "lengths": {name: list(lengths.items()) for name, lengths in content.lengths.items()},
            "metadata": None
            if content.metadata is None
            else {key: [counts.rows, counts.values] for key, counts in content.metadata.items()},
            "digests": base64.b64encode(content.digests).decode(),
        }

    @classmethod
    def from_json(cls, values: dict[str, Any], path: str, limit: int) -> Tally:
        """The tally that `to_json` gave."""
        findings = Findings(limit)
        findings.errors, findings.warnings, findings.bad_rows = values["counts"]
        for kept in values["findings"]:
            place = Place(path, kept["line"], kept["field"])
            findings.keep(Finding(kept["code"], kept["severity"], place, kept["reason"], kept["fix"]))
        metadata = values["metadata"]
        content = Content(
            rows=values["good"],
            lengths={name: dict(lengths) for name, lengths in values["lengths"].items()},
            metadata=None if metadata is None else {key: KeyCounts(*counts) for key, counts in metadata.items()},
            digests=array("Q", base64.b64decode(values["digests"])),
        )
        return cls(findings, values["lines"], values["rows"], content)


def tally(
    path: str,
    kind: Kind,
    span: Span = WHOLE,
    *,
    limit: int,
    strict: bool = False,
    on_progress: Callable[[int], object] = lambda rows: None,
) -> Tally:
    """Count a part of a dataset.

    Raises:
        InputError: the file cannot be read or is of another format; in strict mode also for the first bad row.
    """
    counted = Tally(Findings(limit))
    reporter = Reporter(path, counted.findings.add, strict=strict)
    checker = RowChecker(kind, reporter)
    if not span[0]:
        checker.check_name()
    lines = LineReader(reporter, span)
    content = counted.content
    for row in checker.rows(lines):
        content.add(row)
        if content.rows % PROGRESS_ROWS == 0:
            on_progress(PROGRESS_ROWS)
    content.settle()
    counted.lines, counted.rows = lines.lines, lines.rows
    return counted


def count_span(piece: Mapping[str, Any]) -> dict[str, Any]:
    """Count a part of a dataset, as a piece of work of another process.

    Raises:
        InputError: the file cannot be read or is of another format.
    """
    return tally(piece["path"], piece["kind"], tuple(piece["span"]), limit=piece["limit"]).to_json()
