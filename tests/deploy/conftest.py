"""`sam build`, and an AWS to deploy to."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

ROOT = Path(__file__).parents[2]
REGION = "us-east-1"


class Aws:
    """A moto server, and what programs need to use it."""

    def __init__(self, port: int) -> None:
        self.environment = {
            "AWS_ENDPOINT_URL": f"http://localhost:{port}",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "SAM_CLI_POLL_DELAY": "0.2",
        }

    def client(self, service: str) -> Any:
        make: Callable[..., Any] = boto3.client
        return make(
            service,
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )


@pytest.fixture(scope="session")
def _aws() -> Iterator[Aws]:
    server = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("moto_server.py"), "0"],
        env={**os.environ, "AWS_DEFAULT_REGION": REGION, "PYTHONWARNINGS": "ignore"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with server:
        assert server.stdout
        yield Aws(int(server.stdout.readline()))
        server.communicate()


@pytest.fixture
def aws(_aws: Aws) -> Aws:
    """Return an AWS without resources."""
    reset = urllib.request.Request(f"{_aws.environment['AWS_ENDPOINT_URL']}/moto-api/reset", method="POST")  # noqa: S310 (this machine)
    urllib.request.urlopen(reset).close()  # noqa: S310 (this machine)
    return _aws


@pytest.fixture(scope="session")
def sam_build(
    require: Callable[[str], Path],
    build_once: Callable[[str, Callable[[Path], None]], Path],
    build_environment: dict[str, str],
) -> Callable[[str], Path]:
    """Return a function that runs `sam build` for a runtime and gives the folder it wrote."""
    sam = require("sam")

    def build(runtime: str) -> Path:
        def fill(folder: Path) -> None:
            parameters = [] if runtime == "python3.13" else ["--parameter-overrides", f"Runtime={runtime}"]
            command = [str(sam), "build", "--build-dir", str(folder), *parameters]
            done = subprocess.run(command, cwd=ROOT, env=build_environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr

        return build_once(f"sam-build-{runtime}", fill)

    return build


@pytest.fixture
def sam_deploy(require: Callable[[str], Path], build_environment: dict[str, str], aws: Aws) -> Callable[..., None]:
    """Return a function that deploys a built template with the parameters given as keywords."""
    sam = require("sam")
    aws.client("s3").create_bucket(Bucket="artefacts")

    def deploy(built: Path, **parameters: str) -> None:
        overrides = [f"{name}={value}" for name, value in parameters.items()]
        command = [str(sam), "deploy", "--no-resolve-s3", "--s3-bucket", "artefacts"]
        command += ["--template-file", str(built / "template.yaml"), "--config-file", str(ROOT / "samconfig.toml")]
        command += ["--parameter-overrides", *overrides] if overrides else []
        environment = {**build_environment, **aws.environment}
        done = subprocess.run(command, cwd=built, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    return deploy
