"""What a launch needs: an account, a recipe, a dataset; and a job."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.lab.conftest import ACCOUNT, REGION, Result, Run, Server

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


def never(seconds: float) -> None:
    """Fail a test that should not have to wait."""
    pytest.fail(f"it wanted to wait {seconds} seconds")


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
def run_launch(run_command: Run, recipe: Path, data: Path) -> Run:
    """Return a function that launches the recipe with more options."""

    def run(*options: object) -> Result:
        common = ("--data", data, "--role", ROLE, "--output", "s3://results/evaluations/")
        return run_command("launch", recipe, *common, *options)

    return run
