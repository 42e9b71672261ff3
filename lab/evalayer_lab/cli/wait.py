"""`evalayer wait`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from evalayer_lab.cli import _options

if TYPE_CHECKING:
    from evalayer_lab.aws import Aws, Job

_TAIL = 40


@click.command()
@click.argument("job")
@_options.region
@click.option("--logs", is_flag=True, help="Follow the job's log.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end.")
@click.pass_context
def wait(ctx: click.Context, job: str, region: str | None, logs: bool, as_json: bool) -> None:
    """Watch a job until it ends.

    Shows what the job does, and the tail of its log if it fails; the log may quote rows of the dataset. Ctrl-C stops
    the watching, not the job. Exits with 0 if the job completed, 1 if it failed or was stopped.

    \b
    The JSON object has
      name, arn, status, secondary   of the job
      failure                        why it failed, or ""
      output                         the S3 URI that it writes below
      created, ended                 when
      billable_seconds               of each instance

    \b
    Example:
      evalayer wait support-tickets-0123456789ab && evalayer fetch support-tickets-0123456789ab
    """
    from evalayer_lab.aws import Aws, AwsError
    from evalayer_lab.aws.jobs import LogReader
    from evalayer_lab.aws.jobs import wait as wait_for

    aws = Aws.connect(region)
    reader = LogReader(aws, job) if logs else None
    line = _Line()

    def show(found: Job) -> None:
        try:
            for text in reader.read() if reader else ():
                line.print(text)
        except AwsError as failure:  # the job is watched without its log; the next time goes on where this one stopped
            line.print(str(failure))
        line.show(found)

    try:
        ended = wait_for(aws, job, show)
    except KeyboardInterrupt:
        line.end()
        stop = f"aws sagemaker stop-training-job --training-job-name {job} --region {aws.region}"
        click.echo(f"The job is still running. To watch it again: evalayer wait {job}\nTo stop it: {stop}", err=True)
        ctx.exit(130)
    line.end()
    if ended.status != "Completed" and not logs:
        _print_tail(aws, job)
    if as_json:
        _options.print_json(asdict(ended))
    elif ended.status == "Completed":
        click.echo(f"Completed in {_duration(ended)}\nFetch:  evalayer fetch {job} --region {aws.region}")
    else:
        click.echo(f"{ended.status}: {ended.failure or ended.message or ended.secondary}")
    ctx.exit(0 if ended.status == "Completed" else 1)


def _print_tail(aws: Aws, job: str) -> None:
    from evalayer_lab.aws import AwsError
    from evalayer_lab.aws.jobs import tail

    try:
        lines = tail(aws, job, _TAIL)
    except AwsError as failure:
        lines = [str(failure)]
    for text in lines or ["the job has no log"]:
        click.echo(text, err=True)


def _duration(job: Job) -> str:
    seconds = int(((job.ended or datetime.now(UTC)) - job.created).total_seconds())
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


class _Line:
    """The progress line on standard error: rewritten on a terminal, elsewhere printed when it is another."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._last = ""

    def show(self, job: Job) -> None:
        text = f"{job.status}, {job.secondary}" + (f": {job.message}" if job.message else "")
        if self._terminal:
            click.echo(f"\r\x1b[K{_duration(job)}  {text[:100]}", err=True, nl=False)
        elif text != self._last:
            click.echo(f"{_duration(job)}  {text}", err=True)
        self._last = text

    def print(self, text: str) -> None:
        if self._terminal:
            click.echo("\r\x1b[K", err=True, nl=False)
        click.echo(text, err=True)

    def end(self) -> None:
        if self._terminal and self._last:
            click.echo(err=True)
