"""`evalayer report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalayer_lab.cli._console import SHARE
from evalayer_lab.cli._results import read, with_options, write_html

if TYPE_CHECKING:
    from evalayer_lab.answers import ConfidenceKind


@click.command()
@click.argument("output")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write the report to one HTML file.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
@click.option("--against", metavar="OUTPUT", help="Another run on the same rows, to compare with.")
@click.option(
    "--max-risk",
    type=SHARE,
    default=0.05,
    show_default=True,
    help="The highest error rate that the gate promises.",
)
@click.option("--texts/--no-texts", default=None, help="Show prompts and answers.  [default: in HTML only]")
@with_options
def report(
    output: str,
    html: Path | None,
    as_json: bool,
    against: str | None,
    max_risk: float,
    texts: bool | None,
    metric: str | None,
    confidence: ConfidenceKind,
    field: str | None,
    level: float,
    data: Path | None,
    partial: bool,
) -> None:
    """Say what a finished run found, how sure that is, where it fails and what to do.

    OUTPUT is what a run or a job wrote: a folder, or one above it that holds no other run, a .tar.gz, or an s3:// URI.
    The first read leaves a cache in it, .evalayer, which is safe to delete.

    The JSON object is described in docs/report.md; docs/report.schema.json is its JSON Schema.

    \b
    Examples:
      evalayer report output/support-tickets
      evalayer report output/support-tickets --html report.html
      evalayer report output --json | python -m json.tool
    """
    from evalayer_lab.cli._console import console
    from evalayer_lab.report import analyse, render

    document = analyse(
        read(output, field, data, partial=partial),
        metric=metric,
        kind=confidence,
        max_risk=max_risk,
        level=level,
        texts=html is not None if texts is None else texts,
        other=None if against is None else read(against, field, partial=partial),
    )
    if html is not None:
        write_html(document, html)
    if as_json:
        click.echo(document.model_dump_json(indent=2))
    else:
        render(document, console())
        if html is not None:
            click.echo(f"\nReport: {html}")
