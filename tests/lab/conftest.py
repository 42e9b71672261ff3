"""A fake AWS, and commands run as the command line runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest

from evalayer import EvalayerError

if TYPE_CHECKING:
    from evalayer_lab.aws import Aws

ACCOUNT = "210987654321"
REGION = "us-east-1"
NO_CONFIGURATION = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


@dataclass
class Server:
    """The fake AWS."""

    url: str
    environment: Mapping[str, str]
    clients: dict[str, Any] = field(default_factory=dict)

    def post(self, path: str, content: object = None) -> Any:
        request = urllib.request.Request(self.url + path, data=json.dumps(content or {}).encode(), method="POST")  # noqa: S310 (this machine)
        with urllib.request.urlopen(request) as answer:  # noqa: S310 (this machine)
            return answer.read()

    def plan(self, **wanted: Any) -> None:
        """Take `faults`, by operation, and `jobs`, the states of a job by its name or `*`."""
        self.post("/fake/plan", wanted)

    @property
    def calls(self) -> list[str]:
        with urllib.request.urlopen(f"{self.url}/fake/calls") as answer:  # noqa: S310 (this machine)
            calls: list[str] = json.loads(answer.read())
        return calls

    def client(self, service: str) -> Any:
        if service not in self.clients:
            import boto3

            make: Callable[..., Any] = boto3.client
            self.clients[service] = make(service, region_name=REGION, endpoint_url=self.url)
        return self.clients[service]


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


Run = Callable[..., Result]


@pytest.fixture(scope="session")
def _server(services: None) -> Iterator[Server]:
    environment = {"MOTO_ACCOUNT_ID": ACCOUNT, "PYTHONWARNINGS": "ignore", "AWS_DEFAULT_REGION": REGION}
    process = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("fake_aws.py")],
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        assert process.stdout
        url = f"http://localhost:{int(process.stdout.readline())}"
        yield Server(
            url,
            {
                "AWS_ENDPOINT_URL": url,
                "AWS_DEFAULT_REGION": REGION,
                "AWS_ACCESS_KEY_ID": "testing",
                "AWS_SECRET_ACCESS_KEY": "testing",
                **NO_CONFIGURATION,
            },
        )
        process.communicate()


@pytest.fixture
def no_aws(services: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away whatever this machine knows of AWS."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in NO_CONFIGURATION.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def aws(_server: Server, no_aws: None, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Return an AWS without resources, to which boto3 connects."""
    for name, value in _server.environment.items():
        monkeypatch.setenv(name, value)
    _server.post("/moto-api/reset")
    _server.post("/fake/reset")
    return _server


@pytest.fixture(scope="session")
def _session(_server: Server) -> Aws:
    """Return a connection that repeats no call, and whose clients are made once: that takes longer than most tests."""
    from evalayer_lab.aws import Aws

    with pytest.MonkeyPatch.context() as patch:
        for name, value in _server.environment.items():
            patch.setenv(name, value)
        patch.setenv("AWS_MAX_ATTEMPTS", "1")
        made = Aws.connect(REGION)
        assert made.has_credentials
        for client in (made.s3, made.iam, made.sts, made.logs, made.functions, made.sagemaker, made.sagemaker_once):
            assert client
    return made


@pytest.fixture
def session(aws: Server, _session: Aws) -> Aws:
    return _session


@pytest.fixture
def run_command() -> Run:
    """Return a function that runs a command, ending as the command line ends."""

    def run(name: str, *arguments: object) -> Result:
        command: click.Command = getattr(import_module(f"evalayer_lab.cli.{name}"), name)
        out, err = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            try:
                code = command.main([str(argument) for argument in arguments], name, standalone_mode=False) or 0
            except click.UsageError as error:
                error.show()
                code = 2
            except EvalayerError as error:
                click.echo(f"Error: {error}", err=True)
                code = 2
        return Result(code, out.getvalue(), err.getvalue())

    return run
