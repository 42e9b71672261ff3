"""Where a metric is weak: segments, the map of two keys, and slices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from evalayer_lab.report import write
from evalayer_lab.report._document import Document, HeatMap, Segment, Segments, Slice, Slices
from evalayer_lab.report._judged import HIGH
from evalayer_lab.report._part import EXAMPLES, Part, RowFinding
from evalayer_lab.report._question import Question, Target, within_scores
from evalayer_lab.report._tables import say, show_table, with_interval
from evalayer_lab.statistics import (
    Estimate,
    FailingSegments,
    MetadataKey,
    SegmentTable,
    find_failing_segments,
    score_interval,
    segment_table,
)

METHODS: Final = {
    "segments": "Segments are ranked by the more favourable end of their interval. One stands out when even that end "
    "misses the value of the whole and the test of slices against the rest holds after Bonferroni's correction for the "
    f"number of segments. Its quadrant is by mean confidence, high from {HIGH} on, and by the value of the whole.",
    "heat_map": "The two keys whose values differ the most, by the variance between their segments.",
    "slices": "Every conjunction of up to three metadata values with enough rows is tested against the rest, and the "
    "p-values are corrected together (Benjamini and Hochberg 1995). Rates are shrunk towards the whole "
    "(empirical Bayes).",
}
_MOST_SEGMENTS: Final = 100
_MAP_SIDE: Final = 12
_SLICES: Final = 3
_WEAKEST: Final = 3


def analyse(question: Question) -> Part:
    """Estimate the target on every segment, and search slices that fail more than the rest."""
    target, keys = question.target, question.metadata
    names = ", ".join(question.unsegmented)
    notes = [f"These metadata keys have too many different values to be used as segments: {names}."] if names else []
    if target is None or not keys:
        return Part({}, notes=notes)
    table = segment_table(
        target.values,
        target.scored,
        keys,
        confidence=question.confidence,
        confidence_cut=HIGH,  # as for single rows: by the mean of all, an unsure model had overconfident segments
        higher_is_better=target.higher_is_better,
        level=question.level,
    )
    failing = find_failing_segments(
        target.values, target.scored, keys, higher_is_better=target.higher_is_better, level=question.level
    )
    segments, slices = _segments(target, table), _slices(target, failing)
    return Part(
        fields={
            "segments": segments,
            "heat_map": _heat_map(target, table, keys, level=question.level),
            "slices": slices,
        },
        findings=list(_weak_places(target, slices, segments, keys)),
        notes=notes,
    )


def show(document: Document, console: Console) -> None:
    """Print the weakest segments, and what the search found."""
    segments = document.segments
    if segments is None:
        return
    if not segments.ranked:
        console.print()
        say(console, f"No segment has {segments.min_rows} scored rows, so none is ranked.")
        return
    whole = segments.whole
    interval = f"{write.level(whole.level)} interval"
    places = [
        (write.conditions(each.conditions), each.estimate, "yes" if each.stands_out else "no")
        for each in segments.ranked[:_WEAKEST]
    ]
    rows = (
        (name, *with_interval(estimate), write.count(estimate.n), stands_out)
        for name, estimate, stands_out in (*places, ("all rows", whole, ""))
    )
    heads = (f"weakest segments by {segments.metric}", "mean", interval, "scored", "stands out")
    show_table(console, heads, rows)
    if document.slices is not None:
        _show_slices(document.slices, segments, console)


def _show_slices(slices: Slices, segments: Segments, console: Console) -> None:
    """What the search found; that it found nothing is said only where no segment stands out either."""
    if slices.found:
        say(console, slices.sentence)
    elif any(segment.stands_out for segment in segments.ranked):
        return
    elif slices.searched:
        say(console, slices.sentence)
    else:
        ranked = f"{segments.n_ranked:,}"
        say(console, f"No segment stands out: chance explains the differences between the {ranked} ranked.")


def _segments(target: Target, table: SegmentTable) -> Segments:
    """The segments, weakest first."""
    return Segments(
        metric=target.metric,
        higher_is_better=target.higher_is_better,
        whole=_within_range(target, table.whole),
        min_rows=table.min_scored,
        too_small=table.n_small,
        ranked=tuple(
            Segment.of(
                each,
                conditions=dict(each.conditions),
                rows=each.n,
                estimate=_within_range(target, each.estimate),
                calibration_gap=None if each.calibration_gap is None else each.calibration_gap.value,
            )
            for each in table.ranked[:_MOST_SEGMENTS]
        ),
        n_ranked=len(table.ranked),
    )


def _heat_map(target: Target, table: SegmentTable, keys: Sequence[MetadataKey], *, level: float) -> HeatMap | None:
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
        higher_is_better=target.higher_is_better,
        row_key=down.name,
        column_key=across.name,
        rows=down.values,
        columns=across.values,
        cells=tuple(_cells(target, down, across, level)),
    )


def _slices(target: Target, failing: FailingSegments) -> Slices:
    return Slices(
        metric=target.metric,
        searched=failing.n_searched,
        min_rows=failing.min_rows,
        level=failing.false_discovery_rate,
        found=tuple(
            Slice.of(
                each,
                conditions=dict(each.conditions),
                rows=each.n,
                estimate=_within_range(target, each.estimate),
                q_value=each.adjusted_p_value,
            )
            for each in failing.found
        ),
        sentence=_say_slices(failing),
    )


def _say_slices(failing: FailingSegments) -> str:
    n, searched = len(failing.found), failing.n_searched
    if not searched:
        return f"No segment has {failing.min_rows} scored rows, so none was searched."
    if not n:
        return f"No segment stands out: of {searched} searched, none fails more than the rest beyond chance."
    fails, it = ("1 segment fails", "it holds") if n == 1 else (f"{n} segments fail", "together they hold")
    errors = "" if failing.share_of_errors is None else f"{write.percent(failing.share_of_errors)} of the errors on "
    rows = write.percent(failing.share_of_rows)
    return f"{fails} more than the rest, of {searched} searched: {it} {errors}{rows} of the rows."


def _weak_places(
    target: Target, slices: Slices, segments: Segments, keys: Sequence[MetadataKey]
) -> Iterator[RowFinding]:
    """Slices that fail more than the rest, else a segment that stands out; the rows to read are the worst in it."""
    places = [(each.conditions, each.estimate) for each in slices.found[:_SLICES]] or [
        (each.conditions, each.estimate) for each in segments.ranked if each.stands_out
    ][:1]
    for conditions, estimate in places:
        inside = target.scored.copy()
        for key in keys:
            if key.name in conditions:
                inside &= key.codes == key.values.index(conditions[key.name])
        yield RowFinding(
            3,
            "weak slice",
            f"{target.metric} is {write.number(estimate.value)} on the {estimate.n:,} rows with "
            f"{write.conditions(conditions)}, {write.number(segments.whole.value)} on all.",
            "Read these rows first, then add examples like them to the prompt or to the training data.",
            estimate.n,
            _worst(target, np.flatnonzero(inside)),
        )


def _worst(target: Target, rows: NDArray[np.intp]) -> list[int]:
    """The worst of some scored rows, as far as they are worse than the mean of all scored ones."""
    values = target.values if target.higher_is_better else -target.values
    rows = rows[values[rows] < values[target.scored].mean()]
    worst: list[int] = rows[np.argsort(values[rows], kind="stable")[:EXAMPLES]].tolist()
    return worst


def _cells(
    target: Target, down: MetadataKey, across: MetadataKey, level: float
) -> Iterator[tuple[Estimate | None, ...]]:
    width = len(across.values)
    cell = down.codes.astype(np.int64) * width + across.codes
    cell[(down.codes < 0) | (across.codes < 0)] = -1
    order = np.argsort(cell, kind="stable")
    ends = np.searchsorted(cell[order], np.arange(len(down.values) * width + 1))
    for row in range(len(down.values)):
        inside = (order[ends[place] : ends[place + 1]] for place in range(row * width, (row + 1) * width))
        yield tuple(_cell(target, rows, level) if len(rows) else None for rows in inside)


def _cell(target: Target, rows: NDArray[np.intp], level: float) -> Estimate:
    scored = rows[target.scored[rows]]
    estimate = score_interval(target.values[scored], level=level, n_unscored=len(rows) - len(scored))
    return _within_range(target, estimate)


def _spread(table: SegmentTable, key: str) -> float:
    """The variance between the segments of a key."""
    inside = [segment.estimate for segment in table.ranked if segment.key == key]
    total = sum(part.n for part in inside)
    if not total or table.whole.value is None:
        return 0.0
    return sum(part.n * (part.value - table.whole.value) ** 2 for part in inside if part.value is not None) / total


def _within_range(target: Target, estimate: Estimate) -> Estimate:
    return within_scores(estimate) if target.in_range else estimate
