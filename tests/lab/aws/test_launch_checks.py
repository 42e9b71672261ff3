"""Each check before a launch: what it finds, and what it says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.lab.aws.conftest import FUNCTION, RECIPE, ROLE
from tests.lab.conftest import ACCOUNT, REGION, Run, Server

from evalayer_lab.aws import Aws, AwsError
from evalayer_lab.aws.launch import Plan, Settings, create_job, examine, make_plan, upload
from evalayer_lab.inputs import InputError

Check = Callable[..., dict[str, list[str]]]


@pytest.fixture
def settings(recipe: Path, data: Path) -> Settings:
    return Settings(recipe, ROLE, "s3://results/x", REGION, data)


@pytest.fixture
def check(account: Server, session: Aws, settings: Settings) -> Check:
    """Return a function that checks a launch and gives what is not ok, by check."""

    def run(*, reads_only: bool = False, **changed: Any) -> dict[str, list[str]]:
        plan = make_plan(replace(settings, **changed))
        assert isinstance(plan, Plan)
        findings = (*plan.findings, *examine(plan, session, invoke=True, reads_only=reads_only).findings)
        found: dict[str, list[str]] = {}
        for one in findings:
            if one.severity != "ok":
                found.setdefault(f"{one.code} {one.severity}", []).append(str(one))
        return found

    return run


def _role(account: Server, name: str, principal: object, action: object = "sts:AssumeRole") -> str:
    document = {"Statement": [{"Effect": "Allow", "Principal": principal, "Action": action}]}
    made = account.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))
    arn: str = made["Role"]["Arn"]
    return arn


def test_all_is_well(check: Check) -> None:
    assert check() == {}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("replicas: 1", "replicas: 17"), "replicas"),
        ((FUNCTION, FUNCTION.replace(ACCOUNT, "111122223333")), "placeholder"),
        (("model_name_or_path: nova-lite-2/prod", "model_name_or_path: nova-pro/prod"), "model-pair"),
        (('  data_s3_path: ""\n', ""), "data-s3-path"),
    ],
)
def test_a_recipe_that_the_linter_refuses(check: Check, recipe: Path, change: tuple[str, str], code: str) -> None:
    recipe.write_text(RECIPE.replace(*change))
    found = check(reads_only=True)[f"{code} error"]
    assert len(found) == 1
    assert found[0].startswith(f"{recipe}:")


def test_a_recipe_that_is_too_broken_to_plan(settings: Settings, recipe: Path) -> None:
    recipe.write_text(RECIPE.replace("  name: letters and more\n", ""))
    plan = make_plan(settings)
    assert not isinstance(plan, Plan)
    assert any("run.name: is missing" in str(finding) for finding in plan)


def test_a_recipe_is_printed_as_refused(run_launch: Run, aws: Server, recipe: Path) -> None:
    recipe.write_text(RECIPE.replace("  name: letters and more\n", ""))
    done = run_launch("--yes", "--json")
    assert (done.code, done.json["created"]) == (1, False)
    assert {finding["code"] for finding in done.json["findings"]} == {"missing-field", "dataset", "payload"}
    assert re.search(r"^error: .*letters\.yaml:\d+: run\.name: is missing.* \[missing-field\]$", done.err, re.MULTILINE)
    assert aws.calls == []


def test_a_dataset_with_bad_rows_is_not_launched(account: Server, run_launch: Run, data: Path) -> None:
    data.write_text('{"query": "a", "response": "b"}\n' + '{"query": 1, "response": "secret"}\n' * 5)
    done = run_launch("--yes")
    assert done.code == 1
    assert f"error: {data}:2: query: is a number, not text [type]" in done.err
    assert "evalayer dataset check" in done.err
    assert "Not launched" in done.err
    assert "secret" not in done.err + done.out
    assert "CreateTrainingJob" not in account.calls


def test_a_row_that_lambda_cannot_carry(check: Check, data: Path) -> None:
    data.write_text(json.dumps({"query": "é" * 1_100_000, "response": "b"}) + "\n")
    found = check(reads_only=True)
    assert found["payload error"][0].startswith("the largest event has 6,600,")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"role": "EvaluationJob"}, "--role: is 'EvaluationJob'; it must be arn:aws:iam::ACCOUNT:role/NAME"),
        ({"output": "results"}, "--output: is 'results'; it must be s3://BUCKET/PREFIX"),
        ({"output": "s3://Upper/x"}, "--output: is 's3://Upper/x'"),
        ({"inputs": "s3://b"}, "--inputs: is 's3://b'"),
        ({"name": "a_b"}, "--name: is 'a_b'"),
        ({"name": "a" * 64}, "--name: is 'aaa"),
        ({"function": "a function"}, "--function: is 'a function'"),
        ({"data": None}, "a gen_qa evaluation needs a dataset; give --data FILE"),
        ({"data": Path("nowhere.jsonl")}, "nowhere.jsonl: "),
        ({"recipe": Path("nowhere.yaml")}, "nowhere.yaml: cannot be read: No such file"),
        (
            {"region": "eu-north-1"},
            "the container's image is not known for eu-north-1, only for ap-northeast-1, eu-west-2, us-east-1, "
            "us-west-2; give --image URI",
        ),
    ],
)
def test_an_option_that_cannot_be_used(settings: Settings, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        make_plan(replace(settings, **changed))
    assert message in str(caught.value)


def test_a_model_that_is_not_known(settings: Settings, recipe: Path) -> None:
    recipe.write_text(RECIPE.replace("amazon.nova-2-lite-v1:0:256k", "amazon.nova-3-lite-v1:0:1m"))
    with pytest.raises(
        InputError, match=r"instance type is not known for amazon.nova-3-lite.*, only for .*; give --inst"
    ):
        make_plan(settings)
    plan = make_plan(replace(settings, instance_type="ml.p6-b200.48xlarge"))
    assert isinstance(plan, Plan)
    assert plan.request["ResourceConfig"]["InstanceType"] == "ml.p6-b200.48xlarge"


def test_a_model_package_is_refused(settings: Settings, recipe: Path) -> None:
    package = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:model-package/x/1"
    recipe.write_text(RECIPE.replace("nova-lite-2/prod", package))
    with pytest.raises(InputError, match="names a model package; give the S3 URI"):
        make_plan(settings)


def test_an_unusual_instance_type(check: Check) -> None:
    found = check(reads_only=True, instance_type="ml.g5.12xlarge")
    assert "ml.g5.12xlarge is not among those known for amazon.nova-2-lite" in found["instance-type warning"][0]


def test_the_function_and_the_instances_are_written_into_the_recipe(settings: Settings) -> None:
    plan = make_plan(replace(settings, function="SageMaker-broken", instances=4))
    assert isinstance(plan, Plan)
    changed = RECIPE.replace("SageMaker-letters", "SageMaker-broken").replace("replicas: 1 ", "replicas: 4 ")
    assert plan.recipe.text == changed
    assert plan.inputs[0].source == changed.encode()
    assert plan.request["ResourceConfig"]["InstanceCount"] == 4


def test_a_recipe_without_room_for_the_function(settings: Settings, recipe: Path) -> None:
    before, _, _ = RECIPE.partition("processor:")
    recipe.write_text(before + "processor: {lambda_type: custom_metrics}\n")
    with pytest.raises(
        InputError, match=r"--function cannot be written into this recipe; write processor\.lambda_arn in it"
    ):
        make_plan(replace(settings, function="f"))


def test_a_role_that_is_not_there(check: Check) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/Nobody"
    assert check(role=arn)["role error"] == [f"there is no role Nobody in the account {ACCOUNT}"]


def test_a_role_with_another_path(check: Check) -> None:
    found = check(role=ROLE.replace("service-role/", ""))["role error"]
    assert found == [f"{ROLE.replace('service-role/', '')} has another path; the role EvaluationJob is {ROLE}"]


def test_a_role_of_another_account(check: Check) -> None:
    found = check(role=ROLE.replace(ACCOUNT, "210987654322"))["role error"]
    assert f"is not in the account {ACCOUNT}" in found[0]


@pytest.mark.parametrize(
    ("principal", "action", "trusted"),
    [
        ({"Service": ["lambda.amazonaws.com", "sagemaker.amazonaws.com"]}, "sts:AssumeRole", True),
        ({"Service": "sagemaker.amazonaws.com"}, ["sts:TagSession", "sts:AssumeRole"], True),
        ({"Service": "lambda.amazonaws.com"}, "sts:AssumeRole", False),
        ({"Service": "sagemaker.amazonaws.com"}, "sts:TagSession", False),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "sts:AssumeRole", False),
    ],
)
def test_a_role_and_whom_it_trusts(
    account: Server, check: Check, principal: object, action: object, trusted: bool
) -> None:
    found = check(role=_role(account, "Other", principal, action))
    assert ("role error" not in found) == trusted
    if not trusted:
        assert found["role error"] == [
            "Other does not let SageMaker assume it: trust sagemaker.amazonaws.com with sts:AssumeRole"
        ]


def test_what_may_not_be_read_is_skipped(account: Server, check: Check) -> None:
    account.plan(faults={"GetRole": ["denied"], "GetAccountSettings": ["denied"]})
    assert check() == {
        "role skipped": [
            "the role EvaluationJob: the credentials may not call iam:GetRole; docs/jobs.md and publish.md list what "
            "they need"
        ],
        "concurrency skipped": [
            "the account's limits: the credentials may not call lambda:GetAccountSettings; docs/jobs.md and "
            "publish.md list what they need"
        ],
    }


def test_buckets(account: Server, check: Check) -> None:
    assert check(output="s3://nobodys/x")["buckets error"] == ["there is no bucket nobodys"]
    account.client("s3").create_bucket(Bucket="far-away", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
    assert check(inputs="s3://far-away/x")["buckets error"] == [
        "far-away is in eu-west-2, and the job runs in us-east-1"
    ]
    account.plan(faults={"HEAD s3": ["denied"]})
    assert "belongs to another account, or the credentials may not" in check()["buckets error"][0]


def test_a_function_that_is_not_there(check: Check) -> None:
    found = check(function="SageMaker-lettres")
    assert found == {
        "function error": [
            "there is no function SageMaker-lettres in us-east-1; deploy it, or give --function",
        ]
    }


def test_a_function_that_is_not_as_it_should_be(account: Server, check: Check) -> None:
    account.client("lambda").create_function(
        FunctionName="SageMaker-bare",
        Runtime="python3.13",
        Role=ROLE,
        Handler="app.lambda_handler",
        Code={"ZipFile": b"PK\5\6" + bytes(18)},
        Timeout=3,
        Environment={"Variables": {"EVALAYER_AGGREGATION": "sum", "SECRET": "hidden"}},
    )
    account.client("lambda").put_function_concurrency(FunctionName="SageMaker-bare", ReservedConcurrentExecutions=0)
    found = check(function="SageMaker-bare", reads_only=True)
    assert found["function warning"] == [
        "SageMaker-bare runs on x86_64; arm64 costs a fifth less, and evalayer's layer is built for it",
        "SageMaker-bare has no layer; evalayer then has to be in its own package",
        "SageMaker-bare has a timeout of 3 seconds; a cold start may need 10",
    ]
    assert found["function error"] == [
        "SageMaker-bare was built for sum (EVALAYER_AGGREGATION), and the recipe aggregates by average; set both to "
        "the same"
    ]
    assert found["concurrency error"] == ["SageMaker-bare has a reserved concurrency of 0, which stops it"]


def test_a_function_in_another_region(account: Server, check: Check) -> None:
    found = check(function=FUNCTION.replace("us-east-1", "eu-west-2"), reads_only=True)
    assert "is in eu-west-2, and the job runs in us-east-1" in str(found) or "there is no function" in str(found)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            "SageMaker-raises",
            "does not answer a preprocess event as a job needs it: it raised ValueError; its log says",
        ),
        (
            "SageMaker-broken",
            "does not answer a preprocess event as a job needs it: the body of a preprocess response is an object",
        ),
        ("SageMaker-refuses", "as a job needs it: it answered 400: its log may say more"),
        ("SageMaker-lacks", "as a job needs it: it answered 400: Unsupported process_type: preprocess"),
    ],
)
def test_a_function_that_answers_badly(check: Check, data: Path, function: str, message: str) -> None:
    data.write_text('{"query": "a secret prompt", "response": "b"}\n')
    found = check(function=function)
    assert list(found) == ["invoke error"]
    assert message in found["invoke error"][0]
    assert "secret" not in str(found)


def test_only_the_events_that_the_job_sends_are_tried(account: Server, check: Check, recipe: Path) -> None:
    recipe.write_text(RECIPE.replace("preprocessing:\n    enabled: true", "preprocessing:\n    enabled: false"))
    assert "a postprocess event" in check(function="SageMaker-broken")["invoke error"][0]
    assert account.calls.count("Invoke") == 1


def test_a_function_that_takes_rft_events(account: Server, check: Check, recipe: Path) -> None:
    text = RECIPE.replace("preprocessing:\n    enabled: true", "preprocessing:\n    enabled: false")
    recipe.write_text(text.replace("custom_metrics", "rft"))
    found = check()
    assert "invoke error" not in found
    assert account.calls.count("Invoke") == 1
    assert "answered with a list of one object" in check(function="SageMaker-broken")["invoke error"][0]


def test_a_reward_recipe(account: Server, check: Check, recipe: Path, data: Path) -> None:
    before, _, _ = RECIPE.partition("evaluation:")
    recipe.write_text(
        before + "evaluation: {task: rft_eval, strategy: rft_eval, metric: all}\n"
        f"inference: {{max_new_tokens: 100, temperature: 0}}\nrl_env:\n  reward_lambda_arn: {FUNCTION}\n"
    )
    row = {"messages": [{"role": "user", "content": "a"}], "reference_answer": {"answer": "b"}}
    data.write_text(json.dumps(row) + "\n")
    assert check() == {}
    assert account.calls.count("Invoke") == 1
    assert "invoke error" in check(function="SageMaker-broken")


def test_a_benchmark_has_no_dataset(settings: Settings, recipe: Path) -> None:
    before, _, _ = RECIPE.partition("evaluation:")
    recipe.write_text(before + "evaluation: {task: mmlu, strategy: zs_cot, metric: accuracy}\n")
    with pytest.raises(InputError, match="a benchmark brings its own dataset; leave --data out"):
        make_plan(settings)
    plan = make_plan(replace(settings, data=None))
    assert isinstance(plan, Plan)
    assert [channel["ChannelName"] for channel in plan.request["InputDataConfig"]] == ["recipe"]
    assert plan.recipe.function is None


def test_a_recipe_for_another_model(settings: Settings, recipe: Path) -> None:
    recipe.write_text(
        "run: {name: x, base_model_name: llama}\nevaluation: {task: gen_qa, strategy: gen_qa, metric: all}\n"
    )
    with pytest.raises(InputError, match="launch starts only jobs of Nova models"):
        make_plan(settings)


@pytest.mark.parametrize(
    ("operation", "fault", "message"),
    [
        (
            "DescribeTrainingJob",
            "expired",
            "AWS does not accept the credentials (ExpiredTokenException); run `aws conf",
        ),
        ("GetCallerIdentity", "invalid", "AWS does not accept the credentials (UnrecognizedClientException)"),
        ("DescribeTrainingJob", "throttled", "AWS throttles sagemaker:DescribeTrainingJob (ThrottlingException)"),
        ("CreateTrainingJob", "quota", "The account-level service limit 'ml.p5.48xlarge' is 0 Instances"),
        ("CreateTrainingJob", "denied", "the credentials may not call sagemaker:CreateTrainingJob"),
        ("PUT s3", "denied", "the credentials may not call s3:PutObject"),
        ("HEAD s3", "broken", "s3:ListBucket failed on AWS's side"),
    ],
)
def test_what_aws_refuses_is_one_line(
    account: Server, session: Aws, settings: Settings, operation: str, fault: str, message: str
) -> None:
    plan = make_plan(settings)
    assert isinstance(plan, Plan)
    account.plan(faults={operation: [fault] * 5})

    def launch() -> None:
        examine(plan, session, invoke=False, reads_only=False)
        upload(plan, session)
        create_job(plan, session, sleep=lambda seconds: None)

    with pytest.raises(AwsError) as caught:
        launch()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_endpoint_that_cannot_be_reached(run_launch: Run, aws: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:9")
    done = run_launch("--yes")
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(
        "Error: .*: AWS cannot be reached: .*; check the network, --region and AWS_ENDPOINT_URL\n", done.err
    )


def test_a_profile_that_is_not_there(run_launch: Run, aws: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    done = run_launch("--yes")
    assert done.code == 2
    assert "The config profile (nobody) could not be found" in done.err


def test_without_credentials(aws: Server, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    session = Aws.connect(REGION)
    plan = make_plan(settings)
    assert isinstance(plan, Plan)
    with pytest.raises(AwsError) as caught:
        examine(plan, session, invoke=True, reads_only=False)
    assert caught.value.kind == "credentials"
