"""A whole launch, from the recipe to the job."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.lab.aws.conftest import FUNCTION, RECIPE, ROLE, ROWS, never
from tests.lab.conftest import REGION, Run, Server

from evalayer_lab.aws import Aws, AwsError
from evalayer_lab.aws.launch import Plan, Settings, create_job, find_job, make_plan, upload
from evalayer_lab.inputs import InputError


def test_a_job_is_launched(account: Server, run_launch: Run, data: Path) -> None:
    done = run_launch("--yes", "--json")
    assert done.code == 0, done.err
    job = done.json["job"]
    assert done.json["created"] is True
    assert job.startswith("letters-and-more-")
    assert {finding["severity"] for finding in done.json["findings"]} == {"ok"}
    assert {finding["code"] for finding in done.json["findings"]} == {
        "recipe", "dataset", "payload", "job", "role", "buckets", "function", "concurrency", "invoke",
    }  # fmt: skip
    found = account.client("sagemaker").describe_training_job(TrainingJobName=job)
    assert found["RoleArn"] == ROLE
    assert found["HyperParameters"]["eval_lambda_arn"] == FUNCTION
    assert found["ResourceConfig"]["InstanceType"] == "ml.p5.48xlarge"
    assert found["OutputDataConfig"]["S3OutputPath"] == "s3://results/evaluations"
    s3 = account.client("s3")
    places = {}
    for channel in found["InputDataConfig"]:
        bucket, _, key = channel["DataSource"]["S3DataSource"]["S3Uri"].removeprefix("s3://").partition("/")
        places[channel["ChannelName"]] = key
        content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        assert content == (RECIPE.encode() if channel["ChannelName"] == "recipe" else data.read_bytes())
    assert places["train"].endswith("/gen_qa.jsonl"), "the container wants this name"
    assert places["recipe"].endswith("/recipe.yaml")
    assert {key.split("/")[:2] == ["evaluations", "evalayer-inputs"] for key in places.values()} == {True}


def test_what_it_takes_is_said_before_it_is_asked(account: Server, run_launch: Run) -> None:
    account.client("lambda").put_function_concurrency(FunctionName="SageMaker-letters", ReservedConcurrentExecutions=20)
    done = run_launch("--yes", "--instances", 4, "--max-hours", 2)
    assert "4 x ml.p5.48xlarge, for at most 2 hours; 4 replicas of the model" in done.err
    assert "3 rows" in done.err
    assert "6 invocations of the function, at most 20 at once, reserved" in done.err


def test_costs_for_machines(account: Server, run_launch: Run) -> None:
    costs = run_launch("--yes", "--json").json["costs"]
    largest = max(
        len(
            json.dumps(
                {
                    "process_type": "postprocess",
                    "data": {
                        "system": row["system"],
                        "prompt": row["query"],
                        "inference_output": "",
                        "gold": row["response"],
                    },
                }
            )
        )
        for row in ROWS
    )
    assert costs == {
        "instance_type": "ml.p5.48xlarge",
        "instances": 1,
        "max_hours": 24.0,
        "rows": 3,
        "invocations": 6,
        "reserved_concurrency": None,
        "account_concurrency": 1000,
        "largest_event_bytes": largest,
    }


def test_the_same_launch_again_finds_the_job_and_uploads_nothing(account: Server, run_launch: Run) -> None:
    first = run_launch("--yes", "--json")
    before = len(account.calls)
    account.plan(jobs={"*": [{"TrainingJobStatus": "InProgress"}]})
    again = run_launch("--yes", "--json")
    assert (again.code, again.json["created"], again.json["status"]) == (0, False, "InProgress")
    assert again.json["arn"] == first.json["arn"]
    assert account.calls[before:] == ["DescribeTrainingJob", "ListTags"]
    assert account.calls.count("CreateTrainingJob") == 1


def test_the_same_content_is_uploaded_once(account: Server, run_launch: Run) -> None:
    assert "uploaded: s3://inputs/x/" in run_launch("--yes", "--inputs", "s3://inputs/x").err
    before = account.calls.count("PUT s3")
    other = run_launch("--yes", "--inputs", "s3://inputs/x", "--name", "another")
    assert other.code == 0
    assert account.calls.count("PUT s3") == before
    assert other.err.count("there already: s3://inputs/x/") == 2


@pytest.mark.parametrize("size", [1, 9 << 20])  # in one request, and in parts
def test_a_dataset_that_changes_after_the_check_is_not_uploaded(
    account: Server, session: Aws, recipe: Path, data: Path, size: int
) -> None:
    data.write_text(data.read_text() + json.dumps({"query": "d" * size, "response": "D"}) + "\n")
    plan = make_plan(Settings(recipe, ROLE, "s3://results/x", REGION, data))
    assert isinstance(plan, Plan)
    checked = data.read_bytes()
    data.write_bytes(checked.replace(b'"A"', b'"E"'))
    with pytest.raises(InputError, match=r"rows\.jsonl: has changed since it was checked"):
        upload(plan, session)
    s3 = account.client("s3")
    assert [one["Key"].rpartition("/")[2] for one in s3.list_objects_v2(Bucket="results")["Contents"]] == [
        "recipe.yaml"
    ]
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="results")
    data.write_bytes(checked)
    (uploaded,) = upload(plan, session)
    assert s3.get_object(Bucket="results", Key=uploaded.uri.key)["Body"].read() == checked
    data.unlink()
    assert upload(plan, session) == [], "it is there already"


def test_a_failed_job_is_not_started_again(account: Server, run_launch: Run) -> None:
    run_launch("--yes")
    account.plan(jobs={"*": [{"TrainingJobStatus": "Failed", "FailureReason": "AlgorithmError: no rows"}]})
    done = run_launch("--yes")
    assert done.code == 1
    assert "AlgorithmError: no rows. To run the same again, give it another --name." in done.out
    assert account.calls.count("CreateTrainingJob") == 1


def test_a_name_that_another_launch_took(account: Server, run_launch: Run, recipe: Path) -> None:
    assert run_launch("--yes", "--name", "mine").code == 0
    recipe.write_text(RECIPE.replace("max_new_tokens: 100", "max_new_tokens: 200"))
    done = run_launch("--yes", "--name", "mine")
    assert done.code == 2
    assert "there is a job mine already, launched with another recipe, dataset or option" in done.err
    assert account.calls.count("CreateTrainingJob") == 1


def test_everything_that_matters_changes_the_name(recipe: Path, data: Path) -> None:
    settings = Settings(recipe, ROLE, "s3://results/x", REGION, data)

    def name(**changed: Any) -> str:
        plan = make_plan(replace(settings, **changed))
        assert isinstance(plan, Plan)
        return plan.job

    first = name()
    assert first == name(output="s3://results/x/")
    others = {
        name(instances=2),
        name(instance_type="ml.p5en.48xlarge"),
        name(max_hours=3),
        name(image="1.dkr/x:y"),
        name(function="SageMaker-broken"),
        name(role=ROLE + "2"),
        name(output="s3://results/y"),
    }
    data.write_text(data.read_text() + data.read_text())
    assert len({first, name(), *others}) == 9


@pytest.fixture
def plan(recipe: Path, data: Path) -> Plan:
    plan = make_plan(Settings(recipe, ROLE, "s3://results/x", REGION, data))
    assert isinstance(plan, Plan)
    return plan


def test_an_answer_that_gets_lost_creates_no_second_job(aws: Server, session: Aws, plan: Plan) -> None:
    aws.plan(faults={"CreateTrainingJob": ["lost"]})
    job = create_job(plan, session, sleep=never)
    assert (job.job, job.created) == (plan.job, False)
    assert find_job(plan, session) is not None
    assert aws.calls.count("CreateTrainingJob") == 1


@pytest.mark.parametrize("fault", ["unheard", "broken"])
def test_a_creation_without_an_answer_is_looked_for_and_not_repeated(
    aws: Server, session: Aws, plan: Plan, fault: str
) -> None:
    aws.plan(faults={"CreateTrainingJob": [fault]})
    pauses: list[float] = []
    with pytest.raises(AwsError, match="run the same command again"):
        create_job(plan, session, sleep=pauses.append)
    assert aws.calls.count("CreateTrainingJob") == 1
    assert aws.calls.count("DescribeTrainingJob") == 3
    assert pauses == [2, 4]
    assert create_job(plan, session, sleep=pauses.append).created


def test_a_throttled_creation_is_repeated(aws: Server, session: Aws, plan: Plan) -> None:
    aws.plan(faults={"CreateTrainingJob": ["throttled"] * 4})
    pauses: list[float] = []
    assert create_job(plan, session, sleep=pauses.append).created
    assert len(pauses) == 4
    assert all(2 ** (n + 1) * 0.5 <= pause <= 2 ** (n + 1) for n, pause in enumerate(pauses))


def test_a_creation_that_is_always_throttled_ends(aws: Server, session: Aws, plan: Plan) -> None:
    aws.plan(faults={"CreateTrainingJob": ["throttled"] * 9})
    with pytest.raises(AwsError, match="AWS throttles sagemaker:CreateTrainingJob"):
        create_job(plan, session, sleep=lambda seconds: None)
    assert aws.calls.count("CreateTrainingJob") == 5


def test_two_that_launch_the_same_at_once_get_one_job(aws: Server, session: Aws, plan: Plan) -> None:
    assert create_job(plan, session).created
    again = create_job(plan, session, sleep=never)
    assert (again.job, again.created) == (plan.job, False)
    other = replace(plan, digest="0" * 64)
    with pytest.raises(InputError, match="launched with another recipe"):
        create_job(other, session)


def test_it_asks_first(account: Server, run_launch: Run) -> None:
    done = run_launch()
    assert done.code == 2
    assert "there is no terminal to ask on; give --yes" in done.err
    assert account.calls == []


@pytest.mark.parametrize(("answer", "code"), [("n", 1), ("y", 0)])
def test_on_a_terminal_it_asks(account: Server, recipe: Path, data: Path, answer: str, code: int) -> None:
    ours, its = pty.openpty()
    arguments = [str(recipe), "--data", str(data), "--role", ROLE, "--output", "s3://results/x", "--no-invoke"]
    with os.fdopen(ours, "wb"), os.fdopen(its, "rb") as terminal:
        os.write(ours, f"{answer}\n".encode())
        done = subprocess.run(
            [sys.executable, "-c", "from evalayer_lab.cli.launch import launch; launch()", *arguments],
            cwd=Path(__file__).parents[3],
            stdin=terminal,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == code, done.stderr
    assert "Create the job letters-and-more-" in done.stderr
    assert account.calls.count("CreateTrainingJob") == 1 - code
    assert ("Not launched." in done.stderr) == bool(code)


def test_a_dry_run_prints_the_request_and_changes_nothing(account: Server, run_launch: Run) -> None:
    done = run_launch("--dry-run")
    assert done.code == 0, done.err
    assert list(done.json) == [
        "TrainingJobName", "HyperParameters", "AlgorithmSpecification", "RoleArn", "InputDataConfig",
        "OutputDataConfig", "ResourceConfig", "StoppingCondition", "Tags",
    ]  # fmt: skip
    assert "skipped: a dry run does not call the function [invoke]" in done.err
    assert set(account.calls) == {
        "DescribeTrainingJob", "GetCallerIdentity", "GetRole", "HEAD s3", "GET function/configuration",
        "GET function/concurrency", "GetAccountSettings",
    }  # fmt: skip
    launched = run_launch("--yes", "--json").json["request"]
    assert launched == done.json, "what is printed is what is sent"


def test_a_dry_run_needs_no_credentials(account: Server, run_launch: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert "the AWS region is not known; give --region" in run_launch("--dry-run").err
    done = run_launch("--dry-run", "--region", REGION, "--json")
    assert done.code == 0, done.err
    skipped = {one["code"]: one["reason"] for one in done.json["findings"] if one["severity"] == "skipped"}
    assert set(skipped) == {"job", "role", "buckets", "function", "concurrency", "invoke"}
    assert set(skipped.values()) == {"there are no AWS credentials"}
    assert account.calls == []
    assert "there are no usable AWS credentials" in run_launch("--yes", "--region", REGION).err


def test_a_dry_run_without_a_network(run_launch: Run, account: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    done = run_launch("--dry-run")
    assert done.code == 0
    assert done.err.count("AWS cannot be reached") == 6
