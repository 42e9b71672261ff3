"""`evalayer dataset`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from evalayer_lab.cli._console import counted
from evalayer_lab.cli._dataset_convert import convert
from evalayer_lab.cli._dataset_enrich import enrich
from evalayer_lab.cli._dataset_output import KINDS, as_json, finish, max_problems, safe, values
from evalayer_lab.cli._dataset_sample import sample
from evalayer_lab.cli._main import Group

if TYPE_CHECKING:
    from evalayer_lab.dataset import DatasetReport, Kind


@click.group(cls=Group)
def dataset() -> None:
    """Prepare the rows of a dataset, and look at them before a job does."""


@dataset.command()
@click.argument("file", type=click.Path())
@click.option("--kind", type=KINDS, help="What the rows are.  [default: by the file's name and rows]")
@click.option("--strict", is_flag=True, help="Stop at the first bad row; exit code 2.")
@as_json
@max_problems
@click.pass_context
def check(ctx: click.Context, file: str, kind: Kind | None, strict: bool, as_json: bool, max_problems: int) -> None:
    """Check every row of a dataset and say what the file holds.

    Prints each finding as "path:line: field: reason [code]"; docs/datasets.md explains the codes. An error makes a
    row unusable; a warning is worth a look.
    Exits with 0 when no row has an error, 1 when some have, 2 when the file cannot be used at all.

    \b
    The JSON object has
      path, kind         the file and what its rows are
      rows, good         the number of rows, and of those without an error
      errors, warnings   how many there are
      findings           the first of them: {code, severity, path, line, field, reason, fix}
      duplicates         rows whose text stands on an earlier line
      lengths            by field, in characters: {rows, min, median, p95, max}
      metadata           by key: {rows, values: {value: rows}, other}

    \b
    Examples:
      evalayer dataset check data/support_tickets/gen_qa.jsonl
      evalayer dataset check prompts.jsonl --kind rft_eval --json
    """
    from evalayer_lab.cli._console import progress
    from evalayer_lab.dataset import check_dataset

    with progress("rows") as advance:
        report = check_dataset(file, kind, max_problems=max_problems, strict=strict, on_progress=advance)
    finish(ctx, report, lambda: _print(report), as_json=as_json)


dataset.add_command(convert)
dataset.add_command(enrich)
dataset.add_command(sample)


def _print(report: DatasetReport) -> None:
    from rich.table import Table
    from rich.text import Text

    from evalayer_lab.cli._console import console

    summary = Table(box=None, show_header=False, pad_edge=False)
    summary.add_row("kind", report.kind)
    summary.add_row("rows", f"{report.rows:,}, of which {report.good:,} good")
    summary.add_row("findings", f"{counted(report.errors, 'error')}, {counted(report.warnings, 'warning')}")
    summary.add_row("duplicates", f"{report.duplicates:,}")
    for field, lengths in report.lengths.items():
        text = f"{lengths.min:,} to {lengths.max:,} characters, median {lengths.median:,}, p95 {lengths.p95:,}"
        summary.add_row(field, text if lengths.rows == report.good else f"{text}, in {lengths.rows:,} rows")
    for key, found in report.metadata.items():
        summary.add_row(Text(f"metadata.{safe(key)}"), Text(values(found)))
    console().print(summary)
