"""What a dataset holds: lengths, metadata and duplicates of its rows, in memory that hardly grows with them."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from pydantic_core import to_json

from evalayer_lab.dataset._rows import CheckedRow, metadata_object

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
                self._key(key).add(value if isinstance(value, str) else to_json(value).decode(), rows)
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
