"""Where it fails: segments, pairs of keys, slices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from evalayer_lab.report._document import Document, Estimate, HeatMap, Segment, Segments, Slice, Slices
from evalayer_lab.report.html import _format as fmt
from evalayer_lab.report.html._layout import (
    Cell,
    Column,
    Section,
    conditions,
    details,
    left_out,
    paragraph,
    stated,
    table,
)
from evalayer_lab.report.html._marks import axis, axis_for, interval_mark
from evalayer_lab.report.html._markup import Html, cut, el, few, hidden, join, prose, user
from evalayer_lab.report.html._palette import shade
from evalayer_lab.report.html._scale import Scale
from evalayer_lab.report.html._words import titled

_FIRST, _MOST = 15, 100
_MOST_ROWS, _MOST_COLUMNS = 40, 20
_MOST_SLICES: Final = 30


def segments(document: Document) -> Section:
    """Show one metric by metadata."""
    parts = [
        None if document.segments is None else _segments(document.segments),
        None if document.heat_map is None else _heat_map(document.heat_map, document),
        None if document.slices is None else _slices(document.slices),
    ]
    if not any(parts):
        why = (
            "No row has metadata, so the report cannot say where the model fails. Give each row of the dataset a "
            "`metadata` object, as with `evalayer dataset enrich`, and run again."
        )
        parts = [paragraph(el("strong", "Not available. "), prose(why), classes="empty")]
    return Section("segments", "Where it fails", join(*parts), "segments")


def _segments(given: Segments) -> Html:
    shown, _ = few(given.ranked, _MOST)
    small = f"{fmt.count(given.too_small)} with fewer than {fmt.rows(given.min_rows)} not ranked."
    if not shown:
        least = f" by metadata: no segment has {fmt.count(given.min_rows)} scored rows, so none is ranked."
        return paragraph(user(given.metric), least, classes="lead")
    out = sum(segment.stands_out for segment in given.ranked)
    worst = f"{fmt.count(out)} stand{'s' if out == 1 else ''} out" if out else "none stands out"
    ranked = f"of {fmt.count(given.n_ranked)} segment{'' if given.n_ranked == 1 else 's'} {worst}"
    end = f", {small}" if given.too_small else "."
    lead = paragraph(user(given.metric), " by metadata: ", ranked, end, classes="lead")
    whole = join(
        "The line marks all rows: ",
        stated(given.whole),
        ". Weakest first, by the end of the interval that flatters them.",
    )
    rest = None
    if len(shown) > _FIRST:
        inner = _segment_table(shown[_FIRST:], given, "The segments that follow")
        rest = details(f"{len(shown) - _FIRST} more segments", inner, left_out(given.n_ranked - len(shown), "segments"))
    return join(lead, paragraph(whole), _segment_table(shown[:_FIRST], given, "Segments, weakest first"), rest)


def _segment_table(shown: Sequence[Segment], given: Segments, caption: str) -> Html:
    scale = axis_for(*(segment.estimate for segment in given.ranked[:_MOST]), also=(given.whole.value,))
    sure = any(segment.mean_confidence is not None for segment in shown)
    placed = any(segment.quadrant is not None for segment in shown)
    columns = [
        Column("Segment", "text"),
        Column(join("Mean and its interval", axis(scale)), "plot"),
        Column("Mean"),
        Column("Rows"),
        *([Column("Confidence"), Column("Confidence less accuracy")] if sure else []),
        *([Column("Quadrant", None)] if placed else []),
    ]
    rows = [_segment_row(segment, scale, given.whole.value, sure=sure, placed=placed) for segment in shown]
    return table(join(f"{caption}, by ", user(given.metric)), columns, rows, classes="forest")


def _segment_row(segment: Segment, scale: Scale | None, whole: float | None, *, sure: bool, placed: bool) -> list[Cell]:
    tone = "wrong" if segment.stands_out else ""
    chip = el("span", "stands out", class_="chip wrong") if segment.stands_out else None
    cells: list[Cell] = [
        join(conditions(segment.conditions), chip),
        interval_mark(segment.estimate, scale, whole, tone=tone),
        stated(segment.estimate),
        fmt.count(segment.rows),
    ]
    if sure:
        cells += [fmt.number(segment.mean_confidence), fmt.number(segment.calibration_gap, sign=True)]
    if placed:
        cells.append(titled(cut(segment.quadrant, 40)) if segment.quadrant is not None else fmt.NONE)
    return cells


def _higher(document: Document) -> bool:
    """Whether a higher value of the heat map's metric is better; so it is taken unless the metric says otherwise."""
    metric = None if document.heat_map is None else document.heat_map.metric
    if document.segments is not None and document.segments.metric == metric:
        return document.segments.higher_is_better
    return next((each.higher_is_better for each in document.metrics if each.name == metric), None) is not False


def _heat_map(given: HeatMap, document: Document) -> Html | None:
    columns, more_columns = few(given.columns, _MOST_COLUMNS)
    rows, more_rows = few(given.rows, _MOST_ROWS)
    enough = 1 if document.segments is None else document.segments.min_rows
    values = [
        cell.value for line in given.cells for cell in line if cell and cell.value is not None and cell.n >= enough
    ]
    span = (min(values), max(values)) if values else (0.0, 0.0)
    if not _higher(document):
        span = (span[1], span[0])
    body: list[list[Cell]] = [
        [user(name, 60), *(_heat_cell(cell, span, enough) for cell in line[: len(columns)])]
        for name, line in zip(rows, given.cells, strict=False)
    ]
    keys = join(user(given.metric), " by ", user(given.row_key, 60), " (down) and ", user(given.column_key, 60))
    said = f" (across), with n rows. The stronger the colour, the weaker; below {fmt.rows(enough)}, not shaded."
    head = [Column(user(given.row_key, 60), "text"), *(Column(user(name, 40)) for name in columns)]
    more = None
    if more_rows or more_columns:
        more = paragraph(f"Cut to {len(rows)} by {len(columns)}: {more_rows} more down, {more_columns} more across.")
    return join(el("h3", "Two keys at once"), table(join(keys, said), head, body, classes="matrix"), more)


def _heat_cell(cell: Estimate | None, span: tuple[float, float], enough: int) -> tuple[str, str]:
    """Show a value on the shade that its place between the weakest and the strongest gives."""
    if cell is None or cell.value is None:
        return join(el("span", fmt.NONE, class_="n"), hidden("no rows")), "none"
    shown = join(el("span", fmt.number(cell.value), class_="n"), el("span", f"n {fmt.count(cell.n)}", class_="share"))
    weakest, strongest = span
    if cell.n < enough or not 0 < abs(strongest - weakest) < 1e12:
        return shown, "none"
    return shown, f"w{shade((strongest - cell.value) / (strongest - weakest))}"


def _slices(given: Slices) -> Html:
    shown, left = few(given.found, _MOST_SLICES)
    searched = join(
        f"{fmt.count(given.searched)} conjunctions of metadata values with at least {fmt.rows(given.min_rows)} were ",
        "searched on ",
        user(given.metric),
        "; q is corrected for all of them.",
    )
    parts = [el("h3", "Failing slices"), paragraph(prose(given.sentence), classes="lead"), paragraph(searched)]
    if not shown:
        return join(*parts)
    scale = axis_for(*(each.estimate for each in given.found[:_MOST_SLICES]))
    columns = [
        Column("Slice", "text"),
        Column(join("Mean and its interval", axis(scale)), "plot"),
        Column("Mean"),
        Column("Shrunk mean"),
        Column("Rows"),
        Column("Share of all errors"),
        Column("p"),
        Column("q"),
    ]
    caption = join("Slices that fail, by ", user(given.metric))
    rows = [_slice_row(each, scale) for each in shown]
    return join(*parts, table(caption, columns, rows, classes="forest"), left_out(left, "slices"))


def _slice_row(each: Slice, scale: Scale | None) -> list[Cell]:
    return [
        conditions(each.conditions),
        interval_mark(each.estimate, scale, tone="wrong"),
        stated(each.estimate),
        fmt.number(each.shrunk),
        fmt.count(each.rows),
        fmt.percent(each.share_of_errors),
        fmt.p_value(each.p_value),
        fmt.p_value(each.q_value),
    ]
