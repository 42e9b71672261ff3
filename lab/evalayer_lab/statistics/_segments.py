"""Where a metric is weak: its estimate on each segment of the rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalayer_lab.statistics._intervals import Estimate, mean_interval, score_interval, wilson_interval


@dataclass(frozen=True, slots=True)
class Segment:
    """The rows that share one value of one metadata key.

    Attributes:
        key: the metadata key.
        value: its value.
        n: rows of the segment, scored or not.
        estimate: the metric on the segment's scored rows.
        stands_out: the segment is weaker than the whole by more than chance explains, looked at as one of all
            ranked segments.
    """

    key: str
    value: str
    n: int
    estimate: Estimate
    stands_out: bool


@dataclass(frozen=True, slots=True)
class SegmentTable:
    """The segments of a dataset, weakest first.

    Attributes:
        whole: the metric on all scored rows.
        ranked: the segments with enough scored rows.
        n_small: segments that had too few.
        min_scored: how many scored rows are enough.
    """

    whole: Estimate
    ranked: tuple[Segment, ...]
    n_small: int
    min_scored: int


def segment_table(
    values: NDArray[np.float64],
    scored: NDArray[np.bool_],
    segments: Mapping[tuple[str, str], NDArray[np.intp]],
    *,
    higher_is_better: bool = True,
    level: float = 0.95,
    min_scored: int = 10,
) -> SegmentTable:
    """Estimate a row metric on every segment and rank the segments.

    Segments are ranked by the end of their interval that flatters them: the upper end, lowest first (the lower end,
    highest first, where lower is better). A segment with few rows has a wide interval and so has to be very weak to
    come first. The interval is Wilson's where every scored value is 0 or 1, Student's t otherwise.

    A segment stands out when that end misses the value of the whole at the level 1 - (1 - level) / k, with k the
    number of ranked segments (Bonferroni): with no difference between segments, at most a share 1 - level of
    datasets has any segment that stands out. A segment without spread under Student's t never does.

    Args:
        values: shape (rows,); what stands where `scored` is false does not matter.
        scored: shape (rows,).
        segments: by key and value, the indices of the rows.
        higher_is_better: which way is good.
        level: confidence level of the intervals shown.
        min_scored: the fewest scored rows of a segment that is ranked, at least 2.

    Raises:
        ValueError: shapes differ, a scored value is not finite, or an argument is outside its range.
    """
    if values.shape != scored.shape or values.ndim != 1:
        raise ValueError(f"values and scored must be vectors of one length, not {values.shape} and {scored.shape}")
    if min_scored < 2:
        raise ValueError(f"min_scored must be at least 2, not {min_scored}")
    whole = score_interval(values[scored], level=level, n_unscored=int(np.count_nonzero(~scored)))
    enough = {
        name: rows for name, rows in segments.items() if len(rows) >= min_scored and scored[rows].sum() >= min_scored
    }
    strict = 1 - (1 - level) / max(1, len(enough))
    estimate = _proportion if whole.method == "wilson" else _mean
    ranked = []
    for (key, value), rows in enough.items():
        inside = values[rows[scored[rows]]]
        n_unscored = len(rows) - len(inside)
        ranked.append(
            Segment(
                key,
                value,
                len(rows),
                estimate(inside, level, n_unscored),
                stands_out=_is_weaker(estimate(inside, strict, n_unscored), whole, higher_is_better=higher_is_better),
            )
        )

    def best_case(segment: Segment) -> float:
        low, high = segment.estimate.low, segment.estimate.high
        if low is None or high is None:
            return float("inf")
        return high if higher_is_better else -low

    ranked.sort(key=lambda segment: (best_case(segment), -segment.n, segment.key, segment.value))
    return SegmentTable(whole, tuple(ranked), len(segments) - len(enough), min_scored)


def _proportion(values: NDArray[np.float64], level: float, n_unscored: int) -> Estimate:
    return wilson_interval(int(np.count_nonzero(values)), len(values), level=level, n_unscored=n_unscored)


def _mean(values: NDArray[np.float64], level: float, n_unscored: int) -> Estimate:
    return mean_interval(values, level=level, n_unscored=n_unscored)


def _is_weaker(estimate: Estimate, whole: Estimate, *, higher_is_better: bool) -> bool:
    if estimate.low is None or estimate.high is None or whole.value is None or estimate.low == estimate.high:
        return False
    return estimate.high < whole.value if higher_is_better else estimate.low > whole.value
