"""`evalayer dataset`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import click

from evalayer_lab.cli._group import Group

if TYPE_CHECKING:
    from evalayer_lab.dataset import DatasetReport, MetadataKey

_SHOWN_VALUES: Final = 6


@click.group(cls=Group)
def dataset() -> None:
    """Look at the rows of a dataset before a job does."""


@dataset.command()
@click.argument("file", type=click.Path())
@click.option("--strict", is_flag=True, help="Stop at the first bad row; exit code 2.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--max-problems", type=click.IntRange(min=0), default=20, show_default=True, help="How many problems to print."
)
@click.pass_context
def check(ctx: click.Context, file: str, strict: bool, as_json: bool, max_problems: int) -> None:
    """Check every row of a gen_qa dataset and say what the file holds.

    Prints each problem as "path:line: field: reason". An error makes a row unusable; a warning is worth a look.
    Exits with 0 when no row has an error, 1 when some have, 2 when the file cannot be used at all.

    \b
    The JSON object has
      path, rows, good   the file, its rows, and those without an error
      errors, warnings   how many there are
      problems           the first of them: {path, line, field, reason, severity}
      duplicates         rows whose text stands on an earlier line
      lengths            by field, in characters: {rows, min, median, p95, max}
      metadata           by key: {rows, values: {value: rows}, other}

    \b
    Example:
      evalayer dataset check data/support_tickets/gen_qa.jsonl
    """
    from evalayer_lab.cli._console import progress
    from evalayer_lab.dataset import check_gen_qa

    with progress("rows") as advance:
        report = check_gen_qa(file, max_problems=max_problems, strict=strict, on_progress=advance)
    if as_json:
        click.echo(json.dumps(asdict(report), indent=2, ensure_ascii=False))
    else:
        _print(report)
    if report.errors:
        ctx.exit(1)


def _print(report: DatasetReport) -> None:
    from rich.table import Table
    from rich.text import Text

    from evalayer_lab.cli._console import console

    for problem in report.problems:
        severity = click.style(problem.severity, fg="red" if problem.severity == "error" else "yellow")
        click.echo(f"{severity}: {problem}")
    left_out = report.errors + report.warnings - len(report.problems)
    if left_out:
        total = report.errors + report.warnings
        click.echo(f"… and {left_out:,} more problems; --max-problems {total} prints all")
    if report.problems or left_out:
        click.echo()

    summary = Table(box=None, show_header=False, pad_edge=False)
    summary.add_row("rows", f"{report.rows:,}, of which {report.good:,} good")
    summary.add_row("problems", f"{_count(report.errors, 'error')}, {_count(report.warnings, 'warning')}")
    summary.add_row("duplicates", f"{report.duplicates:,}")
    for field, lengths in report.lengths.items():
        text = f"{lengths.min:,} to {lengths.max:,} characters, median {lengths.median:,}, p95 {lengths.p95:,}"
        summary.add_row(field, text if lengths.rows == report.good else f"{text}, in {lengths.rows:,} rows")
    for key, found in report.metadata.items():
        summary.add_row(Text(f"metadata.{_safe(key)}"), Text(_values(found)))
    console().print(summary)


def _values(found: MetadataKey) -> str:
    first = list(found.values.items())[:_SHOWN_VALUES]
    parts = [f"{_safe(value)} {rows:,}" for value, rows in first]
    rest = found.rows - sum(rows for _, rows in first)
    return ", ".join([*parts, f"others {rest:,}"] if rest else parts)


def _safe(text: str) -> str:
    from evalayer_lab.dataset._problem import shown

    return shown(text, limit=30)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
