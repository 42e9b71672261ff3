"""Checks of what AWS has before a launch: the role and the buckets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from evalayer_lab.aws._errors import AwsError, asking
from evalayer_lab.aws._session import Aws
from evalayer_lab.aws.launch._check import Check, error, ok
from evalayer_lab.aws.launch._plan import Plan

_SERVICE: Final = "sagemaker.amazonaws.com"
_MOVED: Final = {"301", "PermanentRedirect", "AuthorizationHeaderMalformed", "400", "BadRequest"}


def check_role(plan: Plan, aws: Aws) -> Iterator[Check]:
    """Check that the role is the caller's account's, exists, and may be assumed by SageMaker.

    Raises:
        AwsError: AWS cannot be asked.
    """
    role = plan.role
    with asking("sts:GetCallerIdentity", "the credentials"):
        account = aws.sts.get_caller_identity()["Account"]
    if account != role.account:
        yield error("role", f"{role.arn} is not of the account {account}, whose credentials these are")
        return
    try:
        with asking("iam:GetRole", f"the role {role.name}"):
            found = aws.iam.get_role(RoleName=role.name)["Role"]
    except AwsError as failure:
        if failure.kind != "missing":
            raise
        yield error("role", f"there is no role {role.name} in the account {account}")
        return
    if found["Arn"] != role.arn:
        yield error("role", f"{role.arn} has another path; the role {role.name} is {found['Arn']}")
    elif not trusts_sagemaker(found.get("AssumeRolePolicyDocument")):
        yield error("role", f"{role.name} does not let SageMaker assume it: trust {_SERVICE} with sts:AssumeRole")
    else:
        yield ok("role", f"{role.name} exists and trusts SageMaker")


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


def check_buckets(plan: Plan, aws: Aws) -> Iterator[Check]:
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
                yield error("buckets", f"there is no bucket {bucket}")
            elif failure.kind == "denied":
                yield error(
                    "buckets", f"{bucket} is another account's, or the credentials may not call s3:ListBucket on it"
                )
            elif failure.code in _MOVED:
                yield error("buckets", f"{bucket} is not in {aws.region}, where the job runs")
            else:
                raise
            continue
        if region != aws.region:
            yield error("buckets", f"{bucket} is in {region}, and the job runs in {aws.region}")
        else:
            yield ok("buckets", f"{bucket} is there, in {region}")
