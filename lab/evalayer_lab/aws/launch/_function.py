"""Checks of the deployed function, and of how many of it can run at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from evalayer_lab.aws._errors import AwsError, asking
from evalayer_lab.aws._session import Aws
from evalayer_lab.aws.launch._check import Check, error, ok, warning
from evalayer_lab.aws.launch._recipe import Function, NovaRecipe
from evalayer_lab.recipe import Recipe

if TYPE_CHECKING:
    from mypy_boto3_lambda.type_defs import FunctionConfigurationResponseTypeDef

_AGGREGATION: Final = "EVALAYER_AGGREGATION"
_SHORT_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Concurrency:
    """How many events can be answered at once.

    Attributes:
        reserved: set aside for the function; None if nothing is.
        account: the account's limit in the region.
        unreserved: what of it is not set aside for any function.
    """

    reserved: int | None
    account: int
    unreserved: int


def read_function(aws: Aws, function: Function) -> FunctionConfigurationResponseTypeDef:
    """Read the function's configuration.

    Raises:
        AwsError: AWS cannot be asked, or there is no such function.
    """
    with asking("lambda:GetFunctionConfiguration", f"the function {function.name}"):
        return aws.functions.get_function_configuration(FunctionName=function.arn)


def check_function(
    function: Function, recipe: NovaRecipe, found: FunctionConfigurationResponseTypeDef, region: str
) -> Iterator[Check]:
    """Check a function's configuration."""
    name = function.name
    if function.region != region:
        yield error("function", f"{name} is in {function.region}, and the job runs in {region}")
    state, update = found.get("State", "Active"), found.get("LastUpdateStatus", "Successful")
    if state == "Inactive":
        yield warning("function", f"{name} is Inactive: its first event takes a minute")
    elif state != "Active":
        yield error("function", f"{name} is {state}: {found.get('StateReason') or 'AWS does not say why'}")
    if update != "Successful":
        reason = found.get("LastUpdateStatusReason") or "wait until it is Successful"
        yield (error if update == "Failed" else warning)("function", f"the last update of {name} is {update}: {reason}")
    if found.get("Architectures", ["x86_64"]) != ["arm64"]:
        yield warning(
            "function", f"{name} runs on x86_64; arm64 costs a fifth less, and evalayer's layer is built for it"
        )
    if not found.get("Layers") and found.get("PackageType", "Zip") == "Zip":
        yield warning("function", f"{name} has no layer; evalayer then has to be in its own package")
    if found.get("Timeout", 3) < _SHORT_SECONDS:
        yield warning(
            "function", f"{name} has {found.get('Timeout', 3)} seconds a row; a cold start may need {_SHORT_SECONDS}"
        )
    variables = found.get("Environment", {}).get("Variables", {})
    built_for = variables.get(_AGGREGATION)
    if isinstance(recipe, Recipe) and built_for and built_for != recipe.processor.aggregation:
        yield error(
            "function",
            f"{name} reports for {built_for} ({_AGGREGATION}), and the recipe folds with "
            f"{recipe.processor.aggregation}; set both to the same",
        )
    yield ok("function", f"{name} is there: {found.get('Runtime', 'an image')}, {found.get('MemorySize', 128)} MiB")


def read_concurrency(aws: Aws, function: Function) -> Concurrency:
    """Read how many events can be answered at once.

    Raises:
        AwsError: AWS cannot be asked.
    """
    with asking("lambda:GetFunctionConcurrency", f"the function {function.name}"):
        name = function.arn.split(":function:")[0] + f":function:{function.name}"
        reserved = aws.functions.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")
    with asking("lambda:GetAccountSettings", "the account's limits"):
        limit = aws.functions.get_account_settings()["AccountLimit"]
    account = limit.get("ConcurrentExecutions", 0)
    return Concurrency(reserved, account, limit.get("UnreservedConcurrentExecutions", account))


def check_concurrency(function: Function, found: Concurrency) -> Check:
    """Check that the function may run at all, and say how often at once."""
    if found.reserved == 0:
        return error("concurrency", f"{function.name} has a reserved concurrency of 0, which stops it")
    if found.reserved is not None:
        return ok("concurrency", f"{found.reserved:,} at once, reserved for {function.name}")
    return ok("concurrency", f"at most {found.unreserved:,} at once, shared with the account's other functions")


def missing(failure: AwsError, function: Function) -> Check | None:
    """Make a check of a failure that says there is no such function."""
    if failure.kind != "missing":
        return None
    return error(
        "function", f"there is no function {function.name} in {function.region}; deploy it, or give --function"
    )
