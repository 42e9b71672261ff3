"""The function's role: what it allows beyond its work."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from evalayer_lab.aws.doctor._arn import split_arn
from evalayer_lab.aws.doctor._report import Finding, Results, Skipped, error, warning
from evalayer_lab.aws.doctor._template import Resource, Template, mapping, sequence
from evalayer_lab.aws.doctor._yaml import Intrinsic

# Actions that IAM cannot limit to a resource.
_NO_RESOURCE: Final = re.compile(
    r"xray:(Put|Get)[A-Za-z]+|cloudwatch:PutMetricData|ec2:(Create|Delete|Describe)NetworkInterfaces?"
    r"|ec2:(Unassign|Assign)PrivateIpAddresses"
)
_BROAD: Final = re.compile(r"(?:.*/)?(?:AdministratorAccess|PowerUserAccess|IAMFullAccess)\Z")
_FULL: Final = re.compile(r"(?:.*/)?\w*FullAccess\Z")
_ARN_PARTS: Final = 6


def check_role(function: Resource, template: Template) -> Results:
    """Find wildcards in the policies of a function's role, written on the function or on a role of the template."""
    for policy in sequence(function.properties.get("Policies")):
        yield from _policy(policy, function.subject("Policies"))
    if isinstance(function.properties.get("Policies"), Mapping):
        yield from _policy(function.properties["Policies"], function.subject("Policies"))
    given = function.properties.get("Role")
    if given is None:
        return
    name = _logical_id(given)
    role = template.resources.get(name) if name else None
    if role is None:
        yield Skipped(f"the role of {function.name}", "its policies cannot be known from the template")
        return
    for managed in sequence(role.properties.get("ManagedPolicyArns")):
        yield from _policy(managed, role.subject("ManagedPolicyArns"))
    for inline in sequence(role.properties.get("Policies")):
        yield from _policy(mapping(inline).get("PolicyDocument"), role.subject("Policies"))


def _logical_id(given: object) -> str | None:
    if isinstance(given, Intrinsic) and given.name == "GetAtt":
        first = next(iter(sequence(given.argument)), None)
        return first.partition(".")[0] if isinstance(first, str) else None
    found = re.fullmatch(r"\$\{(\w+)\.Arn\}", given) if isinstance(given, str) else None
    return found[1] if found else None


def _policy(policy: object, subject: str) -> Iterator[Finding]:
    if isinstance(policy, str):
        if _BROAD.match(policy) or _FULL.match(policy):
            yield (error if _BROAD.match(policy) else warning)(
                "iam-wildcard",
                subject,
                f"{policy} allows far more than to write logs and metrics",
                "list the actions and the resources that the task needs",
            )
        return
    statements = mapping(policy).get("Statement", [])
    for statement in [statements] if isinstance(statements, Mapping) else sequence(statements):
        yield from _statement(mapping(statement), subject)


def _statement(statement: Mapping[str, Any], subject: str) -> Iterator[Finding]:
    if statement.get("Effect") != "Allow":
        return
    actions = [action for action in sequence(statement.get("Action")) if isinstance(action, str)]
    everywhere = any(_is_everything(one) for one in sequence(statement.get("Resource")))
    if "NotAction" in statement or "NotResource" in statement or "*" in actions:
        yield error(
            "iam-wildcard",
            subject,
            "allows every action" if "*" in actions else "allows all but what it names (NotAction, NotResource)",
            "list the actions and the resources that the task needs",
        )
        return
    for action in actions:
        if re.fullmatch(r"[\w-]+:\*", action):
            yield warning(
                "iam-wildcard", subject, f"allows {action}", f"list the actions of {action[:-2]} that the task needs"
            )
        elif everywhere and not _NO_RESOURCE.fullmatch(action):
            yield warning(
                "iam-wildcard", subject, f"allows {action} on every resource", "name the resources, or a prefix of them"
            )


def _is_everything(resource: object) -> bool:
    if not isinstance(resource, str):
        return False
    parts = split_arn(resource)
    rest = "".join(parts[_ARN_PARTS - 1 :])
    return resource == "*" or (rest != "" and set(rest) == {"*"})
