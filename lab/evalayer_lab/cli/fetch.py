"""`evalayer fetch`."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalayer_lab.cli import _options

if TYPE_CHECKING:
    from evalayer_lab.inputs import S3Uri


@click.command()
@click.argument("source", metavar="JOB|S3_URI")
@click.option("--into", type=_options.PATH, help="The folder to make.  [default: output/<the job's name>]")
@_options.region
@click.option("--json", "as_json", is_flag=True, help="Print {folder, runs, files, downloaded}.")
def fetch(source: str, into: Path | None, region: str | None, as_json: bool) -> None:
    """Download the output of a job.

    Give the job's name, or the S3 URI of its output.tar.gz, of its folder, or of an output that is not packed. The
    archive is unpacked safely: a link, or a name that leaves the folder, is refused. A download that was cut off
    resumes where it stopped, and one that is complete is not repeated.

    \b
    Examples:
      evalayer fetch support-tickets-0123456789ab
      evalayer fetch s3://my-bucket/evaluations/my-job/output/output.tar.gz --into output/my-job
    """
    from evalayer_lab.aws import Aws
    from evalayer_lab.aws.jobs import fetch as fetch_output
    from evalayer_lab.aws.jobs import find_output, output_of_job
    from evalayer_lab.cli._console import progress
    from evalayer_lab.inputs import S3Uri

    aws = Aws.connect(region)
    if source.startswith("s3://"):
        uri = S3Uri.parse(source, "JOB|S3_URI")
        found = find_output(aws, uri)
        name = _job_name(uri)
    else:
        found = output_of_job(aws, source)
        name = source
    with progress("bytes") as advance:
        fetched = fetch_output(aws, found, into or Path("output", name), advance)
    if as_json:
        _options.print_json(asdict(fetched))
        return
    done = f"{fetched.downloaded:,} bytes downloaded" if fetched.downloaded else "there already"
    click.echo(f"{fetched.folder}: {fetched.files:,} files, {done}")
    for run in fetched.runs:
        click.echo(f"Report:  evalayer report {shlex.quote(str(run))}")


def _job_name(uri: S3Uri) -> str:
    parts = [part for part in uri.key.split("/") if part]
    while parts and (parts[-1] == "output" or parts[-1].endswith((".tar.gz", ".tgz", ".tar"))):
        parts.pop()
    return parts[-1] if parts else uri.bucket
