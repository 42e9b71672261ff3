"""`evalayer run`."""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from evalayer_lab.cli._console import Names, console, counted, print_findings, progress

if TYPE_CHECKING:
    from evalayer_lab.backends import Backend
    from evalayer_lab.function import LoadedHandler
    from evalayer_lab.recipe import Recipe
    from evalayer_lab.report import Document
    from evalayer_lab.run import RunOutcome, RunPlan

_SHOWN_FINDINGS: Final = 10


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--data", required=True, type=click.Path(path_type=Path), help="The gen_qa dataset (JSON Lines).")
@click.option(
    "--handler",
    default=None,
    metavar="FILE:NAME",
    help="The Lambda handler.  [default: processors/app.py:lambda_handler]",
)
@click.option(
    "--backend",
    type=Names("evalayer_lab.backends", "BACKENDS"),
    default=None,
    help="Where answers come from: a small model trained on --train, or the recorded --answers.  "
    "[default: whichever of the two is given]",
)
@click.option("--train", type=click.Path(path_type=Path), help="Labelled gen_qa rows to train the baseline on.")
@click.option("--label-field", default="class", show_default=True, help="The gold's field that the baseline predicts.")
@click.option(
    "--answers", type=click.Path(path_type=Path), help="Recorded answers (JSON Lines of query and inference)."
)
@click.option(
    "--output", type=click.Path(path_type=Path), default=Path("output"), show_default=True, help="Where to write."
)
@click.option("--limit", type=click.IntRange(min=1), help="Take only the first rows of the dataset.")
@click.option("--strict", is_flag=True, help="Stop at the first broken row of the dataset.")
@click.option("--overwrite", is_flag=True, help="Replace another run in the same folder.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write the report to one HTML file.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON, as `evalayer report --json` does.")
@click.pass_context
def run(
    ctx: click.Context,
    /,
    recipe: Path,
    data: Path,
    handler: str | None,
    output: Path,
    limit: int | None,
    strict: bool,
    overwrite: bool,
    html: Path | None,
    as_json: bool,
    **source: Any,
) -> None:
    """Run a whole evaluation job on this machine.

    It has the contract and the output files of a job on AWS: every row goes through the handler before and after
    inference. A run that was interrupted goes on where it stopped when the same command is given again. Exits with 1 if
    no row was scored.

    \b
    Examples:
      evalayer run recipes/support_tickets.yaml --data data/support_tickets/gen_qa.jsonl \\
        --train data/support_tickets/train.jsonl
      evalayer run recipes/support_tickets.yaml --data data/support_tickets/gen_qa.jsonl \\
        --answers data/support_tickets/answers.jsonl --limit 40 --output output/recorded
    """
    from evalayer_lab.cli._results import write_html
    from evalayer_lab.function import load_handler
    from evalayer_lab.recipe import read_recipe
    from evalayer_lab.report import analyse
    from evalayer_lab.results import read_results
    from evalayer_lab.run import RunPlan

    settings, findings = read_recipe(recipe)
    print_findings(findings, err=True)
    os.environ.setdefault("EVALAYER_AGGREGATION", settings.processor.aggregation)
    with redirect_stdout(sys.stderr):
        loaded = load_handler(handler)
    plan = RunPlan(
        recipe=settings,
        recipe_path=recipe,
        data=data,
        handler=loaded,
        backend=_backend(loaded, settings, **source),
        output=output,
        limit=limit,
        strict=strict,
        overwrite=overwrite,
    )
    outcome = _carry_out(ctx, plan)
    _warn(plan, outcome)
    document = analyse(read_results(outcome.folder), texts=html is not None)
    if html is not None:
        write_html(document, html)
    if as_json:
        click.echo(document.model_dump_json(indent=2))
    else:
        _show(document, outcome, html)
    if not outcome.scored:
        ctx.exit(1)


def _backend(
    handler: LoadedHandler,
    recipe: Recipe,
    *,
    backend: str | None,
    train: Path | None,
    answers: Path | None,
    label_field: str,
) -> Backend:
    if train and answers:
        raise click.UsageError("give --train or --answers, not both: one run has one source of answers")
    if (backend or ("replay" if answers else "baseline")) == "replay":
        if answers is None:
            raise click.UsageError("the replay backend needs --answers FILE")
        from evalayer_lab.backends.replay import ReplayBackend

        return ReplayBackend(answers)
    if train is None:
        raise click.UsageError("give --train FILE for the baseline, or --answers FILE to score recorded answers")
    from evalayer_lab.run.training import train_baseline

    return train_baseline(train, handler, recipe, label_field)


def _carry_out(ctx: click.Context, plan: RunPlan) -> RunOutcome:
    from evalayer_lab.run import run as run_plan

    try:
        with redirect_stdout(sys.stderr), progress("rows") as advance:  # what the handler prints is not the summary
            return run_plan(plan, advance)
    except KeyboardInterrupt:
        click.echo("\ninterrupted; the rows done so far are kept: give the same command again to go on", err=True)
        ctx.exit(130)


def _warn(plan: RunPlan, outcome: RunOutcome) -> None:
    print_findings(outcome.findings[:_SHOWN_FINDINGS], err=True)
    if outcome.finding_count > _SHOWN_FINDINGS:
        more = outcome.finding_count - _SHOWN_FINDINGS
        click.echo(f"… and {more} more: evalayer dataset check {plan.data}", err=True)
    for warning in plan.backend.warnings:
        click.echo(f"warning: {warning}", err=True)
    for kind, failure in outcome.first_failures.items():
        click.echo(f"warning: {counted(failure.rows, 'row')} failed ({kind}); the first:\n{failure.first}", err=True)
    for metric, failure in outcome.metric_failures.items():
        rows = counted(failure.rows, "row")
        click.echo(f"warning: the metric {metric} failed on {rows}; the first:\n{failure.first}", err=True)


def _show(document: Document, outcome: RunOutcome, html: Path | None) -> None:
    from evalayer_lab.report import render

    if outcome.resumed:
        click.echo(f"Resumed: {counted(outcome.resumed, 'row')} were done before.")
    render(document, console())
    click.echo(f"\nOutput: {outcome.folder}")
    if outcome.failures:
        click.echo(f"Failed: {outcome.folder / 'failures.jsonl'}")
    if html is not None:
        click.echo(f"Report: {html}")
    else:
        click.echo(f"Again:  evalayer report {outcome.folder} --html report.html")
