"""Runs to publish, an AWS in this process, and the commands run against them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import boto3
import click
import pytest
from moto import mock_aws
from tests.lab.results.result_tree import Row, make_rows, write_tree

from evalayer import EvalayerError
from evalayer_lab.aws import Aws
from evalayer_lab.cli.publish import publish
from evalayer_lab.publish import Publication, publication_of
from evalayer_lab.results import read_results

REGION = "us-east-1"
STARTED = datetime.now(UTC).replace(microsecond=5) - timedelta(days=1)
RECORD = {
    "status": "complete",
    "evalayer": "0.1.0",
    "python": "3.13.0",
    "started": STARTED.isoformat(),
    "aggregation": "average",
    "task": "tickets",
    "backend": {"name": "baseline", "seed": 0},
    "recipe": {"run": {"name": "tickets", "replicas": 2, "data_s3_path": None}, "inference": {"temperature": 0.5}},
    "libraries": {"numpy": "2.3.0"},
}


@dataclass
class Result:
    """What a command did."""

    code: int
    out: str
    err: str
    json: Any = field(init=False, default=None)

    def __post_init__(self) -> None:
        if self.out.startswith(("{", "[")):
            self.json = json.loads(self.out)


Publish = Callable[..., Result]


@pytest.fixture(scope="session")
def rows() -> list[Row]:
    return make_rows(60)


@pytest.fixture(scope="session")
def folder(rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run with log probabilities, of yesterday."""
    return write_tree(tmp_path_factory.mktemp("publish") / "tickets", rows, run=RECORD)


@pytest.fixture(scope="session")
def publication(folder: Path) -> Publication:
    return publication_of(read_results(folder))


@pytest.fixture
def no_aws(services: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away whatever this machine knows of AWS."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def aws(no_aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """Return an AWS in this process, with the bucket `results` and nothing else."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="results")
        yield Aws.connect(REGION)


@pytest.fixture
def run_publish() -> Publish:
    """Return a function that runs `evalayer publish`, ending as the command line ends."""

    def run(*arguments: object) -> Result:
        out, err = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            try:
                code = publish.main([str(argument) for argument in arguments], "publish", standalone_mode=False) or 0
            except click.UsageError as error:
                error.show()
                code = 2
            except EvalayerError as error:
                click.echo(f"Error: {error}", err=True)
                code = 2
        return Result(code, out.getvalue(), err.getvalue())

    return run


def client(service: str) -> Any:
    make: Callable[..., Any] = boto3.client
    return make(service)


def commands() -> list[str]:
    return publish.list_commands(click.Context(publish))
