"""`evalayer publish`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import click

from evalayer_lab.cli import _options
from evalayer_lab.cli._main import Group

if TYPE_CHECKING:
    from evalayer_lab.publish import Publication, PublishedFiles, PublishedTables

    Read: TypeAlias = Callable[[], Publication]


_texts: Final = click.option("--texts", is_flag=True, help="Publish prompts, answers and golds too.")
_DESCRIBED: Final = ("ddl", "partition_ddl", "table_input", "partition_input")


def _of_run(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say which run it publishes, and in their place the function that reads it."""

    @click.argument("output")
    @click.option("--data", type=_options.PATH, help="The dataset, for metadata the output lacks.")
    @click.option("--task", metavar="NAME", help="The task.  [default: the output's, else unknown]")
    @click.option("--model", metavar="NAME", help="What answered.  [default: the model in the output]")
    @_options.as_json
    @wraps(command)
    def run(output: str, data: Path | None, task: str | None, model: str | None, **options: Any) -> None:
        def read() -> Publication:
            from evalayer_lab.cli import _results
            from evalayer_lab.publish import Publication

            return Publication.from_results(_results.read(output, data=data), task=task, model=model)

        command(read, **options)

    return run


@click.group(cls=Group)
def publish() -> None:
    """Put the figures of a finished run where others look at them.

    A run is known by its id, which is made of its name, its time and its content. Publishing it again replaces what
    was published of it, and nothing else. docs/publish.md shows what to ask of each place, and the permissions.
    """


@publish.command()
@_of_run
@click.option("--to", type=_options.PATH, required=True, help="The folder that holds the tables.")
@_texts
def parquet(read: Read, as_json: bool, to: Path, texts: bool) -> None:
    """Write a run's rows and metrics as Parquet, partitioned by task and run.

    Below the folder, rows/task=…/run=…/ has one line for each row, and metrics/task=…/run=…/ one for each figure.
    DuckDB, Spark and pandas read all runs at once. The same run gives the same bytes.

    The JSON object has run, partition, and files: by table, the paths that were written, unchanged and deleted.

    \b
    Examples:
      evalayer publish parquet output/support-tickets --to published
      evalayer publish parquet output/my-job --to published --task support_tickets --texts
    """
    from evalayer_lab.cli._console import progress
    from evalayer_lab.publish import publish_parquet

    publication = read()
    with progress("rows") as advance:
        files = publish_parquet(publication, to, texts=texts, on_rows=advance)
    _print_files(files, as_json)


@publish.command()
@_of_run
@click.option("--to", metavar="S3_URI", required=True, help="The prefix that holds the tables.")
@click.option("--database", default="evalayer", show_default=True, help="The database; created if it is not there.")
@click.option("--table", default="evaluation", show_default=True, help="Makes <table>_rows and <table>_metrics.")
@_texts
@_options.region
@click.option("--dry-run", is_flag=True, help="Print the statements for Athena, and ask AWS nothing.")
def athena(
    read: Read,
    as_json: bool,
    to: str,
    region: str | None,
    dry_run: bool,
    **options: Any,
) -> None:
    """Put a run's rows and metrics into two tables of Athena.

    Uploads the files that `evalayer publish parquet` writes, creates the tables in Glue if they are not there, adds
    columns that are new, and adds the run's partition. A table is never changed otherwise.

    The JSON object is that of `evalayer publish parquet`, and tables: by name, what became of it. With --dry-run
    tables are a list of {name, ddl, partition_ddl, table_input, partition_input}, the latter two as Glue's API and
    infrastructure as code take them.

    \b
    Examples:
      evalayer publish athena output/support-tickets --to s3://my-bucket/evaluations --dry-run
      evalayer publish athena output/support-tickets --to s3://my-bucket/evaluations --database quality
    """
    from evalayer_lab.aws import Aws
    from evalayer_lab.cli._console import progress
    from evalayer_lab.inputs import S3Uri
    from evalayer_lab.publish import publish_athena

    place = S3Uri.parse(to, "--to")
    aws = None if dry_run else Aws.connect(region)
    publication = read()
    with progress("rows") as advance:
        done = publish_athena(publication, place, aws, on_rows=advance, **options)
    if done.files is None:
        click.echo(_describe(done) if as_json else done.script)
        return
    _print_files(done.files, as_json, {"tables": {change.table.title: change.outcome for change in done.changes}})
    if not as_json:
        for change in done.changes:
            new = f" by {', '.join(change.new_columns)}" if change.outcome == "extended" else ""
            click.echo(f"{change.table.title}: {change.outcome}{new}")


@publish.command()
@_of_run
@click.option("--namespace", default="evalayer", show_default=True, help="The namespace of the metrics.")
@click.option("--by-run", is_flag=True, help="Add the dimension Run; every run is then a metric of its own.")
@click.option("--now", is_flag=True, help="Date the values now, and not when the run began.")
@_options.region
@click.option("--dry-run", is_flag=True, help="Print the PutMetricData requests as JSON, and ask AWS nothing.")
def cloudwatch(
    read: Read,
    as_json: bool,
    namespace: str,
    by_run: bool,
    now: bool,
    region: str | None,
    dry_run: bool,
) -> None:
    """Send a run's figures to CloudWatch, with the dimensions Task and Model.

    A metric of the rows is its mean over the scored rows; counts of rows go with it. A figure without a value is not
    sent. Sent twice, the values stay and CloudWatch counts two samples.

    The JSON object has run, namespace, and values, their number. --dry-run prints a list of requests.

    \b
    Examples:
      evalayer publish cloudwatch output/support-tickets --dry-run
      evalayer publish cloudwatch output/support-tickets --namespace Quality --now
    """
    from datetime import UTC, datetime

    from evalayer_lab.aws import Aws
    from evalayer_lab.publish import publish_cloudwatch

    aws = None if dry_run else Aws.connect(region)
    publication = read()
    moment = datetime.now(UTC) if now else None
    requests = publish_cloudwatch(publication, aws, namespace=namespace, by_run=by_run, time=moment)
    values = sum(len(request["MetricData"]) for request in requests)
    if aws is None:
        click.echo(json.dumps(requests, indent=2, default=lambda moment: moment.isoformat()))
    elif as_json:
        click.echo(json.dumps({"run": publication.run.id, "namespace": namespace, "values": values}, indent=2))
    else:
        click.echo(f"{namespace}: {values} values")


@publish.command()
@_of_run
@click.option("--uri", help="The tracking server.  [default: MLFLOW_TRACKING_URI]")
@click.option("--experiment", metavar="NAME", help="The experiment; created if it is not there.  [default: the task]")
def mlflow(
    read: Read,
    as_json: bool,
    uri: str | None,
    experiment: str | None,
) -> None:
    """Record a run in MLflow.

    Figures with both ends of their intervals are metrics; the recipe, the versions and digests are parameters; the
    report and the confusion matrices are artifacts. The tag evalayer.run finds the run again to update it.

    The JSON object has uri, experiment_id, run_id, and created, false if the run was updated.

    \b
    Examples:
      evalayer publish mlflow output/support-tickets --uri http://localhost:5000
      evalayer publish mlflow output/my-job --task support_tickets --experiment tickets
    """
    import os

    from evalayer_lab.publish import publish_mlflow

    # Before mlflow is imported: standard output is for the answer, a wrong address must not take minutes to be refused.
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    done = publish_mlflow(read(), uri=uri, experiment=experiment)
    if as_json:
        click.echo(json.dumps(asdict(done), indent=2))
    else:
        was = "created" if done.created else "updated"
        click.echo(f"{done.uri}: {was} the run {done.run_id} of the experiment {done.experiment_id}")


@publish.command()
@_of_run
@click.option("--to", type=_options.PATH, required=True, help="The log directory.")
def tensorboard(read: Read, as_json: bool, to: Path) -> None:
    """Write a run's figures for TensorBoard, beside those of other runs.

    The JSON object has run and file.

    \b
    Examples:
      evalayer publish tensorboard output/support-tickets --to logs
      evalayer publish tensorboard output/my-job --to logs --task support_tickets
    """
    from evalayer_lab.publish import publish_tensorboard

    publication = read()
    path = publish_tensorboard(publication, to)
    click.echo(json.dumps({"run": publication.run.id, "file": str(path)}, indent=2) if as_json else f"Wrote {path}")


def _describe(done: PublishedTables) -> str:
    """The tables as Glue's API and infrastructure as code take them."""
    described = [{"name": table.title} | {what: getattr(table, what) for what in _DESCRIBED} for table in done.tables]
    return json.dumps({"tables": described}, indent=2)


def _print_files(published: PublishedFiles, as_json: bool, more: dict[str, Any] | None = None) -> None:
    if as_json:
        click.echo(json.dumps(asdict(published) | (more or {}), indent=2))
        return
    for replaced in published.files.values():
        for what in ("written", "unchanged", "deleted"):
            for name in getattr(replaced, what):
                click.echo(f"{what}: {name}")
