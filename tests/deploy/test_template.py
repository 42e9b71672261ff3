"""The template itself: what CloudFormation would make of it, beyond what a deploy to moto shows."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]
from samtranslator.translator.transform import transform  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]


class NoManagedPolicies:
    def load(self) -> dict[str, str]:
        return {}


@pytest.fixture(scope="module")
def source() -> str:
    return (ROOT / "template.yaml").read_text(encoding="utf-8")


def expand(source: str, code: str = "code", layer: str = "layer") -> dict[str, Any]:
    """Expand the template as after an upload of the function's code and of the layer under these names."""
    for old, new in (
        ("CodeUri: processors", f"CodeUri: s3://bucket/{code}"),
        ("ContentUri: layer", f"ContentUri: s3://bucket/{layer}"),
    ):
        assert source.count(old) == 1
        source = source.replace(old, new)
    expanded: dict[str, Any] = transform(yaml_parse(source), {}, NoManagedPolicies())
    return expanded


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def of_type(template: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {name: resource for name, resource in template["Resources"].items() if resource["Type"] == kind}


def used_names(value: Any) -> Iterator[str]:
    """Yield every name that a Ref, a Sub or a condition of an If mentions."""
    if isinstance(value, list):
        for item in value:
            yield from used_names(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "Ref":
                yield item
            elif key == "Fn::If":
                yield item[0]
            elif key == "Fn::Sub":
                yield from re.findall(r"\$\{(\w+)\}", item if isinstance(item, str) else item[0])
            yield from used_names(item)


def used_parameters(template: dict[str, Any], value: Any) -> set[str]:
    names = set(used_names(value))
    for condition in names & set(template["Conditions"]):
        names |= set(used_names(template["Conditions"][condition]))
    return names & set(template["Parameters"])


def test_every_parameter_of_a_function_publishes_a_version_when_it_changes(source: str) -> None:
    template = expand(source)
    functions = of_type(template, "AWS::Lambda::Function")
    versions = of_type(template, "AWS::Lambda::Version")
    aliases = of_type(template, "AWS::Lambda::Alias")
    assert len(functions) == len(versions) == len(aliases) == 2
    for version in versions.values():
        properties = functions[version["Properties"]["FunctionName"]["Ref"]]["Properties"]
        of_version = {key: item for key, item in properties.items() if key != "ReservedConcurrentExecutions"}
        told = used_parameters(template, version["Properties"]["Description"])
        assert told | {"FunctionName", "SecondFunctionName"} >= used_parameters(template, of_version)
        assert (
            "ReservedConcurrency" not in told
        )  # it is no part of a version, and Lambda publishes none that is the same
    assert all(alias["Properties"]["Name"] == "live" for alias in aliases.values())


def test_the_description_of_a_version_fits(source: str) -> None:
    template = expand(source)
    longest = {"Task": 40, "SecondTask": 40, "MemorySize": 5, "Timeout": 3, "PowertoolsLayerVersion": 5}
    longest["PowertoolsLayerArn"] = template["Parameters"]["PowertoolsLayerArn"]["MaxLength"]
    for name in ("Runtime", "Aggregation", "LogLevel", "SnapStart", "Tracing"):
        longest[name] = max(map(len, template["Parameters"][name]["AllowedValues"]))
    for version in of_type(template, "AWS::Lambda::Version").values():
        text = version["Properties"]["Description"]["Fn::Sub"]
        assert len(re.sub(r"\$\{(\w+)\}", lambda found: "x" * longest[found[1]], text)) <= 256
    for name in ("Task", "SecondTask"):
        assert not re.fullmatch(template["Parameters"][name]["AllowedPattern"], "x" * 41)


@pytest.mark.parametrize("upload", [{"code": "other"}, {"layer": "other"}], ids=["code", "layer"])
def test_new_content_publishes_a_version(source: str, upload: dict[str, str]) -> None:
    before, again, after = expand(source), expand(source), expand(source, **upload)
    versions = [set(of_type(template, "AWS::Lambda::Version")) for template in (before, again, after)]
    assert versions[0] == versions[1]
    assert versions[0].isdisjoint(versions[2])


def test_each_function_has_alarms_for_errors_and_throttles(source: str) -> None:
    template = expand(source)
    watched = {
        (
            alarm["Properties"]["Dimensions"][0]["Value"]["Ref"],
            alarm["Properties"]["MetricName"],
            alarm.get("Condition"),
        )
        for alarm in of_type(template, "AWS::CloudWatch::Alarm").values()
    }
    assert watched == {
        (function["Properties"]["FunctionName"]["Ref"], metric, function.get("Condition"))
        for function in of_type(template, "AWS::Lambda::Function").values()
        for metric in ("Errors", "Throttles")
    }


def test_outputs_can_be_pasted(source: str) -> None:
    outputs = yaml_parse(source)["Outputs"]
    arn = "arn:aws:lambda:us-east-1:111122223333:function:SageMaker-evalayer-support-tickets"
    values = {"EvaluationFunction.Arn": arn, "SecondEvaluationFunction.Arn": f"{arn}-2", "Aggregation": "average"}

    def filled(text: str, **more: str) -> str:
        known = {**values, **more}
        return re.sub(r"\$\{([\w.]+)\}", lambda found: known[found[1]], text)

    text, variables = outputs["JobRolePolicy"]["Value"]["Fn::Sub"]
    second = filled(variables["Second"]["Fn::If"][1]["Fn::Sub"])
    for more, arns in (
        ({"Second": ""}, [arn, f"{arn}:live"]),
        ({"Second": second}, [arn, f"{arn}:live", f"{arn}-2", f"{arn}-2:live"]),
    ):
        (statement,) = json.loads(filled(text, **more))["Statement"]
        assert statement == {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": arns}

    yaml = YAML(typ="safe")
    pasted = yaml.load(filled(outputs["RecipeProcessor"]["Value"]["Fn::Sub"]))["processor"]
    recipe = yaml.load(ROOT / "recipes" / "support_tickets.yaml")["processor"]
    assert pasted == recipe


def test_every_silenced_finding_says_why(source: str) -> None:
    skips = [
        skip
        for resource in yaml_parse(source)["Resources"].values()
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", [])
    ]
    assert skips
    assert all(skip["id"].startswith("CKV_") and len(skip["comment"].split()) > 5 for skip in skips)


def test_the_default_name_is_one_that_jobs_may_invoke(source: str) -> None:
    parameters = yaml_parse(source)["Parameters"]
    for name in ("FunctionName", "SecondFunctionName"):
        assert "SageMaker" in parameters[name]["Default"]
    assert "AmazonSageMakerFullAccess" in parameters["FunctionName"]["Description"]


def test_a_local_invoke_needs_no_name(source: str) -> None:
    config = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))["default"]
    chosen = config["local_invoke"]["parameters"]["function_logical_id"]
    assert yaml_parse(source)["Resources"][chosen]["Properties"]["FunctionName"] == {"Ref": "FunctionName"}
