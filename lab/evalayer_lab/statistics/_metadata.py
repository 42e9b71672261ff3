"""Rows grouped by their metadata."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Codes: TypeAlias = NDArray[np.intp]
Condition: TypeAlias = tuple[str, str]

_MOST_COUNTERS: Final = 1_000_000  # with more conceivable cells those that occur are found by sorting


@dataclass(frozen=True, slots=True)
class MetadataKey:
    """One metadata key of all rows.

    Attributes:
        name: the key.
        values: its distinct values.
        codes: shape (rows,): the place of each row's value in `values`, -1 for a row that has none.
    """

    name: str
    values: tuple[str, ...]
    codes: NDArray[np.signedinteger]


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups that rows form by the values of one or several keys, those with few rows left out.

    Attributes:
        keys: places of the keys.
        values: of each group its place in each key's values, shape (groups, keys).
        cells: shape (rows,): the cell of each row.
        places: of each group its cell, shape (groups,).
        n: rows of each group, shape (groups,).
        n_cells: how many cells there are; rows in no group are in cells of their own.
    """

    keys: tuple[int, ...]
    values: Codes
    cells: Codes
    places: Codes
    n: NDArray[np.int64]
    n_cells: int

    def count(self, rows: Codes) -> NDArray[np.int64]:
        """Count by group those of the rows that are given by index."""
        return np.bincount(self.cells[rows], minlength=self.n_cells)[self.places]

    def subset(self, kept: NDArray[np.bool_]) -> Groups:
        """Leave groups out."""
        return replace(self, values=self.values[kept], places=self.places[kept], n=self.n[kept])

    def add(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Add up a number of each row by group."""
        total = np.bincount(self.cells, weights=weights, minlength=self.n_cells)
        return np.asarray(total[self.places], dtype=np.float64)


def group_by_key(keys: Sequence[MetadataKey], place: int, min_rows: int) -> Groups:
    """Group the rows by one key."""
    codes = keys[place].codes.astype(np.intp) + 1
    n = np.bincount(codes, minlength=len(keys[place].values) + 1)
    kept = np.flatnonzero(n[1:] >= min_rows)
    return Groups((place,), kept[:, None], codes, kept + 1, n[kept + 1], len(n))


def numbered(groups: Groups) -> Groups:
    """Give each group the cell of its own number from 1, and cell 0 to all rows that are in none."""
    numbers = np.arange(1, len(groups.places) + 1)
    if groups.n_cells == len(numbers) + 1 and np.array_equal(groups.places, numbers):
        return groups
    cells = np.zeros(groups.n_cells, dtype=np.intp)
    cells[groups.places] = numbers
    return replace(groups, cells=cells[groups.cells], places=numbers, n_cells=len(numbers) + 1)


def combine(left: Groups, right: Groups, min_rows: int) -> Groups:
    """Group the rows by two groupings at once, both `numbered`."""
    width = right.n_cells
    size = left.n_cells * width
    cells = left.cells * width
    cells += right.cells
    if size <= max(_MOST_COUNTERS, 2 * len(cells)):
        names = np.arange(size)
    else:
        names, cells = np.unique(cells, return_inverse=True)
    first, second = np.divmod(names, width)
    n = np.bincount(cells, minlength=len(names))
    kept = np.flatnonzero((n >= min_rows) & (first > 0) & (second > 0))
    values = np.concatenate([left.values[first[kept] - 1], right.values[second[kept] - 1]], axis=1)
    return Groups(left.keys + right.keys, values, cells, kept, n[kept], len(names))


def name_conditions(keys: Sequence[MetadataKey], places: Iterable[int], values: Iterable[int]) -> tuple[Condition, ...]:
    """Name a group: each of its keys with its value."""
    return tuple((keys[key].name, keys[key].values[value]) for key, value in zip(places, values, strict=True))


def check_keys(keys: Sequence[MetadataKey], rows: int) -> None:
    """Check that each key has a code for each row.

    Raises:
        ValueError: two keys of one name, or codes that are not places of values for all rows.
    """
    names = set()
    for key in keys:
        if key.name in names:
            raise ValueError(f"keys has {key.name!r} twice")
        names.add(key.name)
        if key.codes.shape != (rows,):
            raise ValueError(f"the codes of {key.name!r} must have shape ({rows},), not {key.codes.shape}")
        if rows and not (key.codes.min() >= -1 and key.codes.max() < len(key.values)):
            raise ValueError(f"the codes of {key.name!r} must be from -1 to {len(key.values) - 1}")
