"""`sam build` and `sam deploy` of the untouched template: what exists afterwards."""

import ast
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

NAME = "SageMaker-evalayer-support-tickets"
ACCOUNT = "123456789012"


def functions(aws: Any) -> dict[str, dict[str, Any]]:
    """Return the configuration of each function, with its reserved concurrency."""
    client = aws.client("lambda")
    listed = {function["FunctionName"]: function for function in client.list_functions()["Functions"]}
    for name, function in listed.items():
        concurrency = client.get_function_concurrency(FunctionName=name)
        function["Reserved"] = concurrency.get("ReservedConcurrentExecutions")
    return listed


def role_policies(aws: Any, role_arn: str) -> dict[str, Any]:
    client, role = aws.client("iam"), role_arn.rpartition("/")[2]
    names = client.list_role_policies(RoleName=role)["PolicyNames"]
    assert client.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
    documents = {name: client.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names}
    return {name: ast.literal_eval(document) for name, document in documents.items()}  # moto gives a dict's repr


def retention(aws: Any) -> dict[str, int]:
    groups = aws.client("logs").describe_log_groups()["logGroups"]
    return {group["logGroupName"]: group["retentionInDays"] for group in groups}


def assert_uploaded(aws: Any, built: Path) -> None:
    """What is in the bucket is what was built."""
    s3 = aws.client("s3")
    archives = []
    for stored in s3.list_objects_v2(Bucket="artefacts")["Contents"]:
        body = s3.get_object(Bucket="artefacts", Key=stored["Key"])["Body"].read()
        if zipfile.is_zipfile(io.BytesIO(body)):
            archives.append(zipfile.ZipFile(io.BytesIO(body)))
    uploaded = {frozenset((name, archive.read(name)) for name in archive.namelist()) for archive in archives}
    folders = (built / "EvalayerLayer", built / "EvaluationFunction")
    assert uploaded == {
        frozenset(
            (path.relative_to(folder).as_posix(), path.read_bytes()) for path in folder.rglob("*") if path.is_file()
        )
        for folder in folders
    }
    assert (built / "EvalayerLayer" / "python" / "evalayer" / "__init__.py").is_file()


def test_deploy_creates_the_function_and_a_second_deploy_changes_what_was_changed(
    sam_build: Callable[[str], Path], sam_deploy: Callable[..., None], aws: Any
) -> None:
    built = sam_build("python3.13")
    sam_deploy(built)
    assert_uploaded(aws, built)

    before = functions(aws)
    assert list(before) == [NAME]
    function = before[NAME]
    assert function["Architectures"] == ["arm64"]
    assert function["Runtime"] == "python3.13"
    assert function["Handler"] == "app.lambda_handler"
    assert (function["MemorySize"], function["Timeout"], function["Reserved"]) == (512, 30, None)
    assert function["TracingConfig"] == {"Mode": "PassThrough"}
    assert function["Environment"]["Variables"] == {
        "EVALAYER_TASK": "support_tickets",
        "EVALAYER_AGGREGATION": "average",
        "POWERTOOLS_LOG_LEVEL": "INFO",
        "POWERTOOLS_TRACE_ENABLED": "false",
    }

    own, powertools = (layer["Arn"] for layer in function["Layers"])
    layers = aws.client("lambda").list_layers()["Layers"]
    assert [layer["LatestMatchingVersion"]["LayerVersionArn"] for layer in layers] == [own]
    assert layers[0]["LatestMatchingVersion"]["CompatibleRuntimes"] == ["python3.13"]
    assert powertools == "arn:aws:lambda:us-east-1:017000801446:layer:AWSLambdaPowertoolsPythonV3-python313-arm64:18"

    role = aws.client("iam").get_role(RoleName=function["Role"].rpartition("/")[2])["Role"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust == {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policies = role_policies(aws, function["Role"])
    assert list(policies) == ["write-own-log"]
    assert policies["write-own-log"]["Statement"] == [
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": [f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/lambda/{NAME}:*"],
        }
    ]
    assert retention(aws) == {f"/aws/lambda/{NAME}": 30}

    sam_deploy(
        built,
        Aggregation="sum",
        MemorySize="1024",
        Timeout="60",
        ReservedConcurrency="5",
        LogLevel="DEBUG",
        LogRetentionDays="7",
    )
    after = functions(aws)
    assert list(after) == [NAME]
    changed = {key for key in function | after[NAME] if after[NAME].get(key) != function.get(key)} - {"LastModified"}
    assert changed == {"MemorySize", "Timeout", "Reserved", "Environment"}
    assert (after[NAME]["MemorySize"], after[NAME]["Timeout"], after[NAME]["Reserved"]) == (1024, 60, 5)
    assert after[NAME]["Environment"]["Variables"] == {
        **function["Environment"]["Variables"],
        "EVALAYER_AGGREGATION": "sum",
        "POWERTOOLS_LOG_LEVEL": "DEBUG",
    }
    assert role_policies(aws, function["Role"]) == policies
    assert retention(aws) == {f"/aws/lambda/{NAME}": 7}


def test_deploy_for_python_312_with_two_tasks_traces_and_another_powertools(
    sam_build: Callable[[str], Path], sam_deploy: Callable[..., None], aws: Any
) -> None:
    own_powertools = "arn:aws:lambda:us-east-1:111122223333:layer:Powertools-arm64:3"
    sam_deploy(
        sam_build("python3.12"),
        Runtime="python3.12",
        FunctionName="SageMaker-first",
        SecondFunctionName="SageMaker-second",
        SecondTask="refunds",
        Tracing="Active",
        PowertoolsLayerArn=own_powertools,
    )
    deployed = functions(aws)
    assert sorted(deployed) == ["SageMaker-first", "SageMaker-second"]
    first, second = deployed["SageMaker-first"], deployed["SageMaker-second"]
    different = {key for key in first if first[key] != second[key]} - {"LastModified"}
    assert different == {"FunctionName", "FunctionArn", "Description", "Environment"}
    assert second["Environment"]["Variables"] == {**first["Environment"]["Variables"], "EVALAYER_TASK": "refunds"}
    assert first["Runtime"] == "python3.12"
    assert first["Layers"][1]["Arn"] == own_powertools
    assert first["TracingConfig"] == {"Mode": "Active"}
    assert first["Environment"]["Variables"]["POWERTOOLS_TRACE_ENABLED"] == "true"

    policies = role_policies(aws, first["Role"])
    assert sorted(policies) == ["send-traces", "write-own-log"]
    (statement,) = policies["write-own-log"]["Statement"]
    groups = [f"/aws/lambda/{name}" for name in sorted(deployed)]
    assert statement["Resource"] == [f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{group}:*" for group in groups]
    assert sorted(retention(aws)) == groups
