"""`evalayer gate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalayer_lab.cli._console import SHARE
from evalayer_lab.cli._results import read, with_options

if TYPE_CHECKING:
    from evalayer_lab.answers import ConfidenceKind


@click.command()
@click.argument("output")
@click.option(
    "--max-risk",
    type=SHARE,
    required=True,
    help="The highest error rate to allow among the answers that pass, such as 0.05.",
)
@click.option(
    "--router",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write router.json and router.py, which apply the gate, to this folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the gate as one JSON object.")
@with_options
@click.pass_context
def gate(
    ctx: click.Context,
    output: str,
    max_risk: float,
    router: Path | None,
    as_json: bool,
    metric: str | None,
    confidence: ConfidenceKind,
    field: str | None,
    level: float,
    data: Path | None,
    partial: bool,
) -> None:
    """Find a confidence threshold above which answers can be used without review.

    The threshold is the lowest one for which these rows show that at most --max-risk of the answers above it are wrong,
    with the confidence of --level, on new rows of the same kind. Exits with 1 when there is none.

    \b
    The JSON object has
      threshold, coverage      what passes: a confidence above the threshold; null if nothing may
      n, n_accepted, n_errors  rows with a confidence, those that pass, and the wrong ones among them
      risk_upper               the error rate that they do not exceed
      correctness              the metric by which an answer is right or wrong
      max_risk, level, confidence, sentence

    \b
    Examples:
      evalayer gate output/support-tickets --max-risk 0.25
      evalayer gate output/support-tickets --max-risk 0.25 --router routing --json
    """
    from evalayer_lab.report import find_gate, write_router

    found = find_gate(
        read(output, field, data, partial=partial), metric=metric, kind=confidence, max_risk=max_risk, level=level
    )
    if as_json:
        click.echo(json.dumps(found.to_json(), indent=2))
    else:
        click.echo(f"{found.sentence}\nAnswers count as right or wrong by the metric {found.judged.metric}.")
    if found.gate.threshold is None:
        if router is not None:
            click.echo(f"No router is written to {router}; do not rely on one that is there already.", err=True)
        ctx.exit(1)
    if router is not None:
        files = write_router(found, router)
        if not as_json:
            click.echo(f"Router: {', '.join(map(str, files))}")
