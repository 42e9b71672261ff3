"""Runs to publish, the bucket `results`, and the commands run against them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.lab.conftest import Result, Run, Server
from tests.lab.results.result_tree import Row, make_rows, write_tree

from evalayer_lab.publish import Publication
from evalayer_lab.results import read_results

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


Publish = Callable[..., Result]


def read_publication(folder: Path) -> Publication:
    return Publication.from_results(read_results(folder))


@pytest.fixture(scope="session")
def rows() -> list[Row]:
    return make_rows(60)


@pytest.fixture(scope="session")
def folder(rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run with log probabilities, of yesterday."""
    return write_tree(tmp_path_factory.mktemp("publish") / "tickets", rows, run=RECORD)


@pytest.fixture(scope="session")
def publication(folder: Path) -> Publication:
    return read_publication(folder)


@pytest.fixture
def bucket(aws: Server) -> str:
    """Return the name of a bucket, the only resource of its AWS."""
    aws.client("s3").create_bucket(Bucket="results")
    return "results"


@pytest.fixture
def run_publish(run_command: Run) -> Publish:
    """Return a function that runs `evalayer publish`, ending as the command line ends."""
    return lambda *arguments: run_command("publish", *arguments)


def client(service: str) -> Any:
    make: Callable[..., Any] = boto3.client
    return make(service)
