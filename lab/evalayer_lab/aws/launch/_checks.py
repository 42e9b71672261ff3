"""Everything that AWS is asked before a launch, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from evalayer_lab.aws._errors import AwsError
from evalayer_lab.aws._session import Aws
from evalayer_lab.aws.launch._create import find_job
from evalayer_lab.aws.launch._findings import Code, Said, finding
from evalayer_lab.aws.launch._function import (
    Concurrency,
    check_buckets,
    check_concurrency,
    check_function,
    check_role,
    read_concurrency,
    read_function,
)
from evalayer_lab.aws.launch._invoke import check_invoke
from evalayer_lab.aws.launch._plan import Plan
from evalayer_lab.inputs import Finding
from evalayer_lab.recipe import Recipe

READS: Final = (
    "sagemaker:DescribeTrainingJob",
    "sagemaker:ListTags",
    "sts:GetCallerIdentity",
    "iam:GetRole",
    "s3:ListBucket",
    "lambda:GetFunctionConfiguration",
    "lambda:GetFunctionConcurrency",
    "lambda:GetAccountSettings",
)


@dataclass
class Examination:
    """What AWS has, as far as it matters to a launch.

    Attributes:
        findings: what was found, or why it was not looked at.
        concurrency: how many events can be answered at once; None if there is no function, or it is not known.
    """

    findings: list[Finding] = field(default_factory=list)
    concurrency: Concurrency | None = None


def examine(plan: Plan, aws: Aws, *, invoke: bool, reads_only: bool) -> Examination:
    """Check the job's name, role, buckets and function.

    What the credentials may not read is skipped, for a launch does not take it.

    Args:
        plan: the job.
        aws: its region.
        invoke: whether the function is sent the first row.
        reads_only: nothing runs, not even the function, and a check that AWS cannot be asked for is skipped.

    Raises:
        InputError: there is a job of that name that was launched with something else.
        AwsError: AWS cannot be asked.
    """
    examination = Examination()
    reason = ""
    if reads_only and not aws.has_credentials:
        reason = "there are no AWS credentials"
    for code, check in _checks(plan, aws, examination, invoke=invoke, reads_only=reads_only):
        if reason:
            examination.findings.append(finding(code, "skipped", reason))
            continue
        try:
            examination.findings.extend(finding(code, *said) for said in check())
        except AwsError as failure:
            if reads_only and (failure.is_passing or failure.kind == "credentials"):
                reason = str(failure)
            elif failure.kind != "denied":
                raise
            examination.findings.append(finding(code, "skipped", str(failure)))
    return examination


def _checks(
    plan: Plan, aws: Aws, examination: Examination, *, invoke: bool, reads_only: bool
) -> Iterator[tuple[Code, Callable[[], Iterator[Said]]]]:
    yield "job", lambda: _job(plan, aws)
    yield "role", lambda: check_role(plan, aws)
    yield "buckets", lambda: check_buckets(plan, aws)
    function, recipe, dataset = plan.recipe.function, plan.recipe.recipe, plan.dataset
    if function is None or recipe is None:
        return
    timeout: list[int] = []

    def configuration() -> Iterator[Said]:
        found = read_function(aws, function)
        if found is None:
            reason = f"there is no function {function.name} in {function.region}; deploy it, or give --function"
            yield "error", reason
            return
        timeout.append(found.get("Timeout", 3))
        yield from check_function(function, recipe, found, aws.region)

    def concurrency() -> Iterator[Said]:
        if timeout:
            examination.concurrency = read_concurrency(aws, function)
            yield check_concurrency(function, examination.concurrency)

    def trial() -> Iterator[Said]:
        if not invoke or reads_only:
            yield "skipped", "a dry run does not call the function" if reads_only else "--no-invoke"
        elif timeout and dataset:
            yield from check_invoke(aws, function, recipe, dataset, timeout[0])

    yield "function", configuration
    yield "concurrency", concurrency
    yield "invoke", trial


def _job(plan: Plan, aws: Aws) -> Iterator[Said]:
    found = find_job(plan, aws)
    if found is None:
        yield "ok", f"there is no job {plan.job} yet"
    else:
        yield "ok", f"{plan.job} was launched already, and is {found.status}"


@dataclass(frozen=True, slots=True)
class Costs:
    """What a job will take.

    Attributes:
        instance_type: of its instances.
        instances: how many it has, which is also the number of replicas that share the rows.
        max_hours: after which AWS stops it.
        rows: of its dataset; None for a benchmark.
        invocations: of the function, one for each event: at most two a row; None if it calls none, or if an event has
            more rows than one.
        reserved_concurrency: events at once that are set aside for the function; None if none are, or not known.
        account_concurrency: the account's limit in the region; None if not known.
        largest_event_bytes: of the largest event, without the model's answer; None if it sends none.
    """

    instance_type: str
    instances: int
    max_hours: float
    rows: int | None
    invocations: int | None
    reserved_concurrency: int | None
    account_concurrency: int | None
    largest_event_bytes: int | None


def costs(plan: Plan, concurrency: Concurrency | None) -> Costs:
    """Collect what a job will take."""
    resources = plan.request["ResourceConfig"]
    rows = plan.dataset.rows if plan.dataset else None
    return Costs(
        instance_type=resources["InstanceType"],
        instances=resources["InstanceCount"],
        max_hours=plan.settings.max_hours,
        rows=rows,
        invocations=None if rows is None else _invocations(plan, rows),
        reserved_concurrency=concurrency.reserved if concurrency else None,
        account_concurrency=concurrency.account if concurrency else None,
        largest_event_bytes=plan.dataset.largest_event if plan.dataset and plan.recipe.function else None,
    )


def _invocations(plan: Plan, rows: int) -> int | None:
    recipe = plan.recipe.recipe
    if not isinstance(recipe, Recipe) or plan.recipe.function is None:
        return None
    if recipe.processor.lambda_type == "rft":
        return None
    return rows * (recipe.processor.preprocessing.enabled + recipe.processor.postprocessing.enabled)
