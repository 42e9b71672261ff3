"""The ARN of the Powertools layer, whose name says what it is for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from evalayer_lab.function import Target
from evalayer_lab.inputs import Arn, Finding, Place

# what `pip install aws-lambda-powertools[all]` brings, from which the layer is built, without what Lambda has
_CONTENTS: Final = frozenset(
    {
        "_cffi_backend", "annotated_types", "attr", "attrs", "aws_encryption_sdk", "aws_lambda_powertools",
        "aws_xray_sdk", "cffi", "cryptography", "dotenv", "fastjsonschema", "jmespath", "jsonpath_ng", "jwt", "ply",
        "pycparser", "pydantic", "pydantic_core", "pydantic_settings", "typing_extensions", "typing_inspection",
        "wrapt",
    }
)  # fmt: skip
PROVIDES: Final = frozenset({"aws_lambda_powertools", "pydantic", "pydantic_core"})
_ACCOUNT: Final = "017000801446"
# where the account differs: region, or the start of it, and account
_ACCOUNTS: Final = {"us-gov-east-1": "165087284144", "us-gov-west-1": "165093116878", "cn-": "498634801083"}
_NAME: Final = re.compile(r"AWSLambdaPowertoolsPythonV3-python3([0-9]+)-\w+\Z")


def is_powertools(arn: str) -> bool:
    """Whether an ARN names a Powertools layer for Python."""
    return ":layer:AWSLambdaPowertoolsPython" in arn


def brought_by_powertools(target: Target) -> frozenset[str]:
    """The packages that a Powertools layer of a function brings, if it has one."""
    return _CONTENTS if any(map(is_powertools, target.unseen)) else frozenset()


def unknown_layers(target: Target) -> list[str]:
    """Name the layers of which nothing is known: those that cannot be seen, but for Powertools."""
    return [layer for layer in target.unseen if not is_powertools(layer)]


def check_powertools(arn: str, place: Place, target: Target) -> Iterator[Finding]:
    """Compare the ARN of a Powertools layer with a function's runtime, architecture and region.

    A part of the ARN that is still a `${…}` is not compared.
    """
    parsed = Arn.parse(arn)
    version = (parsed.qualifier if parsed else None) or ""
    if parsed is None or not (version.isdecimal() or "${" in version):
        reason = f"{arn} does not end with a version number"
        fix = "write the whole ARN, arn:aws:lambda:<region>:<account>:layer:<name>:<version>"
        yield Finding("powertools-name", "error", place, reason, fix)
        return
    region, account, name = parsed.region, parsed.account, parsed.name
    wanted = f"AWSLambdaPowertoolsPythonV3-{target.runtime.name.replace('.', '')}-{target.architecture}"
    if "${" not in name and name != wanted:
        found = _NAME.match(name)
        if found is None:
            code, reason = "powertools-name", "is not a Powertools 3 layer for Python"
        elif found[1] != str(target.runtime.minor):
            code, reason = "powertools-runtime", f"is not for {target.runtime.name}, which {target.name} runs"
        else:
            code, reason = "powertools-architecture", f"is not for {target.architecture}, which {target.name} runs on"
        yield Finding(code, "error", place, f"{name} {reason}", f"write {wanted}")
    expected = next((owner for start, owner in _ACCOUNTS.items() if region.startswith(start)), _ACCOUNT)
    possible = {_ACCOUNT, *_ACCOUNTS.values()} if "${" in region else {expected}
    if "${" not in account and account not in possible:
        reason = f"{arn} is in account {account}, but Powertools publishes from account {expected}"
        fix = f"write {expected}, or make sure that the copy is yours and shared with this account"
        yield Finding("powertools-account", "warning", place, reason, fix)


def check_region(arn: str, place: Place, target: Target) -> Iterator[Finding]:
    """Check that a layer is in the region of its function, which cannot use another."""
    parsed = Arn.parse(arn)
    region = parsed.region if parsed else ""
    if target.region and region and "${" not in region and region != target.region:
        reason = f"{arn} is in {region}, but {target.name} is to run in {target.region}"
        fix = f"write ${{AWS::Region}} for the region (with !Sub), or {target.region}"
        yield Finding("layer-region", "error", place, reason, fix)
