"""Two runs beside each other on a terminal."""

from __future__ import annotations

from itertools import groupby

from rich.console import Console

from evalayer_lab.report._document import Comparison
from evalayer_lab.report._figures import interval, level_of, number
from evalayer_lab.report._tables import add_row, say, show, table_of


def render_comparison(comparison: Comparison, console: Console) -> None:
    """Print how two runs differ on the rows they share."""
    interval_name = f"{level_of(comparison.differences[0].difference)} interval"
    table = table_of("beside the other run", "this", "other", "change", interval_name, "rows", "verdict")
    for metric, rows in groupby(comparison.differences, key=lambda row: row.metric.partition(".")[0]):
        for index, row in enumerate(rows):
            part = row.metric.removeprefix(f"{metric}.")
            if part != row.metric and index == 0:
                add_row(table, metric)
            add_row(
                table,
                row.metric if part == row.metric else f"  {part}",
                number(row.this),
                number(row.other),
                number(row.difference.value, signed=True),
                interval(row.difference, signed=True),
                f"{row.difference.n:,}",
                row.verdict,
            )
    show(console, table)
    say(
        console,
        f"The other run is {comparison.other.folder}. {comparison.n_paired:,} rows are in both; "
        f"{comparison.n_only_this:,} in this run only, {comparison.n_only_other:,} in the other only.",
    )
    say(console, comparison.sentence)
