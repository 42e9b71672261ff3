"""Where it fails: segments, pairs of keys, slices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from evalayer_lab.report import write
from evalayer_lab.report._document import Document, HeatMap, Segment, Segments, Slice, Slices
from evalayer_lab.report.html._layout import (
    Cell,
    Column,
    Columns,
    Links,
    Section,
    conditions,
    details,
    left_out,
    list_table,
    stated,
    table,
    titled,
    unavailable,
)
from evalayer_lab.report.html._marks import axis_for, interval_mark, plot, shade
from evalayer_lab.report.html._markup import Html, el, hidden, join, prose, user
from evalayer_lab.statistics import Estimate

_FIRST: Final = 15  # segments that are seen at once


def draw(document: Document, _: Links) -> Section:
    """Show one metric by metadata."""
    enough = 1 if document.segments is None else document.segments.min_rows
    parts = [
        None if document.segments is None else _segments(document.segments),
        None if document.heat_map is None else _heat_map(document.heat_map, enough),
        None if document.slices is None else _slices(document.slices),
    ]
    if not any(parts):
        why = (
            "No row has metadata, so the report cannot say where the model fails. Give each row of the dataset a "
            "`metadata` object, as with `evalayer dataset enrich`, and run again."
        )
        parts = [unavailable(why)]
    return Section("segments", "Where it fails", join(*parts), "segments")


def _segments(given: Segments) -> Html:
    if not given.ranked:
        least = f" by metadata: no segment has {write.count(given.min_rows)} scored rows, so none is ranked."
        return el("p", user(given.metric), least, class_="lead")
    out, small = sum(segment.stands_out for segment in given.ranked), given.too_small
    of = f"{write.count(given.n_ranked)} segment{'' if given.n_ranked == 1 else 's'}"
    said = f" by metadata: {write.count(out) if out else 'none'} of {of} stand{'s' if out < 2 else ''} out"
    if small:
        said += f"; {write.count(small)} with fewer than {write.rows(given.min_rows)} {write.are(small)} not ranked"
    lead = el("p", user(given.metric), f"{said}.", class_="lead")
    whole = join(
        "The line marks all rows: ",
        stated(given.whole),
        ". Weakest first, by the more favourable end of the interval.",
    )
    first, following = given.ranked[:_FIRST], given.ranked[_FIRST:]
    rest = details(
        f"{len(following)} more segments",
        _segment_table(following, given, "The segments that follow"),
        left_out(given.n_ranked - len(given.ranked), "segments") if following else None,
    )
    return join(lead, el("p", whole), _segment_table(first, given, "Segments, weakest first"), rest)


def _segment_table(shown: Sequence[Segment], given: Segments, caption: str) -> Html | None:
    scale = axis_for(*(segment.estimate for segment in given.ranked), also=(given.whole.value,))

    def draw_interval(each: Segment) -> Html:
        return interval_mark(each.estimate, scale, given.whole.value, tone="wrong" if each.stands_out else "")

    columns: list[Columns[Segment]] = [
        [
            ("Segment", _name),
            (plot("Mean and its interval", scale), draw_interval),
            ("Mean", lambda each: stated(each.estimate)),
            ("Rows", lambda each: write.count(each.rows)),
        ]
    ]
    if any(each.mean_confidence is not None for each in shown):
        columns.append(
            [
                ("Confidence", lambda each: write.number(each.mean_confidence)),
                ("Confidence minus accuracy", lambda each: write.number(each.calibration_gap, sign=True)),
            ]
        )
    if any(each.quadrant is not None for each in shown):
        columns.append([(Column("Quadrant"), lambda each: titled(each.quadrant or write.MISSING))])
    named = join(f"{caption}, by ", user(given.metric))
    return list_table(named, [each for part in columns for each in part], shown, classes="forest")


def _name(each: Segment) -> Html:
    chip = el("span", "stands out", class_="chip wrong") if each.stands_out else None
    return join(conditions(each.conditions), chip)


def _heat_map(given: HeatMap, enough: int) -> Html:
    """Draw the map; cells of fewer than `enough` rows are not shaded."""
    values = [
        cell.value for line in given.cells for cell in line if cell and cell.value is not None and cell.n >= enough
    ]
    span = (min(values), max(values)) if values else (0.0, 0.0)
    if not given.higher_is_better:
        span = (span[1], span[0])
    body: list[list[Cell]] = [
        [user(name, 60), *(_heat_cell(cell, span, enough) for cell in line)]
        for name, line in zip(given.rows, given.cells, strict=False)
    ]
    keys = join(user(given.metric), " by ", user(given.row_key, 60), " (down) and ", user(given.column_key, 60))
    said = (
        " (across), with n rows. The stronger the colour, the weaker the metric. "
        f"Cells of fewer than {write.rows(enough)} are not shaded."
    )
    head = [user(given.row_key, 60), *(user(name, 40) for name in given.columns)]
    return join(el("h3", "Two keys at once"), table(join(keys, said), head, body, classes="matrix"))


def _heat_cell(cell: Estimate | None, span: tuple[float, float], enough: int) -> tuple[str, str]:
    """Show a value on the shade that its place between the weakest and the strongest gives."""
    if cell is None or cell.value is None:
        return join(el("span", write.MISSING, class_="n"), hidden("no rows")), "none"
    shown = join(
        el("span", write.number(cell.value), class_="n"), el("span", f"n {write.count(cell.n)}", class_="share")
    )
    weakest, strongest = span
    if cell.n < enough or not 0 < abs(strongest - weakest) < 1e12:
        return shown, "none"
    return shown, shade((strongest - cell.value) / (strongest - weakest))


def _slices(given: Slices) -> Html:
    searched = join(
        f"{write.count(given.searched)} conjunctions of metadata values with at least {write.rows(given.min_rows)} ",
        "were searched on ",
        user(given.metric),
        "; q is corrected for all of them.",
    )
    scale = axis_for(*(each.estimate for each in given.found))
    columns: Columns[Slice] = [
        ("Slice", lambda each: conditions(each.conditions)),
        (plot("Mean and its interval", scale), lambda each: interval_mark(each.estimate, scale, tone="wrong")),
        ("Mean", lambda each: stated(each.estimate)),
        ("Shrunk mean", lambda each: write.number(each.shrunk)),
        ("Rows", lambda each: write.count(each.rows)),
        ("Share of all errors", lambda each: write.percent(each.share_of_errors)),
        ("p", lambda each: write.p_value(each.p_value)),
        ("q", lambda each: write.p_value(each.q_value)),
    ]
    return join(
        el("h3", "Failing slices"),
        el("p", prose(given.sentence), class_="lead"),
        el("p", searched),
        list_table(join("Slices that fail, by ", user(given.metric)), columns, given.found, classes="forest"),
    )
