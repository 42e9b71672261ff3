"""Tables and sentences on a terminal: text of the data without markup and control characters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evalayer_lab.report import write
from evalayer_lab.statistics import Estimate

GAP: Final = 2  # blanks between columns


def show_table(console: Console, heads: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    """Print a table after an empty line, or nothing if it has no rows; the columns after the first are numbers."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0), header_style="bold")
    for index, head in enumerate(heads):
        table.add_column(
            _plain(head),
            overflow="ellipsis" if index else "fold",
            justify="right" if index else "left",
            no_wrap=index > 0,
        )
    for row in rows:
        table.add_row(*map(_plain, row))
    if table.row_count:
        console.print()
        console.print(table)


def with_interval(estimate: Estimate, *, sign: bool = False) -> tuple[str, str]:
    """The cells of an estimate: its value, and its interval."""
    return write.value(estimate, sign=sign), write.interval(estimate, sign=sign)


def by_metric(rows: Iterable[Sequence[str]]) -> Iterator[Sequence[str]]:
    """Rows that begin with a reported name: the parts of a metric stand together, indented, below its name."""
    for metric, group in groupby(rows, key=lambda row: row[0].partition(".")[0]):
        for index, (name, *cells) in enumerate(group):
            part = name.removeprefix(f"{metric}.")
            if part != name and index == 0:
                yield (metric,)
            yield (name if part == name else f"  {part}", *cells)


def say(console: Console, text: str, style: str = "") -> None:
    """Print a sentence."""
    console.print(Text(write.one_line(text, most=None), style=style))


def _plain(text: str | Text) -> Text:
    return text if isinstance(text, Text) else Text(write.one_line(text))
