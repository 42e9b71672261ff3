"""Tables and sentences on a terminal: text of the data without markup and control characters."""

from __future__ import annotations

from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evalayer_lab.report.write import one_line

GAP: Final = 2  # blanks between columns


def new_table(first: str, *others: str) -> Table:
    """An empty table; the columns after the first are numbers."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0), header_style="bold")
    table.add_column(plain(first), overflow="fold")
    for other in others:
        table.add_column(plain(other), justify="right", no_wrap=True)
    return table


def add_row(table: Table, *cells: str) -> None:
    """Add a row of texts."""
    table.add_row(*map(plain, cells))


def show_table(console: Console, table: Table) -> None:
    """Print a table that has rows, after an empty line."""
    if table.row_count:
        console.print()
        console.print(table)


def say(console: Console, text: str, style: str = "") -> None:
    """Print a sentence."""
    console.print(Text(one_line(text, most=None), style=style))


def plain(text: str) -> Text:
    """A text for a cell."""
    return Text(one_line(text))
