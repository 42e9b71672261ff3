"""Where a metric is weak: segments, the map of two keys, and slices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evalayer_lab.report._choice import Target
from evalayer_lab.report._confidence import HIGH
from evalayer_lab.report._document import Estimate, HeatMap, Segment, Segments, Slice, Slices
from evalayer_lab.report._estimate import estimate, within_scores
from evalayer_lab.results import Results
from evalayer_lab.statistics import Estimate as ComputedEstimate
from evalayer_lab.statistics import (
    MetadataKey,
    SegmentTable,
    find_failing_segments,
    score_interval,
    segment_table,
)
from evalayer_lab.statistics import Segment as ComputedSegment

_MOST_VALUES: Final = 1000  # of a key: beyond, its values name rows, not segments
_MOST_SEGMENTS: Final = 100
_MAP_SIDE: Final = 12


def metadata_of(results: Results) -> tuple[list[MetadataKey], list[str]]:
    """The metadata keys that tell segments apart, and those with so many values that they do not."""
    keys, too_many = [], []
    for name in results.metadata_keys:
        codes, values = results.codes(f"metadata.{name}")
        if len(values) > _MOST_VALUES:
            too_many.append(name)
        elif values:
            keys.append(MetadataKey(name, values, codes))
    return keys, too_many


def table_of(
    target: Target, keys: Sequence[MetadataKey], confidence: NDArray[np.float64] | None, *, level: float
) -> SegmentTable:
    """Estimate the target on every segment."""
    return segment_table(
        target.values,
        target.scored,
        keys,
        confidence=confidence,
        confidence_cut=HIGH,  # as for single rows: by the mean of all, an unsure model had overconfident segments
        higher_is_better=target.higher_is_better,
        level=level,
    )


def segments(target: Target, table: SegmentTable) -> Segments:
    """The segments, weakest first."""
    shown = within_scores if target.in_range else estimate
    return Segments(
        metric=target.metric,
        higher_is_better=target.higher_is_better,
        whole=shown(table.whole),
        min_rows=table.min_scored,
        too_small=table.n_small,
        ranked=tuple(_segment(each, shown(each.estimate)) for each in table.ranked[:_MOST_SEGMENTS]),
        n_ranked=len(table.ranked),
    )


def heat_map(target: Target, table: SegmentTable, keys: Sequence[MetadataKey], *, level: float) -> HeatMap | None:
    """The target by the two keys whose values differ the most; None where no two keys fit on a map."""
    fitting = [key for key in keys if 2 <= len(key.values) <= _MAP_SIDE]
    spread = {key.name: _spread(table, key.name) for key in fitting}
    fitting.sort(key=lambda key: (-spread[key.name], key.name))
    pair = next(combinations(fitting, 2), None)
    if pair is None:
        return None
    down, across = sorted(pair, key=lambda key: (-len(key.values), key.name))
    return HeatMap(
        metric=target.metric,
        row_key=down.name,
        column_key=across.name,
        rows=down.values,
        columns=across.values,
        cells=tuple(_cells(target, down, across, level)),
    )


def slices(target: Target, keys: Sequence[MetadataKey], *, level: float) -> Slices:
    """The conjunctions of metadata values on which the target fails more than on the rest."""
    result = find_failing_segments(
        target.values, target.scored, keys, higher_is_better=target.higher_is_better, level=level
    )
    shown = within_scores if target.in_range else estimate
    return Slices(
        metric=target.metric,
        searched=result.n_searched,
        min_rows=result.min_rows,
        level=result.false_discovery_rate,
        found=tuple(
            Slice(
                conditions=dict(each.conditions),
                rows=each.n,
                estimate=shown(each.estimate),
                shrunk=each.shrunk,
                p_value=each.p_value,
                q_value=each.adjusted_p_value,
                share_of_errors=each.share_of_errors,
            )
            for each in result.found
        ),
        sentence=result.sentence,
    )


def _cells(
    target: Target, down: MetadataKey, across: MetadataKey, level: float
) -> Iterator[tuple[Estimate | None, ...]]:
    width, shown = len(across.values), within_scores if target.in_range else estimate
    cell = down.codes.astype(np.int64) * width + across.codes
    cell[(down.codes < 0) | (across.codes < 0)] = -1
    order = np.argsort(cell, kind="stable")
    ends = np.searchsorted(cell[order], np.arange(len(down.values) * width + 1))
    for row in range(len(down.values)):
        inside = (order[ends[place] : ends[place + 1]] for place in range(row * width, (row + 1) * width))
        yield tuple(shown(_cell(target, rows, level)) if len(rows) else None for rows in inside)


def _cell(target: Target, rows: NDArray[np.intp], level: float) -> ComputedEstimate:
    scored = rows[target.scored[rows]]
    return score_interval(target.values[scored], level=level, n_unscored=len(rows) - len(scored))


def _spread(table: SegmentTable, key: str) -> float:
    """The variance between the segments of a key."""
    inside = [segment.estimate for segment in table.ranked if segment.key == key]
    total = sum(part.n for part in inside)
    if not total or table.whole.value is None:
        return 0.0
    return sum(part.n * (part.value - table.whole.value) ** 2 for part in inside if part.value is not None) / total


def _segment(segment: ComputedSegment, shown: Estimate) -> Segment:
    gap = segment.calibration_gap
    return Segment(
        conditions=dict(segment.conditions),
        rows=segment.n,
        estimate=shown,
        mean_confidence=segment.mean_confidence,
        calibration_gap=None if gap is None else gap.value,
        quadrant=segment.quadrant,
        stands_out=segment.stands_out,
    )
