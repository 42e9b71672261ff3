"""The ARN of the Powertools layer, whose name says what it is for."""

from __future__ import annotations

import re
from typing import Final

from evalayer_lab.doctor._report import Results, error, warning
from evalayer_lab.function import Target
from evalayer_lab.inputs import Arn

# what `pip install aws-lambda-powertools[all]` brings, from which the layer is built, without what Lambda has
CONTENTS: Final = frozenset(
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


def unknown_layers(target: Target) -> list[str]:
    """Name the layers of which nothing is known: those that cannot be seen, but for Powertools."""
    return [layer for layer in target.unseen if not is_powertools(layer)]


def check_powertools(arn: str, subject: str, target: Target) -> Results:
    """Compare the ARN of a Powertools layer with a function's runtime, architecture and region.

    A part of the ARN that is still a `${…}` is not compared.
    """
    parsed = Arn.parse(arn)
    version = (parsed.qualifier if parsed else None) or ""
    if parsed is None or not (version.isdecimal() or "${" in version):
        yield error(
            "powertools-name",
            subject,
            f"{arn} does not end with a version number",
            "write the whole ARN, arn:aws:lambda:<region>:<account>:layer:<name>:<version>",
        )
        return
    region, account, name = parsed.region, parsed.account, parsed.name
    wanted = f"AWSLambdaPowertoolsPythonV3-{target.runtime.name.replace('.', '')}-{target.architecture}"
    if "${" not in name and name != wanted:
        found = _NAME.match(name)
        if found is None:
            code, reason = "powertools-name", "is no layer of Powertools 3"
        elif found[1] != str(target.runtime.minor):
            code, reason = "powertools-runtime", f"is not for {target.runtime.name}"
        else:
            code, reason = "powertools-architecture", f"is not for {target.architecture}"
        yield error(code, subject, f"{name} {reason}, which {target.name} runs", f"write {wanted}")
    if "${" not in account and "${" not in region:
        expected = next((owner for start, owner in _ACCOUNTS.items() if region.startswith(start)), _ACCOUNT)
        if account != expected:
            yield warning(
                "powertools-account",
                subject,
                f"{arn} is of the account {account}; Powertools publishes from {expected} in {region}",
                f"write {expected}, or make sure that the copy is yours and shared with this account",
            )
    elif "${" not in account and account not in {_ACCOUNT, *_ACCOUNTS.values()}:
        yield warning(
            "powertools-account",
            subject,
            f"{arn} is of the account {account}; Powertools publishes from {_ACCOUNT}",
            f"write {_ACCOUNT}, or make sure that the copy is yours and shared with this account",
        )


def check_region(arn: str, subject: str, target: Target) -> Results:
    """A function can only use layers of its own region."""
    parsed = Arn.parse(arn)
    region = parsed.region if parsed else ""
    if target.region and region and "${" not in region and region != target.region:
        yield error(
            "layer-region",
            subject,
            f"{arn} is in {region}; {target.name} is to run in {target.region}",
            f"write ${{AWS::Region}} for the region (with !Sub), or {target.region}",
        )
