"""The request and the reward contract, against the SageMaker Python SDK: what it really sends, and what it accepts."""

from __future__ import annotations

import copy
import json
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from ruamel.yaml import YAML
from tests.lab.aws.conftest import FUNCTION, RECIPE, ROLE
from tests.lab.conftest import REGION, Server

from evalayer_lab.aws import Aws
from evalayer_lab.aws.launch import Plan, Settings, image_uri, make_plan, upload

ROOT: Final = Path(__file__).parents[3]

# Where a request differs from the SDK's, and why.
DIFFERENCES: Final[Mapping[str, str]] = {
    "TrainingJobName": "the SDK's has the time in it; ours is the same for the same job, so that a retry finds it",
    "Tags": "ours has the digest, by which a retry knows the job",
    "StoppingCondition": "the SDK stops a job after an hour unless told; ours after --max-hours, by default a day",
    "InputDataConfig.recipe": "the SDK puts the recipe below the job's name; ours goes where its content says",
}

_BEFORE: Final = RECIPE.partition("evaluation:")[0]
RECIPES: Final[Mapping[str, str]] = {
    "processor": RECIPE,
    "base model": RECIPE.partition("processor:")[0],
    "checkpoint": RECIPE.replace("nova-lite-2/prod", "s3://customer-escrow-210987654321-smtj-x/run"),
    "four replicas": RECIPE.replace("replicas: 1", "replicas: 4"),
    "reward": _BEFORE
    + "evaluation: {task: rft_eval, strategy: rft_eval, metric: all}\n"
    + f"inference: {{max_new_tokens: 100}}\nrl_env:\n  reward_lambda_arn: {FUNCTION}\n",
    "reward of the run": RECIPE.replace("run:\n", f"run:\n  reward_lambda_arn: {FUNCTION}\n"),
    "benchmark": _BEFORE + "evaluation: {task: mmlu, strategy: zs_cot, metric: accuracy}\n",
    "judge": _BEFORE.replace("2-lite-v1:0:256k", "micro-v1:0:128k").replace("nova-lite-2", "nova-micro")
    + "evaluation: {task: llm_judge, strategy: judge, metric: all}\n",
}
ROWS: Final[Mapping[str, object]] = {
    "reward": {"messages": [{"role": "user", "content": "a"}], "reference_answer": "b"},
    "judge": {"prompt": "a", "response_A": "b", "response_B": "c"},
}


@pytest.fixture
def ask_sdk(require: Callable[[str], Path], account: Server) -> Callable[..., dict[str, Any]]:
    """Return a function that asks the SDK."""
    python = require("sagemaker-sdk")
    nowhere = "http://localhost:9"  # the SDK calls home over HTTPS; its own way to say no takes half a second a look-up

    def ask(launches: list[dict[str, Any]], rewards: list[dict[str, Any]]) -> dict[str, Any]:
        path = os.pathsep.join(str(ROOT / folder) for folder in ("processors", "layer", "metrics"))
        done = subprocess.run(
            [python, Path(__file__).with_name("oracle_sdk.py")],
            input=json.dumps({"bucket": "inputs", "launches": launches, "rewards": rewards}),
            env={
                **os.environ,
                "PYTHONPATH": path,
                "PYTHONWARNINGS": "ignore",
                "HTTPS_PROXY": nowhere,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    return ask


def _plan(folder: Path, name: str, text: str) -> Plan:
    recipe, data = folder / f"{name}.yaml", folder / f"{name}.jsonl"
    recipe.write_text(text)
    data.write_text(json.dumps(ROWS.get(name, {"query": "a", "response": "b"})) + "\n")
    settings = Settings(recipe, ROLE, "s3://results/x", REGION, None if name == "benchmark" else data)
    plan = make_plan(settings)
    assert isinstance(plan, Plan)
    assert not [finding for finding in plan.findings if finding.severity == "error"]
    return plan


def _content(aws: Server, request: Mapping[str, Any]) -> Any:
    """Return the recipe that a job of this request reads."""
    uri = _channel(request, "recipe")["DataSource"]["S3DataSource"]["S3Uri"]
    assert uri.rpartition("/")[2] == "recipe.yaml", "the name in sagemaker_recipe_local_path"
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return YAML(typ="safe").load(aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())


def _channel(request: Mapping[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in request["InputDataConfig"] if one["ChannelName"] == name)


def _without_differences(request: Mapping[str, Any]) -> dict[str, Any]:
    rest = copy.deepcopy({key: value for key, value in request.items() if key not in DIFFERENCES})
    _channel(rest, "recipe")["DataSource"]["S3DataSource"]["S3Uri"] = ""
    return rest


def test_the_request_is_the_sdk_s(
    account: Server, session: Aws, ask_sdk: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    plans = {name: _plan(tmp_path, name, text) for name, text in RECIPES.items()}
    plans["two instances"] = make_plan(replace(plans["processor"].settings, instances=2))  # type: ignore[assignment]
    launches = []
    for plan in plans.values():
        upload(plan, session)
        data = [one for one in plan.inputs if one.uri.key.endswith(".jsonl")]
        launches.append(
            {
                "recipe": str(plan.settings.recipe),
                "image": image_uri(REGION),
                "instance_type": plan.request["ResourceConfig"]["InstanceType"],
                "instances": plan.settings.instances,
                "role": ROLE,
                "output": "s3://results/x",
                "data_uri": str(data[0].uri) if data else None,
            }
        )
    requests = ask_sdk(launches, [])["requests"]
    assert len(requests) == len(plans) == 9
    for (name, plan), theirs in zip(plans.items(), requests, strict=True):
        ours = json.loads(json.dumps(plan.request))
        assert _without_differences(ours) == _without_differences(theirs), name
        for key in ("TrainingJobName", "StoppingCondition"):
            assert ours[key] != theirs[key], "no difference any more: take it off the list"
        assert "Tags" not in theirs
        assert ours["StoppingCondition"].keys() == theirs["StoppingCondition"].keys()
        if name != "two instances":  # there, ours says so in the recipe too
            assert _content(account, ours) == _content(account, theirs), name
    assert requests[3]["ResourceConfig"]["InstanceCount"] == 4
    assert "base_model_location" in requests[2]["HyperParameters"]


def test_the_sdk_accepts_the_handler_as_a_reward_function(
    ask_sdk: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    samples = json.loads((ROOT / "events/reward.json").read_text())
    refused = tmp_path / "refused.py"
    refused.write_text("def lambda_handler(event, context):\n    return [{'id': row['id']} for row in event]\n")
    app = str(ROOT / "processors/app.py")
    accepted, wrong = ask_sdk([], [{"file": app, "samples": samples}, {"file": str(refused), "samples": samples}])[
        "verdicts"
    ]
    assert accepted == {
        "success": True,
        "total_samples": len(samples),
        "successful_samples": len(samples),
        "warnings": [],
    }
    assert wrong["success"] is False
    assert "aggregate_reward_score" in wrong["error"]
