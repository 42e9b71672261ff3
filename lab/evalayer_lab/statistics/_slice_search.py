"""The search for slices: conjunctions of metadata values, their sums, and tests of one group within another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc, ndtr

from evalayer_lab.statistics._hypergeometric import hypergeometric_tail
from evalayer_lab.statistics._metadata import Groups, MetadataKey, combine, group_by_key, numbered

Floats: TypeAlias = NDArray[np.float64]
Counts: TypeAlias = NDArray[np.int64]

_SYMMETRIC: Final = 1e-3  # a skewness below this changes no p-value that matters


@dataclass(frozen=True, slots=True)
class Losses:
    """What each row lost, and what groups of rows lost.

    Sums of a group are, for losses of 0 and 1, the number of ones, and otherwise the sums of the first four powers of
    the loss less its mean: shape (…, 1) or (…, 4).

    Attributes:
        numbers: shape (rows,): 1 - value, or the value where lower is better; with the sign turned instead where
            values lie outside [0, 1].
        in_range: whether every loss lies in [0, 1].
        ones: where every loss is 0 or 1, the indices of the ones; None otherwise.
        powers: where `ones` is None, the powers, shape (4, rows).
    """

    numbers: Floats
    in_range: bool
    ones: NDArray[np.intp] | None
    powers: Floats

    @staticmethod
    def of(values: Floats, *, higher_is_better: bool) -> Losses:
        """Turn the values of a metric into losses."""
        in_range = bool(np.all((values >= 0) & (values <= 1)))
        numbers = (1.0 if in_range else 0.0) - values if higher_is_better else values
        if in_range and np.all((values == 0) | (values == 1)):
            return Losses(numbers, in_range, np.flatnonzero(numbers), np.zeros((4, 0)))
        centred = numbers - numbers.mean()
        square = centred * centred
        return Losses(numbers, in_range, None, np.stack([centred, square, square * centred, square * square]))

    @property
    def is_binary(self) -> bool:
        """Whether every loss is 0 or 1."""
        return self.ones is not None

    @property
    def n_sums(self) -> int:
        """How many sums a group has."""
        return 1 if self.is_binary else 4

    def sums_of_groups(self, groups: Groups) -> Floats:
        """The sums of each group."""
        if self.ones is not None:
            return groups.count(self.ones).astype(np.float64)[:, None]
        return np.stack([groups.add(power) for power in self.powers], axis=1)

    def sums(self, rows: NDArray[np.bool_]) -> Floats:
        """The sums of some rows, shape (1,) or (4,)."""
        if self.is_binary:
            return np.array([float(np.count_nonzero(self.numbers[rows]))])
        return np.array([float(power @ rows) for power in self.powers])

    def prior_rows(self, n: Counts, sums: Floats) -> float:
        """How many rows of the whole a group's mean is to be mixed with: (1 - ρ) / ρ, infinite where ρ is 0.

        ρ is the share of the variance that lies between groups, Σ n (m - μ)² = σ² (k + ρ Σ (n - 1)) solved for it.
        """
        if not len(n) or not self.numbers.any():
            return math.inf
        mean = float(self.numbers.mean())
        variance = float(np.mean((self.numbers - mean) ** 2))
        off = sums[:, 0] / n - (mean if self.is_binary else 0.0)
        between = (float(n @ off**2) - variance * len(n)) / (variance * float(np.sum(n - 1))) if variance else 0.0
        return (1 - min(between, 1.0)) / between if between > 0 else math.inf

    def tail(self, n: Counts, sums: Floats, all_n: Counts, all_sums: Floats) -> tuple[Floats, Floats]:
        """One-sided p-values: how often n rows drawn without replacement from all_n lose as much as the group or more.

        Args:
            n: rows of each group, shape (groups,).
            sums: of each group.
            all_n: rows of what each group is a part of, shape (groups,).
            all_sums: of the same.

        Returns:
            The p-values, and by how many standard deviations the groups lose more than expected. Where these are 1 or
            fewer the p-value is given as 1.
        """
        mean, variance, third, fourth = _moments(all_n, all_sums, is_binary=self.is_binary)
        rest = all_n - n
        # of the sum of n draws without replacement: W. G. Cochran, "Sampling techniques", chapter 2
        deviation = np.sqrt(np.maximum(variance, 0.0) * n * rest / np.maximum(all_n - 1, 1))
        z = np.zeros(len(n))
        np.divide(sums[:, 0] - n * mean, deviation, out=z, where=deviation > 0)
        p_values = np.ones(len(n))
        tested = np.flatnonzero(z > 1)
        if self.is_binary:
            hits, successes = (each[tested, 0].astype(np.int64) for each in (sums, all_sums))
            p_values[tested] = hypergeometric_tail(hits, all_n[tested], successes, n[tested])
            return p_values, z
        part, all_part, rest_part = (each[tested].astype(np.float64) for each in (n, all_n, rest))
        skewness = third[tested] * part * rest_part * (rest_part - part)
        skewness /= np.maximum((all_part - 1) * (all_part - 2), 1) * deviation[tested] ** 3
        spread = part * rest_part / all_part**2
        kurtosis = (1 - 6 * spread) * fourth[tested] - 3 * (1 - 4 * spread) * variance[tested] ** 2
        kurtosis *= all_part * spread / deviation[tested] ** 4  # in excess of the normal one, to the first order
        p_values[tested] = _pearson_iii_tail(z[tested], _leaning(skewness, kurtosis))
        return p_values, z

    def tail_of_all(self, n: Counts, sums: Floats) -> tuple[Floats, Floats]:
        """The same where each group is a part of all rows."""
        every = np.ones(len(n), dtype=np.int64)
        whole = self.sums(np.ones(len(self.numbers), dtype=np.bool_))
        return self.tail(n, sums, every * len(self.numbers), every[:, None] * whole)

    def p_value(self, rows: NDArray[np.bool_], among: NDArray[np.bool_]) -> float:
        """The p-value of some rows among others that they are part of."""
        n, sums = np.array([np.count_nonzero(rows)]), self.sums(rows)[None]
        all_n, all_sums = np.array([np.count_nonzero(among)]), self.sums(among)[None]
        return float(self.tail(n, sums, all_n, all_sums)[0][0])


@dataclass(frozen=True, slots=True)
class Slices:
    """All slices that were tested, table by table; a table has the slices of the same keys.

    Attributes:
        keys: of each table the places of its keys.
        values: of each table the places of each slice's values, shape (slices of the table, keys).
        starts: number of slices before each table, and in all.
        n: rows of each slice, shape (slices,).
        sums: sums of each slice.
    """

    keys: tuple[tuple[int, ...], ...]
    values: tuple[NDArray[np.intp], ...]
    starts: Counts
    n: Counts
    sums: Floats

    def conditions(self, place: int) -> tuple[tuple[int, int], ...]:
        """The keys and values of a slice, as places."""
        table = int(np.searchsorted(self.starts, place, side="right")) - 1
        values = self.values[table][place - self.starts[table]]
        return tuple(zip(self.keys[table], values.tolist(), strict=True))

    def rows(self, place: int, keys: Sequence[MetadataKey]) -> NDArray[np.bool_]:
        """Which rows are in a slice."""
        masks = [keys[key].codes == value for key, value in self.conditions(place)]
        return np.asarray(np.logical_and.reduce(masks))


def search(losses: Losses, keys: Sequence[MetadataKey], min_rows: int, max_conditions: int) -> Slices:
    """Find every conjunction of up to `max_conditions` values of different keys that has `min_rows` rows."""
    singles = [numbered(group_by_key(keys, place, min_rows)) for place in range(len(keys))]
    found: list[tuple[Groups, Floats]] = []

    def descend(groups: Groups) -> None:
        found.append((_without_cells(groups), losses.sums_of_groups(groups)))
        others = singles[groups.keys[-1] + 1 :]
        if others and len(groups.keys) < max_conditions and len(groups.n):
            left = numbered(groups)
            for right in others:
                descend(combine(left, right, min_rows))

    for single in singles:
        descend(single)
    tables = [table for table, _ in found]
    return Slices(
        tuple(table.keys for table in tables),
        tuple(table.values for table in tables),
        np.cumsum([0, *(len(table.n) for table in tables)]),
        np.concatenate([np.zeros(0, dtype=np.int64), *(table.n for table in tables)]),
        np.concatenate([np.zeros((0, losses.n_sums)), *(sums for _, sums in found)]),
    )


def _without_cells(groups: Groups) -> Groups:
    """Let go of the numbers of the rows: there are many tables."""
    return replace(groups, cells=np.zeros(0, dtype=np.intp))


def _moments(n: Counts, sums: Floats, *, is_binary: bool) -> tuple[Floats, Floats, Floats, Floats]:
    """Mean, variance, third and fourth central moment of the losses of each group; of binary ones the first two."""
    each = sums / np.maximum(n, 1)[:, None]
    mean = each[:, 0]
    if is_binary:
        return mean, mean * (1 - mean), np.zeros_like(mean), np.zeros_like(mean)
    second, third, fourth = each[:, 1], each[:, 2], each[:, 3]
    return (
        mean,
        second - mean**2,
        third - 3 * mean * second + 2 * mean**3,
        fourth - 4 * mean * third + 6 * mean**2 * second - 3 * mean**4,
    )


def _leaning(skewness: Floats, kurtosis: Floats) -> Floats:
    """The skewness to reckon with: more than there is where the tails are heavier than those it brings along.

    The type III distribution of skewness γ has an excess kurtosis of 3γ²/2. What exceeds that is taken to be in the
    tail that is tested.
    """
    unexplained = np.maximum(kurtosis / 1.5 - skewness**2, 0.0)
    return np.asarray(np.sqrt(np.maximum(skewness, 0.0) ** 2 + unexplained))


def _pearson_iii_tail(z: Floats, skewness: Floats) -> Floats:
    """P(Z ≥ z) of a Pearson type III distribution with mean 0 and variance 1, of the normal unless skewness is > 0."""
    skewed = np.maximum(skewness, _SYMMETRIC)
    root = 2 / skewed
    return np.where(skewness > _SYMMETRIC, gammaincc(root**2, root**2 + root * z), ndtr(-z))
