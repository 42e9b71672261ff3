"""`evalayer report`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object.")
def report(output: Path, as_json: bool) -> None:
    """Summarize a finished run.

    Prints the metrics with their intervals, the confusions and the weakest segments. OUTPUT is the folder
    that a run wrote, or one above it that holds no other run.

    \b
    Examples:
      evalayer report output/support-tickets
      evalayer report output --json | python -m json.tool
    """
    import json

    from evalayer_lab.cli._console import console
    from evalayer_lab.report import load, render, summarize, to_json

    summary = summarize(load(output))
    if as_json:
        click.echo(json.dumps(to_json(summary), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        render(summary, console())
