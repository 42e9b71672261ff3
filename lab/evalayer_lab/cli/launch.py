"""`evalayer launch`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalayer_lab.cli import _options
from evalayer_lab.cli._console import counted, print_findings

if TYPE_CHECKING:
    from evalayer_lab.aws import Aws
    from evalayer_lab.aws.launch import Costs, Launched, Plan
    from evalayer_lab.inputs import Finding


@click.command()
@click.argument("recipe", type=_options.PATH)
@click.option("--data", type=_options.PATH, help="The dataset (JSON Lines); a benchmark has its own.")
@click.option("--role", metavar="ARN", required=True, help="The role that the job runs as.")
@click.option("--output", metavar="S3_URI", required=True, help="Where the job writes.")
@click.option("--inputs", metavar="S3_URI", help="Where the files go.  [default: evalayer-inputs below the output]")
@click.option("--function", metavar="NAME", help="The Lambda function, by name or ARN.  [default: the recipe's]")
@click.option("--name", help="The job's name.  [default: run.name and a digest of everything]")
@click.option("--instance-type", metavar="TYPE", help="The instance type.  [default: the model's usual one]")
@click.option("--instances", type=click.IntRange(1, 16), help="The instance count.  [default: the recipe's replicas]")
@click.option("--image", metavar="URI", help="The container's image.  [default: the region's]")
@_options.region
@click.option(
    "--max-hours",
    type=click.FloatRange(min=0.1, max=672),
    default=24.0,
    show_default=True,
    help="The number of hours after which AWS stops the job.",
)
@click.option("--no-invoke", is_flag=True, help="Do not try the function with the first row.")
@click.option("--dry-run", is_flag=True, help="Check, print the request, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask before the job is created.")
@_options.as_json
@click.pass_context
def launch(
    ctx: click.Context,
    /,
    recipe: Path,
    role: str,
    output: str,
    region: str | None,
    no_invoke: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Start the real evaluation job on AWS.

    Checks everything that can be known before an hour of GPU time is spent, says what the job will take, asks, uploads
    recipe and dataset, and creates the training job. The same command given again finds the job that it created.
    docs/jobs.md explains the checks and lists the permissions. Exits with 1 if a check stands in the way.

    --dry-run prints the CreateTrainingJob request as JSON. It uploads and invokes nothing; with credentials it reads
    the role, the buckets, the function, the account's Lambda limits, and whether there is a job of that name. Without
    credentials these checks are reported as skipped.

    \b
    The JSON object has
      job, region, created   the job's name; whether it was created now
      status, arn            of the job, once there is one
      findings               {code, severity, path, line, field, reason, fix} of each; severity is error, warning,
                             skipped or ok
      costs                  instances, rows, invocations, concurrency, the largest event
      request                what CreateTrainingJob is asked

    \b
    Examples:
      evalayer launch recipes/support_tickets.yaml --data data/support_tickets/gen_qa.jsonl \\
        --role arn:aws:iam::111122223333:role/EvaluationJob --output s3://my-bucket/evaluations --dry-run
      evalayer launch mmlu.yaml --role arn:aws:iam::111122223333:role/EvaluationJob --output s3://my-bucket/mmlu
    """
    from evalayer_lab.aws import Aws
    from evalayer_lab.aws.launch import Plan, Settings, costs, examine, find_job, make_plan

    if not (dry_run or yes or sys.stdin.isatty()):
        raise click.UsageError("there is no terminal to ask on; give --yes to start the job, or --dry-run")
    aws = Aws.connect(region)
    plan = make_plan(Settings(recipe=recipe, role=role, output=output, region=aws.region, **options))
    if not isinstance(plan, Plan):
        print_findings(plan, err=True)
        if as_json:
            _options.print_json({"created": False, "findings": [one.to_json() for one in plan]})
        ctx.exit(1)
    if not dry_run and (earlier := find_job(plan, aws)):
        _finish(ctx, plan, earlier, plan.findings, None, as_json)
    examination = examine(plan, aws, invoke=not no_invoke, reads_only=dry_run)
    findings = (*plan.findings, *examination.findings)
    takes = costs(plan, examination.concurrency)
    print_findings(findings, err=True)
    _print_costs(takes)
    refused = any(finding.severity == "error" for finding in findings)
    if dry_run:
        _options.print_json(_record(plan, None, findings, takes) if as_json else plan.request)
        ctx.exit(1 if refused else 0)
    if not refused and (yes or click.confirm(f"Create the job {plan.job}?", err=True)):
        _finish(ctx, plan, _start(plan, aws), findings, takes, as_json)
    click.echo("Not launched: see the errors above." if refused else "Not launched.", err=True)
    if as_json:
        _options.print_json(_record(plan, None, findings, takes))
    ctx.exit(1)


def _start(plan: Plan, aws: Aws) -> Launched:
    from evalayer_lab.aws.launch import create_job, upload
    from evalayer_lab.cli._console import progress

    with progress("bytes") as advance:
        uploaded = upload(plan, aws, advance)
    for one in plan.inputs:
        click.echo(f"{'uploaded' if one in uploaded else 'there already'}: {one.uri}", err=True)
    return create_job(plan, aws)


def _finish(
    ctx: click.Context, plan: Plan, job: Launched, findings: Sequence[Finding], takes: Costs | None, as_json: bool
) -> None:
    failed = job.status in {"Failed", "Stopped", "Stopping"}
    if as_json:
        _options.print_json(_record(plan, job, findings, takes))
    else:
        was = "Created" if job.created else f"Launched already, and now {job.status}:"
        click.echo(f"{was} {job.job}\n{job.arn}")
        if failed:
            click.echo(f"{job.failure or job.status}. To run the same again, give it another --name.")
        else:
            region = f" --region {plan.settings.region}"
            click.echo(f"\nWatch:  evalayer wait {job.job}{region}\nFetch:  evalayer fetch {job.job}{region}")
    ctx.exit(1 if failed else 0)


def _record(plan: Plan, job: Launched | None, findings: Sequence[Finding], takes: Costs | None) -> dict[str, object]:
    found = {"arn": job.arn, "status": job.status} if job else {}
    return {
        "job": plan.job,
        "region": plan.settings.region,
        "created": job is not None and job.created,
        **found,
        "findings": [finding.to_json() for finding in findings],
        "costs": asdict(takes) if takes else None,
        "request": plan.request,
    }


def _print_costs(takes: Costs) -> None:
    click.echo(
        f"\n{takes.instances} x {takes.instance_type}, for at most {takes.max_hours:g} hours; "
        f"{counted(takes.instances, 'replica')} of the model",
        err=True,
    )
    if takes.rows is not None:
        click.echo(counted(takes.rows, "row"), err=True)
    if takes.invocations is not None:
        at_once = "an unknown number of them at once"
        if takes.reserved_concurrency is not None:
            at_once = f"at most {takes.reserved_concurrency:,} at once, reserved"
        elif takes.account_concurrency is not None:
            at_once = f"at most {takes.account_concurrency:,} at once, the account's limit"
        click.echo(f"{takes.invocations:,} invocations of the function, {at_once}", err=True)
    click.echo(err=True)
