"""The rows of a metric, and their figures by group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from evalayer_lab.statistics._intervals import Estimate
from evalayer_lab.statistics._metadata import Codes, Groups
from evalayer_lab.statistics._methods import Method
from evalayer_lab.statistics._selective import wilson_arrays

Floats: TypeAlias = NDArray[np.float64]

_NO_SPREAD = 1e-12  # of the mean: less than this is rounding


@dataclass(frozen=True, slots=True)
class Figures:
    """What is known of one group.

    Attributes:
        group: its place among the groups.
        n: its rows, scored or not.
        estimate: the metric on its scored rows.
        mean_confidence: of its scored rows that have a confidence.
        gap: mean of confidence minus metric over these rows.
    """

    group: int
    n: int
    estimate: Estimate
    mean_confidence: float | None
    gap: Estimate | None


class MetricRows:
    """A metric's values with the confidence of the rows.

    Args:
        values: shape (rows,).
        scored: shape (rows,): which of the values count.
        confidence: shape (rows,), NaN where a row has none; None where no row has.
        method: "wilson" or "student-t".
        has_gap: whether confidence minus value means something.
    """

    def __init__(
        self, values: Floats, scored: NDArray[np.bool_], confidence: Floats | None, *, method: Method, has_gap: bool
    ) -> None:
        self.method: Method = method
        self.has_gap = has_gap
        self.values = _Column.of(values, scored)
        self.confidence = self.gap = None
        if confidence is not None:
            both = scored & ~np.isnan(confidence)
            self.confidence = _Column.of(confidence, both)
            self.gap = _Column.of(confidence - values, both) if has_gap else None

    @property
    def mean_confidence(self) -> float | None:
        """Over the scored rows that have a confidence."""
        if self.confidence is None or not self.confidence.n:
            return None
        return float(self.confidence.numbers.sum()) / self.confidence.n

    def enough(self, groups: Groups, min_scored: int) -> Groups:
        """Leave out the groups with too few scored rows."""
        return groups.subset(self.values.count(groups) >= min_scored)

    def figures(self, groups: Groups, level: float) -> Iterator[Figures]:
        """Work out the figures of each group; each has at least two scored rows."""
        n, scored = groups.n, self.values.count(groups)
        confident = mean_confidence = gaps = None
        if self.confidence is not None:
            confident = self.confidence.count(groups)
            mean_confidence = groups.add(self.confidence.numbers) / np.maximum(confident, 1)
            gaps = None if self.gap is None else self.gap.student(groups, level)
        if self.method == "wilson":
            value = groups.add(self.values.numbers) / scored
            ends = wilson_arrays(value, scored, level)
        else:
            value, ends = self.values.student(groups, level)

        def estimate(group: int) -> Estimate:
            low, high = (float(end[group]) for end in ends)
            rows = int(scored[group])
            return Estimate(float(value[group]), low, high, level, self.method, rows, int(n[group]) - rows)

        for group in range(len(n)):
            both = 0 if confident is None else int(confident[group])
            gap = None
            if both and gaps is not None:
                low, high = (float(end[group]) if both > 1 else None for end in gaps[1])
                gap = Estimate(float(gaps[0][group]), low, high, level, "student-t", both, int(n[group]) - both)
            yield Figures(
                group,
                int(n[group]),
                estimate(group),
                float(mean_confidence[group]) if both and mean_confidence is not None else None,
                gap,
            )


@dataclass(frozen=True, slots=True)
class _Column:
    """Numbers of rows; 0 where a row does not count.

    Attributes:
        numbers: shape (rows,).
        rows: indices of the rows that count; None if all do.
    """

    numbers: Floats
    rows: Codes | None

    @staticmethod
    def of(numbers: Floats, counted: NDArray[np.bool_]) -> _Column:
        if counted.all():
            return _Column(numbers, None)
        return _Column(np.where(counted, numbers, 0.0), np.flatnonzero(counted))

    @property
    def n(self) -> int:
        return len(self.numbers) if self.rows is None else len(self.rows)

    def count(self, groups: Groups) -> NDArray[np.int64]:
        return groups.n if self.rows is None else groups.count(self.rows)

    def student(self, groups: Groups, level: float) -> tuple[Floats, tuple[Floats, Floats]]:
        """Mean and ends of Student's t interval of each group; without meaning for a group of fewer than two rows."""
        n = self.count(groups)
        mean = groups.add(self.numbers) / np.maximum(n, 1)
        of_cell = np.zeros(groups.n_cells)
        of_cell[groups.places] = mean
        off = self.numbers - of_cell[groups.cells]
        if self.rows is not None:
            counted = np.zeros(len(off), dtype=np.bool_)
            counted[self.rows] = True
            off[~counted] = 0.0
        spread = np.sqrt(groups.add(off * off) / np.maximum(n - 1, 1))
        spread[spread <= _NO_SPREAD * np.abs(mean)] = 0.0
        half = stdtrit(np.maximum(n - 1, 1), (1 + level) / 2) * spread / np.sqrt(np.maximum(n, 1))
        return mean, (mean - half, mean + half)
