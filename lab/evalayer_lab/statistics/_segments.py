"""Where a metric is weak: its estimate on each segment of the rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from evalayer_lab.statistics._intervals import Estimate, score_interval
from evalayer_lab.statistics._metadata import (
    Condition,
    Groups,
    MetadataKey,
    check_keys,
    combine,
    group_by_key,
    name_conditions,
    numbered,
)
from evalayer_lab.statistics._segment_rows import Figures, MetricRows
from evalayer_lab.statistics._slice_search import Losses

Floats: TypeAlias = NDArray[np.float64]
Quadrant: TypeAlias = Literal["critical", "overconfident", "conservative", "sound"]


@dataclass(frozen=True, slots=True)
class Segment:
    """The rows that share one value of one metadata key, or of each of two keys.

    Attributes:
        conditions: the keys with their values.
        n: rows of the segment, scored or not.
        estimate: the metric on the segment's scored rows.
        stands_out: the segment is weaker than the whole by more than chance explains, looked at as one of all
            ranked segments.
        mean_confidence: of the scored rows that have a confidence; None if none has.
        calibration_gap: mean of confidence minus metric over these rows, above 0 where the model is overconfident, with
            Student's t interval; None without confidence, and for a metric whose values are not good from 0 to 1.
        quadrant: "critical" is little confidence and weak, "overconfident" much and weak, "conservative" little
            and strong, "sound" much and strong; None without confidence.
    """

    conditions: tuple[Condition, ...]
    n: int
    estimate: Estimate
    stands_out: bool
    mean_confidence: float | None
    calibration_gap: Estimate | None
    quadrant: Quadrant | None

    @property
    def key(self) -> str:
        """The metadata key; of a pair both, joined by "&"."""
        return " & ".join(key for key, _ in self.conditions)

    @property
    def value(self) -> str:
        """The value of the key; of a pair both, joined by "&"."""
        return " & ".join(value for _, value in self.conditions)


@dataclass(frozen=True, slots=True)
class SegmentTable:
    """The segments of a dataset, weakest first.

    Attributes:
        whole: the metric on all scored rows.
        ranked: the values of one key with enough scored rows.
        pairs: the pairs of values with enough scored rows.
        n_small: values of one key that had too few.
        min_scored: how many scored rows are enough.
        confidence_cut: the mean confidence from which it is much; None without confidence.
        value_cut: the value from which a segment is strong; None without a scored row.
    """

    whole: Estimate
    ranked: tuple[Segment, ...]
    pairs: tuple[Segment, ...]
    n_small: int
    min_scored: int
    confidence_cut: float | None
    value_cut: float | None


def segment_table(
    values: Floats,
    scored: NDArray[np.bool_],
    keys: Sequence[MetadataKey],
    *,
    confidence: Floats | None = None,
    pairs: bool = False,
    higher_is_better: bool = True,
    level: float = 0.95,
    min_scored: int = 10,
    confidence_cut: float | None = None,
    value_cut: float | None = None,
) -> SegmentTable:
    """Estimate a row metric on every segment and rank the segments.

    Segments are ranked by the end of their interval that flatters them: the upper end, lowest first (the lower end,
    highest first, where lower is better). A segment with few rows has a wide interval and so has to be very weak to
    come first. The interval is Wilson's where every scored value is 0 or 1, Student's t otherwise.

    A segment stands out when that end misses the value of the whole and the test of `find_failing_segments`, one-sided
    against the rest, has a p-value up to (1 - level) / k, with k the number of ranked segments (Bonferroni): with no
    difference between segments, at most a share 1 - level of datasets has any segment that stands out. With pairs, the
    values and the pairs share 1 - level in equal parts. The end alone would not do: with few rows, values near 0 or 1
    and skewed ones, it misses far more often than its level says.

    Args:
        values: shape (rows,); what stands where `scored` is false does not matter.
        scored: shape (rows,).
        keys: the metadata.
        confidence: shape (rows,), in [0, 1], NaN for a row that has none.
        pairs: also rank each pair of values of two keys.
        higher_is_better: which way is good.
        level: confidence level of the intervals shown.
        min_scored: the fewest scored rows of a segment that is ranked, at least 2.
        confidence_cut: the mean confidence from which it is much; that of the whole where None.
        value_cut: the value from which a segment is strong; that of the whole where None.

    Raises:
        ValueError: shapes differ, a scored value is not finite, or an argument is outside its range.

    >>> import numpy as np
    >>> key = MetadataKey("domain", ("hr", "it"), np.repeat([0, 1], 10))
    >>> table = segment_table(np.repeat([0.0, 1.0], 10), np.ones(20, dtype=bool), [key])
    >>> [(segment.key, segment.value, segment.estimate.value, segment.stands_out) for segment in table.ranked]
    [('domain', 'hr', 0.0, True), ('domain', 'it', 1.0, False)]
    """
    _check_rows(values, scored, confidence)
    if min_scored < 2:
        raise ValueError(f"min_scored must be at least 2, not {min_scored}")
    check_keys(keys, len(values))
    whole = score_interval(values[scored], level=level, n_unscored=int(np.count_nonzero(~scored)))
    in_range = not np.any((values[scored] < 0) | (values[scored] > 1))
    rows = MetricRows(values, scored, confidence, method=whole.method, has_gap=in_range and higher_is_better)
    enough = [rows.enough(group_by_key(keys, place, min_scored), min_scored) for place in range(len(keys))]
    both = []
    if pairs:
        both = [
            rows.enough(combine(left, right, min_scored), min_scored)
            for left, right in combinations(map(numbered, enough), 2)
        ]
    confidence_cut = rows.mean_confidence if confidence_cut is None else confidence_cut
    value_cut = whole.value if value_cut is None else value_cut

    losses = Losses.of(values[scored], higher_is_better=higher_is_better)

    def figures(table: Groups) -> Iterator[tuple[Figures, float]]:
        sums = losses.sums_of_groups(replace(table, cells=table.cells[scored]))
        p_values, _ = losses.tail_of_all(rows.values.count(table), sums)
        return zip(rows.figures(table, level), p_values.tolist(), strict=True)

    def ranked(tables: Sequence[Groups]) -> tuple[Segment, ...]:
        allowed = (1 - level) / (2 if pairs else 1)
        cut = allowed / max(1, sum(len(table.places) for table in tables))
        segments = (
            Segment(
                name_conditions(keys, table.keys, table.values[each.group]),
                each.n,
                each.estimate,
                p_value <= cut and _is_weaker(each.estimate, whole, higher_is_better=higher_is_better),
                each.mean_confidence,
                each.gap,
                _quadrant(each, confidence_cut, value_cut, higher_is_better=higher_is_better),
            )
            for table in tables
            for each, p_value in figures(table)
        )
        return tuple(sorted(segments, key=partial(_best_case, higher_is_better=higher_is_better)))

    n_values = sum(int(np.count_nonzero(np.bincount(key.codes.astype(np.intp) + 1)[1:])) for key in keys)
    singles = ranked(enough)
    return SegmentTable(whole, singles, ranked(both), n_values - len(singles), min_scored, confidence_cut, value_cut)


def _check_rows(values: Floats, scored: NDArray[np.bool_], confidence: Floats | None) -> None:
    if values.shape != scored.shape or values.ndim != 1:
        raise ValueError(f"values and scored must be vectors of one length, not {values.shape} and {scored.shape}")
    if confidence is not None and (confidence.shape != values.shape or np.any((confidence < 0) | (confidence > 1))):
        raise ValueError("confidence must have one number in [0, 1] for each row, or NaN where a row has none")


def _best_case(segment: Segment, *, higher_is_better: bool) -> tuple[float, int, str, str]:
    """What segments are ranked by: the end of the interval that flatters them, then their rows and their names."""
    low, high = segment.estimate.low, segment.estimate.high
    end = float("inf") if low is None or high is None else high if higher_is_better else -low
    return end, -segment.n, segment.key, segment.value


def _quadrant(
    figures: Figures, confidence_cut: float | None, value_cut: float | None, *, higher_is_better: bool
) -> Quadrant | None:
    value, confidence = figures.estimate.value, figures.mean_confidence
    if value is None or value_cut is None or confidence is None or confidence_cut is None:
        return None
    if value >= value_cut if higher_is_better else value <= value_cut:
        return "sound" if confidence >= confidence_cut else "conservative"
    return "overconfident" if confidence >= confidence_cut else "critical"


def _is_weaker(estimate: Estimate, whole: Estimate, *, higher_is_better: bool) -> bool:
    if estimate.low is None or estimate.high is None or whole.value is None:
        return False
    return estimate.high < whole.value if higher_is_better else estimate.low > whole.value
