"""Sections, tables and the other parts that the page is put together from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from evalayer_lab.report import write
from evalayer_lab.report._document import Document
from evalayer_lab.report.html._markup import Html, el, join, prose, user
from evalayer_lab.statistics import Estimate

MOST_EXAMPLES: Final = 20
_NARROW: Final = 3  # columns that fit on any screen
_T = TypeVar("_T")
Cell = str | tuple[str, str]
"""What a cell shows; with a second text, the classes of the cell."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page with an entry in the table of contents."""

    id: str
    title: str
    body: Html
    method: str | None = None
    """The entry of `methods` that says how its figures were computed."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        title: its header, text or HTML.
        classes: classes of its header and its cells: "num" for figures, "plot" for marks, "text" for sentences.
    """

    title: str
    classes: str | None = None


Columns = Sequence[tuple[Column | str, Callable[[_T], Cell]]]
"""The columns of a list of things, and what each cell shows of its thing."""


@dataclass(frozen=True, slots=True)
class Links:
    """The ids of what can be linked to, by method and by example. They hold nothing of the user's text."""

    methods: Mapping[str, str]
    examples: Mapping[str, str]

    @classmethod
    def of(cls, document: Document) -> Links:
        """Number the methods and the examples that the page shows."""
        examples = enumerate(document.examples[:MOST_EXAMPLES], 1)
        return cls(
            {name: f"method-{index}" for index, name in enumerate(document.methods, 1)},
            {each.id: f"example-{index}" for index, each in reversed(list(examples))},
        )

    def method(self, name: str) -> Html:
        """Name a method, with a link to what is said of it."""
        shown = user(titled(name), 60)
        return el("a", shown, href=f"#{self.methods[name]}") if name in self.methods else el("span", shown)

    def precision(self, estimate: Estimate) -> Html:
        """Say of an interval what it is and where it comes from."""
        drawn = "" if estimate.resamples is None else f", {write.count(estimate.resamples)} resamples"
        return join(f"{write.level(estimate.level)} interval, ", self.method(estimate.method), drawn)


def section(part: Section, methods: Mapping[str, str]) -> Html:
    """Render a section under its heading, with a link to how it was computed if `methods` has its id."""
    heading = el("h2", part.title, id=f"{part.id}-title")
    how = None
    if part.method is not None and part.method in methods:
        how = el(
            "p", el("a", f"How this was computed: {part.title}", href=f"#{methods[part.method]}"), class_="computed"
        )
    return el("section", heading, part.body, how, id=part.id, aria_labelledby=f"{part.id}-title")


def table(
    caption: str,
    columns: Sequence[Column | str],
    rows: Iterable[Sequence[Cell]],
    *,
    classes: str | None = None,
    quiet: bool = False,
) -> Html:
    """Make a table whose first column heads its rows. A table that is too wide scrolls in itself.

    Args:
        caption: what it shows, text or HTML.
        columns: the first is that of the row headers. A plain title stands for words there, and for figures in others.
        rows: their cells.
        classes: classes of the table.
        quiet: show the caption to screen readers only, where a heading above says the same.
    """
    heads = [
        Column(each, "num" if index else "text") if isinstance(each, str) else each
        for index, each in enumerate(columns)
    ]
    head = el("tr", *(el("th", column.title, scope="col", class_=column.classes) for column in heads))
    body = (
        el("tr", *(_cell(cell, column, index) for index, (cell, column) in enumerate(zip(row, heads, strict=False))))
        for row in rows
    )
    name = el("caption", el("span", caption), class_="vh" if quiet else None)
    whole = el("table", name, el("thead", head), el("tbody", *body), class_=classes)
    if len(columns) <= _NARROW:
        return el("div", whole, class_="scroll")
    return el("div", whole, class_="scroll", role="group", aria_label="Wide table", tabindex="0")


def list_table(
    caption: str,
    columns: Columns[_T],
    items: Iterable[_T],
    *,
    most: int | None = None,
    what: str = "",
    classes: str | None = None,
) -> Html | None:
    """Make a table with a row for each thing, or nothing if there is none.

    Args:
        caption: what it shows, text or HTML.
        columns: as for `table`, each with what its cells show.
        items: the things.
        most: how many are shown; how many more there are is said below.
        what: what they are called there.
        classes: classes of the table.
    """
    shown, left = few(items, most, what)
    if not shown:
        return None
    rows = ([cell(each) for _, cell in columns] for each in shown)
    return join(table(caption, [head for head, _ in columns], rows, classes=classes), left)


def details(summary: str, *children: str | None) -> Html | None:
    """Make a part that opens on demand, or nothing if it is empty. It is open on paper."""
    return el("details", el("summary", summary), *children) if any(children) else None


def figure(title: str, takeaway: str | None, chart: str, data: Html | None = None) -> Html:
    """Make a chart with its heading, the sentence to take from it, and its numbers as a table on demand."""
    caption = el("figcaption", el("h3", title), None if takeaway is None else el("p", takeaway))
    return el("figure", caption, chart, details("The numbers as a table", data))


def bullets(items: Iterable[str]) -> Html:
    """Make a list."""
    return el("ul", *(el("li", item) for item in items))


def terms(pairs: Iterable[tuple[str, str | None]], *, classes: str) -> Html:
    """Make a list of terms and what they say; None leaves a term out."""
    given = (el("div", el("dt", term), el("dd", said)) for term, said in pairs if said is not None)
    return el("dl", *given, class_=classes)


def few(items: Iterable[_T], most: int | None, what: str) -> tuple[Sequence[_T], Html | None]:
    """Take the first `most` items, with a sentence that says how many more there are."""
    given = tuple(items)
    return given[:most], left_out(0 if most is None else len(given) - most, what)


def left_out(number: int, what: str) -> Html | None:
    """Say how many entries of a list are not shown."""
    said = prose(f"And {write.count(number)} more {what}: `evalayer report --json` has them all.")
    return el("p", said, class_="muted") if number > 0 else None


def explained(
    caption: str, figure: str, rows: Iterable[tuple[str, Estimate | float | None, str]], links: Links
) -> Html:
    """Make a table of figures and what they mean, from their names, values and meanings."""
    columns = (figure, "Value, with its interval", Column("What it means", "text"), Column("How", "text"))
    cells: list[Sequence[Cell]] = []
    for name, value, meaning in rows:
        if isinstance(value, Estimate):
            cells.append((name, stated(value), meaning, links.method(value.method)))
        else:
            cells.append((name, el("span", write.number(value), class_="value"), meaning, ""))
    return table(caption, columns, cells)


def unavailable(why: str) -> Html:
    """Say why there is nothing to show."""
    return el("p", el("strong", "Not available. "), prose(why), class_="empty")


def conditions(given: dict[str, str]) -> Html:
    """Show metadata conditions, as "priority low and category request"."""
    return pairs(join(el("span", user(key, 60), class_="key"), " ", user(value, 60)) for key, value in given.items())


def pairs(items: Iterable[Html]) -> Html:
    """Show pairs of a name and a value one after the other."""
    return join(*(part for item in items for part in (el("span", item, class_="pair"), " ")))


def stated(estimate: Estimate, *, sign: bool = False) -> Html:
    """Show a value with its interval, in one line."""
    value = el("span", write.value(estimate, sign=sign), class_="value")
    if estimate.low is None and estimate.high is None:
        return value
    return join(value, " ", el("span", write.interval(estimate, sign=sign), class_="interval"))


def titled(name: str) -> str:
    """Write a name of ours, as "low_confidence", as words."""
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def _cell(cell: Cell, column: Column, index: int) -> Html:
    shown, own = cell if isinstance(cell, tuple) else (cell, None)
    classes = " ".join(given for given in (column.classes, own) if given) or None
    return el("th", shown, scope="row", class_=classes) if index == 0 else el("td", shown, class_=classes)
