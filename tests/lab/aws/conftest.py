"""An AWS with what a launch needs, and the commands run against it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import boto3
import click
import pytest

from evalayer import EvalayerError
from evalayer_lab.aws import Aws
from evalayer_lab.cli.fetch import fetch
from evalayer_lab.cli.launch import launch
from evalayer_lab.cli.wait import wait

ACCOUNT = "210987654321"
REGION = "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/service-role/EvaluationJob"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:SageMaker-letters"
RECIPE = f"""\
# as a user keeps it
run:
  name: letters and more
  model_type: amazon.nova-2-lite-v1:0:256k
  model_name_or_path: nova-lite-2/prod
  replicas: 1   # of the model
  data_s3_path: ""
evaluation:
  task: gen_qa
  strategy: gen_qa
  metric: all
inference:
  max_new_tokens: 100
  temperature: 0
processor:
  lambda_arn: {FUNCTION}
  lambda_type: custom_metrics
  preprocessing:
    enabled: true
  postprocessing:
    enabled: true
  aggregation: average
"""
ROWS = [{"query": letter, "response": letter.upper(), "system": "Write it large."} for letter in "abc"]


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
        if self.out.startswith("{"):
            self.json = json.loads(self.out)


Run = Callable[..., Result]


def never(seconds: float) -> None:
    """Fail a test that should not have to wait."""
    pytest.fail(f"it wanted to wait {seconds} seconds")


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
                "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_CONFIG_FILE": os.devnull,
                "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            },
        )
        process.communicate()


@pytest.fixture
def aws(_server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Return an AWS without resources, to which boto3 connects."""
    for name, value in _server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    _server.post("/moto-api/reset")
    _server.post("/fake/reset")
    return _server


@pytest.fixture
def account(aws: Server) -> Server:
    """Return an AWS that has the role, the buckets and the functions of a launch."""
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    aws.client("iam").create_role(
        RoleName="EvaluationJob", Path="/service-role/", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]})
    )
    for bucket in ("results", "inputs"):
        aws.client("s3").create_bucket(Bucket=bucket)
    functions = aws.client("lambda")
    code = {"ZipFile": b"PK\5\6" + bytes(18)}
    layer = functions.publish_layer_version(LayerName="evalayer", Content=code)["LayerVersionArn"]
    for name in ("letters", "raises", "broken", "refuses", "lacks"):
        functions.create_function(
            FunctionName=f"SageMaker-{name}",
            Runtime="python3.13",
            Role=ROLE,
            Handler="app.lambda_handler",
            Code=code,
            Architectures=["arm64"],
            Layers=[layer],
            Timeout=30,
        )
    aws.post("/fake/reset")
    return aws


@pytest.fixture(scope="session")
def _session(_server: Server) -> Aws:
    """Return a connection that repeats no call, and whose clients are made once: that takes longer than most tests."""
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
def job(aws: Server) -> str:
    """Create a job, and return its name."""
    aws.client("sagemaker").create_training_job(
        TrainingJobName="letters",
        AlgorithmSpecification={"TrainingImage": "1.dkr/x:y", "TrainingInputMode": "File"},
        RoleArn=ROLE,
        OutputDataConfig={"S3OutputPath": "s3://results/x"},
        ResourceConfig={"InstanceType": "ml.p5.48xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
    )
    return "letters"


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "letters.yaml"
    path.write_text(RECIPE)
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


@pytest.fixture
def run_command() -> Run:
    """Return a function that runs a command, ending as the command line ends."""

    def run(name: str, *arguments: object) -> Result:
        commands: dict[str, click.Command] = {"launch": launch, "wait": wait, "fetch": fetch}
        out, err = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            try:
                code = commands[name].main([str(argument) for argument in arguments], name, standalone_mode=False) or 0
            except click.UsageError as error:
                error.show()
                code = 2
            except EvalayerError as error:
                click.echo(f"Error: {error}", err=True)
                code = 2
        return Result(code, out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def run_launch(run_command: Run, recipe: Path, data: Path) -> Run:
    """Return a function that launches the recipe with more options."""

    def run(*options: object) -> Result:
        common = ("--data", data, "--role", ROLE, "--output", "s3://results/evaluations/")
        return run_command("launch", recipe, *common, *options)

    return run
