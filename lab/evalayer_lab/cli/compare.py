"""`evalayer compare`."""

from __future__ import annotations

import click

from evalayer_lab.cli._console import POSITIVE
from evalayer_lab.cli._results import read, with_level


@click.command()
@click.argument("baseline", metavar="A")
@click.argument("candidate", metavar="B")
@click.option(
    "--metric", metavar="NAME", help="The metric of the verdict.  [default: a classification, else the first]"
)
@click.option("--cluster", metavar="KEY", help="A metadata key whose rows are not independent of each other.")
@click.option("--margin", type=POSITIVE, help="Differences within it count as equivalent, such as 0.02.")
@with_level
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as one JSON object.")
@click.pass_context
def compare(
    ctx: click.Context,
    baseline: str,
    candidate: str,
    metric: str | None,
    cluster: str | None,
    margin: float | None,
    level: float,
    as_json: bool,
) -> None:
    """Compare run B (this) with run A (the other) on the rows that both have.

    Rows are paired by prompt and gold, whatever their order. Every metric that both report is compared; p-values are
    corrected for their number. The verdict is that of B: better, worse, equivalent within the margin, or no evidence,
    with the smallest difference that this many rows could have shown. Exits with 1 when B is worse.

    A and B are what `evalayer report` reads. The JSON object is described as Comparison in docs/report.schema.json.

    \b
    Examples:
      evalayer compare output/baseline output/candidate
      evalayer compare output/baseline output/candidate --margin 0.02 --cluster domain --json
    """
    from evalayer_lab.cli._console import console
    from evalayer_lab.report import compare_runs, render_comparison

    comparison = compare_runs(
        read(candidate), read(baseline), metric=metric, cluster=cluster, margin=margin, level=level
    )
    if as_json:
        click.echo(comparison.model_dump_json(indent=2))
    else:
        click.echo(f"{candidate} beside {baseline}")
        render_comparison(comparison, console())
    if comparison.differences[0].verdict == "worse":
        ctx.exit(1)
