"""Checks of the deployed function, and of how many of it can run at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from evalayer_lab.aws._errors import AwsError, asking
from evalayer_lab.aws._session import Aws
from evalayer_lab.aws.launch._findings import Said
from evalayer_lab.aws.launch._plan import Plan
from evalayer_lab.aws.launch._recipe import NovaRecipe
from evalayer_lab.inputs import Arn, Severity
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


def read_function(aws: Aws, function: Arn) -> FunctionConfigurationResponseTypeDef | None:
    """Read the function's configuration; None if there is no such function.

    Raises:
        AwsError: AWS cannot be asked.
    """
    try:
        with asking("lambda:GetFunctionConfiguration", f"the function {function.name}"):
            return aws.functions.get_function_configuration(FunctionName=function.text)
    except AwsError as failure:
        if failure.kind == "missing":
            return None
        raise


def check_function(
    function: Arn, recipe: NovaRecipe, found: FunctionConfigurationResponseTypeDef, region: str
) -> Iterator[Said]:
    """Check a function's configuration."""
    name = function.name
    if function.region != region:
        yield "error", f"{name} is in {function.region}, and the job runs in {region}"
    state, update = found.get("State", "Active"), found.get("LastUpdateStatus", "Successful")
    if state == "Inactive":
        yield "warning", f"{name} is Inactive: its first event may take a minute"
    elif state != "Active":
        yield "error", f"{name} is {state}: {found.get('StateReason') or 'AWS does not say why'}"
    if update != "Successful":
        reason = found.get("LastUpdateStatusReason") or "wait until it is Successful"
        severity: Severity = "error" if update == "Failed" else "warning"
        yield severity, f"the last update of {name} is {update}: {reason}"
    if found.get("Architectures", ["x86_64"]) != ["arm64"]:
        yield "warning", f"{name} runs on x86_64; arm64 costs a fifth less, and evalayer's layer is built for it"
    if not found.get("Layers") and found.get("PackageType", "Zip") == "Zip":
        yield "warning", f"{name} has no layer; evalayer then has to be in its own package"
    seconds = found.get("Timeout", 3)
    if seconds < _SHORT_SECONDS:
        yield "warning", f"{name} has a timeout of {seconds} seconds; a cold start may need {_SHORT_SECONDS}"
    variables = found.get("Environment", {}).get("Variables", {})
    built_for = variables.get(_AGGREGATION)
    if isinstance(recipe, Recipe) and built_for and built_for != recipe.processor.aggregation:
        other = f"and the recipe aggregates by {recipe.processor.aggregation}"
        yield "error", f"{name} was built for {built_for} ({_AGGREGATION}), {other}; set both to the same"
    yield "ok", f"{name} exists: {found.get('Runtime', 'an image')}, {found.get('MemorySize', 128)} MiB"


def read_concurrency(aws: Aws, function: Arn) -> Concurrency:
    """Read how many events can be answered at once.

    Raises:
        AwsError: AWS cannot be asked.
    """
    with asking("lambda:GetFunctionConcurrency", f"the function {function.name}"):
        name = function.text.removesuffix(f":{function.qualifier}") if function.qualifier else function.text
        reserved = aws.functions.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")
    with asking("lambda:GetAccountSettings", "the account's limits"):
        limit = aws.functions.get_account_settings()["AccountLimit"]
    account = limit.get("ConcurrentExecutions", 0)
    return Concurrency(reserved, account, limit.get("UnreservedConcurrentExecutions", account))


def check_concurrency(function: Arn, found: Concurrency) -> Said:
    """Check that the function may run at all, and say how often at once."""
    if found.reserved == 0:
        return "error", f"{function.name} has a reserved concurrency of 0, which stops it"
    if found.reserved is not None:
        return "ok", f"{found.reserved:,} at once, reserved for {function.name}"
    return "ok", f"at most {found.unreserved:,} at once, shared with the account's other functions"


_SERVICE: Final = "sagemaker.amazonaws.com"
_MOVED: Final = {"301", "PermanentRedirect", "AuthorizationHeaderMalformed", "400", "BadRequest"}


def check_role(plan: Plan, aws: Aws) -> Iterator[Said]:
    """Check that the role is the caller's account's, exists, and may be assumed by SageMaker.

    Raises:
        AwsError: AWS cannot be asked.
    """
    role = plan.role
    with asking("sts:GetCallerIdentity", "the credentials"):
        account = aws.sts.get_caller_identity()["Account"]
    if account != role.account:
        yield "error", f"{role.text} is not in the account {account}, which the credentials are for"
        return
    try:
        with asking("iam:GetRole", f"the role {role.name}"):
            found = aws.iam.get_role(RoleName=role.name)["Role"]
    except AwsError as failure:
        if failure.kind != "missing":
            raise
        yield "error", f"there is no role {role.name} in the account {account}"
        return
    if found["Arn"] != role.text:
        yield "error", f"{role.text} has another path; the role {role.name} is {found['Arn']}"
    elif not trusts_sagemaker(found.get("AssumeRolePolicyDocument")):
        yield "error", f"{role.name} does not let SageMaker assume it: trust {_SERVICE} with sts:AssumeRole"
    else:
        yield "ok", f"{role.name} exists and trusts SageMaker"


def trusts_sagemaker(document: object) -> bool:
    """Whether a role's trust policy lets SageMaker assume it. Conditions are not looked at.

    >>> service = {"Service": ["sagemaker.amazonaws.com"]}
    >>> trusts_sagemaker({"Statement": {"Effect": "Allow", "Principal": service, "Action": "sts:AssumeRole"}})
    True
    """
    statements = _listed(document.get("Statement") if isinstance(document, Mapping) else None)
    return any(_allows(statement) for statement in statements if isinstance(statement, Mapping))


def _allows(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal")
    services = _listed(principal.get("Service")) if isinstance(principal, Mapping) else []
    actions = {str(action).lower() for action in _listed(statement.get("Action"))}
    return (
        statement.get("Effect") == "Allow" and _SERVICE in services and bool(actions & {"sts:assumerole", "sts:*", "*"})
    )


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def check_buckets(plan: Plan, aws: Aws) -> Iterator[Said]:
    """Check that the buckets of the inputs and of the output are there, reachable, and in the job's region.

    Raises:
        AwsError: AWS cannot be asked.
    """
    for bucket in sorted({plan.output.bucket, *(one.uri.bucket for one in plan.inputs)}):
        try:
            with asking("s3:ListBucket", f"the bucket {bucket}"):
                region = aws.s3.head_bucket(Bucket=bucket).get("BucketRegion") or aws.region
        except AwsError as failure:
            if failure.kind == "missing":
                yield "error", f"there is no bucket {bucket}"
            elif failure.kind == "denied":
                yield (
                    "error",
                    f"{bucket} belongs to another account, or the credentials may not call s3:ListBucket",
                )
            elif failure.code in _MOVED:
                yield "error", f"{bucket} is not in {aws.region}, where the job runs"
            else:
                raise
            continue
        if region != aws.region:
            yield "error", f"{bucket} is in {region}, and the job runs in {aws.region}"
        else:
            yield "ok", f"{bucket} exists, in {region}"
