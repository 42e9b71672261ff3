"""docs/jobs.md lists every permission that the code uses, and no other."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final, get_args

from evalayer_lab.aws.launch import READS, Code, facts

ROOT: Final = Path(__file__).parents[3]
DOCUMENT: Final = (ROOT / "docs/jobs.md").read_text()

# What a call takes besides its own permission.
WITH_ANOTHER: Final = {"iam:PassRole", "sagemaker:AddTags", "s3:AbortMultipartUpload"}


def _policies() -> list[dict[str, Any]]:
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)]


def _actions(policy: dict[str, Any]) -> list[str]:
    lists = [statement["Action"] for statement in policy["Statement"]]
    return [action for one in lists for action in ([one] if isinstance(one, str) else one)]


def _used() -> set[str]:
    folder = ROOT / "lab/evalayer_lab/aws"
    sources = [*folder.glob("_*.py"), *folder.glob("launch/*.py"), *folder.glob("jobs/*.py")]
    found = {action for source in sources for action in re.findall(r'asking\(\s*"([a-z0-9]+:\w+)"', source.read_text())}
    assert len(found) > 10
    return found - {"cloudformation:DescribeStacks"}  # of `evalayer recipe new --stack`


def test_the_caller_s_policy_is_what_the_code_uses() -> None:
    caller, _ = _policies()
    actions = _actions(caller)
    assert set(actions) == _used() | WITH_ANOTHER
    assert len(actions) == len(set(actions))


def test_every_statement_is_as_narrow_as_its_actions_allow() -> None:
    only_for_all = {"lambda:GetAccountSettings", "sts:GetCallerIdentity", "ecr:GetAuthorizationToken"}
    for policy in _policies():
        for statement in policy["Statement"]:
            assert statement["Effect"] == "Allow"
            actions = set(_actions({"Statement": [statement]}))
            assert not any("*" in action for action in actions)
            if statement["Resource"] == "*":
                assert actions <= only_for_all or "Condition" in statement
    image = next(one for one in _policies()[1]["Statement"] if one["Sid"] == "Image")["Resource"]
    assert (
        image == f"arn:aws:ecr:us-east-1:{facts().regions['us-east-1'].account}:repository/{facts().image.repository}"
    )


def test_the_job_s_role_can_do_what_a_job_does() -> None:
    _, role = _policies()
    needed = {
        "s3:GetObject",
        "s3:PutObject",
        "s3:ListBucket",
        "lambda:InvokeFunction",
        "ecr:BatchGetImage",
        "logs:PutLogEvents",
    }
    assert needed <= set(_actions(role))


def test_the_reads_of_a_dry_run_are_listed() -> None:
    assert set(READS) <= _used()
    for action in READS:
        operation = action.partition(":")[2].replace("ListBucket", "HeadBucket")
        assert re.search(rf"\b{operation}\b", DOCUMENT.partition("### The checks")[0]), action


def test_every_check_is_explained() -> None:
    for name in get_args(Code):
        assert f"\n| `{name}` | " in DOCUMENT
