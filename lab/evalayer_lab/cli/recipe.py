"""`evalayer recipe`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalayer_lab.cli._console import Names, counted, print_findings
from evalayer_lab.cli._main import Group

if TYPE_CHECKING:
    from evalayer import Task
    from evalayer_lab.recipe import Circumstances, NewRecipe, Report


@click.group(cls=Group)
def recipe() -> None:
    """Write and check the file that starts an evaluation job."""


@recipe.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--fix", is_flag=True, help="Make the changes that are safe, and say which.")
@click.option("--hyperpod", is_flag=True, help="The job runs on HyperPod, not as a SageMaker training job.")
@click.option("--instances", type=click.IntRange(min=1), help="The instance count that the job is launched with.")
@click.option("--handler", metavar="FILE:NAME", help="The function's handler, to know its task; imports it.")
@click.option("--strict", is_flag=True, help="Exit with 1 for warnings too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def check(
    ctx: click.Context,
    files: tuple[Path, ...],
    fix: bool,
    hyperpod: bool,
    instances: int | None,
    handler: str | None,
    strict: bool,
    as_json: bool,
) -> None:
    """Check recipes of every kind before a job does.

    Prints each finding as "path:line: field: reason [code]"; docs/recipes.md explains the codes. An error is known to
    fail or to mislead, a warning may. --fix changes nothing but the fields that it names. Exits with 0 when no recipe
    has an error, 1 when some have, 2 when a file cannot be used at all.

    \b
    The JSON object has
      files              by file: {path, kind, findings, fixed}, or {path, unusable}
      errors, warnings   how many there are, after the changes

    A finding is {code, severity, path, line, field, reason, fix}; fix is what --fix writes, or null.

    \b
    Examples:
      evalayer recipe check recipes/support_tickets.yaml
      evalayer recipe check recipes/*.yaml --fix --handler processors/app.py:lambda_handler
    """
    from evalayer_lab.inputs import InputError
    from evalayer_lab.recipe import Circumstances, check_recipe, fix_recipe

    circumstances = Circumstances(hyperpod, instances)
    if handler:
        task = _task(handler)
        names = [metric.name for metric in task.corpus_metrics]
        circumstances = Circumstances(hyperpod, instances, names, task.reward is not None)
    outcomes: list[dict[str, Any]] = []
    errors = warnings = 0
    unusable = 0
    for file in files:
        try:
            report = (fix_recipe if fix else check_recipe)(file, circumstances)
        except InputError as failure:
            click.echo(f"Error: {failure}", err=True)
            outcomes.append({"path": str(file), "unusable": str(failure)})
            unusable += 1
            continue
        errors += report.count("error")
        warnings += report.count("warning")
        outcomes.append(_as_json(report))
        if not as_json:
            _print(report)
    if as_json:
        click.echo(json.dumps({"files": outcomes, "errors": errors, "warnings": warnings}, indent=2))
    else:
        of_these = f", of which {unusable:,} cannot be used" if unusable else ""
        click.echo(
            f"{counted(len(files), 'file')}{of_these}, {counted(errors, 'error')}, {counted(warnings, 'warning')}"
        )
    ctx.exit(2 if unusable else 1 if errors or (strict and warnings) else 0)


@recipe.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--task", metavar="TASK", help="gen_qa, rft_eval, a judge, or a benchmark such as mmlu.")
@click.option("--model", type=Names("evalayer_lab.recipe", "MODELS"), help="The model; lite-2 is Nova 2 Lite.")
@click.option("--name", help="The name of the run.  [default: the file's]")
@click.option("--checkpoint", metavar="S3_URI", help="A trained model, in place of the base model.")
@click.option("--lambda-arn", metavar="ARN", help="The function that scores.")
@click.option("--stack", help="Take the function's ARN from this CloudFormation stack; asks AWS.")
@click.option("--stack-output", default="FunctionArn", show_default=True, help="Which of the stack's outputs it is.")
@click.option("--region", help="The region of the stack.  [default: that of the AWS configuration]")
@click.option(
    "--aggregation",
    type=click.Choice(["average", "sum", "min", "max"]),
    default="average",
    show_default=True,
    help="How the function's metrics are aggregated.",
)
@click.option("--preprocess/--no-preprocess", default=True, help="Whether the function is called before inference too.")
@click.option(
    "--replicas", type=click.IntRange(1, 16), default=1, show_default=True, help="The number of compute instances."
)
@click.option(
    "--top-logprobs", type=click.IntRange(0, 20), default=0, show_default=True, help="Alternatives kept of every token."
)
@click.option("--subtask", help="One part of a benchmark that has parts.")
@click.option("--data-s3-path", metavar="S3_URI", help="The dataset of a HyperPod job.")
@click.option("--output-s3-path", metavar="S3_URI", help="Where a HyperPod job writes.")
@click.option("--overwrite", is_flag=True, help="Replace the file.")
def new(
    file: Path,
    stack: str | None,
    stack_output: str,
    region: str | None,
    overwrite: bool,
    **chosen: Any,
) -> None:
    """Write a recipe.

    On a terminal it asks for what is not given; elsewhere --task and --model have to be given. What it writes is
    checked, and every warning printed.

    \b
    Examples:
      evalayer recipe new tickets.yaml --task gen_qa --model lite-2 --stack evalayer --top-logprobs 10
      evalayer recipe new mmlu.yaml --task mmlu --model micro
    """
    from evalayer_lab.inputs import InputError
    from evalayer_lab.recipe import check_text, write_recipe

    if stack and chosen["lambda_arn"]:
        raise click.UsageError("give --stack or --lambda-arn, not both")
    if file.exists() and not overwrite:
        raise InputError("is there already; give another name, or --overwrite", path=file)
    settings = _settings(file, chosen, stack, stack_output, region)
    text = write_recipe(settings)
    report = check_text(text, _circumstances(settings), str(file))
    for finding in report.findings:
        if finding.severity == "error":
            place = finding.place
            raise InputError(f"would have an error: {finding.reason}", path=file, line=place.line, field=place.field)
    try:
        file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", path=file) from error
    print_findings(report.findings, err=True)
    click.echo(f"Wrote {file}")


@recipe.command()
def schema() -> None:
    """Print a JSON Schema of recipes, with which an editor completes and explains fields.

    With the YAML language server, begin a recipe with "# yaml-language-server: $schema=recipe.schema.json".

    \b
    Example:
      evalayer recipe schema > recipe.schema.json
    """
    from evalayer_lab.recipe import recipe_schema

    click.echo(json.dumps(recipe_schema(), indent=2, ensure_ascii=False))


def _task(handler: str) -> Task:
    import sys
    from contextlib import redirect_stdout

    from evalayer_lab.function import load_handler
    from evalayer_lab.inputs import InputError

    with redirect_stdout(sys.stderr):
        task = load_handler(handler).task
    if task is None:
        raise InputError("was not made by build_lambda_handler, so its metrics are not known", path=handler)
    return task


def _circumstances(settings: NewRecipe) -> Circumstances:
    from evalayer_lab.recipe import Circumstances

    return Circumstances(hyperpod=bool(settings.data_s3_path or settings.output_s3_path))


def _settings(
    file: Path, chosen: dict[str, Any], stack: str | None, stack_output: str, region: str | None
) -> NewRecipe:
    import sys
    from difflib import get_close_matches

    from evalayer_lab.recipe import MODELS, TASKS, NewRecipe

    asks = sys.stdin.isatty() and sys.stdout.isatty()
    for option, choices in (("task", tuple(TASKS)), ("model", tuple(MODELS))):
        if not chosen[option] and asks:
            chosen[option] = click.prompt(option, type=click.Choice(choices))
        elif not chosen[option]:
            raise click.UsageError(f"--{option} is missing: {', '.join(choices)}")
    if chosen["task"] not in TASKS:
        near = get_close_matches(chosen["task"], TASKS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(TASKS)}"
        raise click.UsageError(f"there is no task {chosen['task']!r}; {hint}")
    if not chosen["name"]:
        chosen["name"] = click.prompt("name", default=file.stem) if asks else file.stem
    if stack:
        from evalayer_lab.aws import Aws

        chosen["lambda_arn"] = Aws.connect(region).stack_output(stack, stack_output)
    elif not chosen["lambda_arn"] and asks and chosen["task"] in {"gen_qa", "rft_eval"}:
        chosen["lambda_arn"] = click.prompt("ARN of the Lambda function (empty for none)", default="") or None
    return NewRecipe(**chosen)


def _as_json(report: Report) -> dict[str, Any]:
    return {
        "path": report.path,
        "kind": report.kind,
        "findings": [finding.to_json() for finding in report.findings],
        "fixed": [finding.to_json() for finding in report.fixed],
    }


def _print(report: Report) -> None:
    for finding in report.fixed:
        click.echo(f"{click.style('fixed', fg='green')}: {finding} [{finding.code}]; {finding.fix}")
    print_findings(report.findings)
