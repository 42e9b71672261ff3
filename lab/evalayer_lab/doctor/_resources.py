"""What is wrong with a template itself: defaults that do not fit, and a role that allows too much."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from evalayer_lab.doctor._intrinsics import Intrinsic, mapping, sequence
from evalayer_lab.doctor._powertools import check_powertools, check_region, is_powertools
from evalayer_lab.doctor._report import listed, not_checked
from evalayer_lab.doctor._template import Resource, Template
from evalayer_lab.function import Target
from evalayer_lab.inputs import Arn, Finding, Place

# Actions that IAM cannot limit to a resource.
_NO_RESOURCE: Final = re.compile(
    r"xray:(Put|Get)[A-Za-z]+|cloudwatch:PutMetricData|ec2:(Create|Delete|Describe)NetworkInterfaces?"
    r"|ec2:(Unassign|Assign)PrivateIpAddresses"
)
_BROAD: Final = re.compile(r"(?:.*/)?(?:AdministratorAccess|PowerUserAccess|IAMFullAccess)\Z")
_FULL: Final = re.compile(r"(?:.*/)?\w*FullAccess\Z")
_MAX_LAYERS: Final = 5
_DEFAULT_TIMEOUT: Final = 3
_SAGEMAKER: Final = re.compile(r"SageMaker|sagemaker|Sagemaker")


def check_role(function: Resource, template: Template) -> Iterator[Finding]:
    """Find wildcards in the policies of a function's role, written on the function or on a role of the template."""
    own = function.properties.get("Policies")
    for policy in [own] if isinstance(own, Mapping) else sequence(own):
        yield from _policy(policy, function.place("Policies"))
    given = function.properties.get("Role")
    if given is None:
        return
    role = template.resources.get(_find_logical_id(given) or "")
    if role is None:
        yield not_checked(f"the role of {function.name}", "its policies cannot be known from the template")
        return
    for managed in sequence(role.properties.get("ManagedPolicyArns")):
        yield from _policy(managed, role.place("ManagedPolicyArns"))
    for inline in sequence(role.properties.get("Policies")):
        yield from _policy(mapping(inline).get("PolicyDocument"), role.place("Policies"))


def _find_logical_id(given: object) -> str | None:
    if isinstance(given, Intrinsic) and given.name == "GetAtt":
        first = next(iter(sequence(given.argument)), None)
        return first.partition(".")[0] if isinstance(first, str) else None
    found = re.fullmatch(r"\$\{(\w+)\.Arn\}", given) if isinstance(given, str) else None
    return found[1] if found else None


def _policy(policy: object, place: Place) -> Iterator[Finding]:
    if isinstance(policy, str):
        if _BROAD.match(policy) or _FULL.match(policy):
            reason = f"{policy} allows far more than writing logs and metrics"
            fix = "list the actions and the resources that the task needs"
            yield Finding("iam-wildcard", "error" if _BROAD.match(policy) else "warning", place, reason, fix)
        return
    statements = mapping(policy).get("Statement", [])
    for statement in [statements] if isinstance(statements, Mapping) else sequence(statements):
        yield from _statement(mapping(statement), place)


def _statement(statement: Mapping[str, Any], place: Place) -> Iterator[Finding]:
    if statement.get("Effect") != "Allow":
        return
    actions = [action for action in sequence(statement.get("Action")) if isinstance(action, str)]
    everywhere = any(_is_everything(one) for one in sequence(statement.get("Resource")))
    if "NotAction" in statement or "NotResource" in statement or "*" in actions:
        reason = "allows every action" if "*" in actions else "allows all but what it names (NotAction, NotResource)"
        yield Finding("iam-wildcard", "error", place, reason, "list the actions and the resources that the task needs")
        return
    for action in actions:
        if re.fullmatch(r"[\w-]+:\*", action):
            reason, fix = f"allows {action}", f"list the actions of {action[:-2]} that the task needs"
        elif everywhere and not _NO_RESOURCE.fullmatch(action):
            reason, fix = f"allows {action} on every resource", "name the resources, or a prefix of them"
        else:
            continue
        yield Finding("iam-wildcard", "warning", place, reason, fix)


def _is_everything(resource: object) -> bool:
    if not isinstance(resource, str):
        return False
    arn = Arn.parse(resource)
    return resource == "*" or (arn is not None and set("".join(arn.resource)) == {"*"})


def check_function(function: Resource, target: Target, template: Template) -> Iterator[Finding]:
    """Check one function of a template, without what is built."""
    yield from _architectures(function)
    yield from _timeout(function)
    yield from _name(function)
    layers, place = sequence(function.properties.get("Layers")), function.place("Layers")
    if len(layers) > _MAX_LAYERS:
        reason = f"has {len(layers)} layers; Lambda accepts at most {_MAX_LAYERS}"
        yield Finding("too-many-layers", "error", place, reason, "merge some of them into one")
    for layer in layers:
        if isinstance(layer, str) and layer.startswith("arn:"):
            yield from check_region(layer, place, target)
            if is_powertools(layer):
                yield from check_powertools(layer, place, target)
        elif not isinstance(layer, Intrinsic) or layer.argument not in list(template.layers):
            name = layer.argument if isinstance(layer, Intrinsic) else layer
            yield not_checked(f"the layer {name} of {function.name}", "its ARN cannot be known from the template")
    yield from check_role(function, template)


def check_layer(layer: Resource, targets: list[Target]) -> Iterator[Finding]:
    """Check what a layer is built for and declared for, against the functions that use it."""
    for target in targets:
        yield from _build_architecture(layer, target)
        for field, wanted in (
            ("CompatibleArchitectures", target.architecture),
            ("CompatibleRuntimes", target.runtime.name),
        ):
            yield from _compatible(layer, field, wanted, target)


def _architectures(function: Resource) -> Iterator[Finding]:
    if not sequence(function.properties.get("Architectures")):
        reason = "has no Architectures, so Lambda runs it on x86_64"
        fix = "write `Architectures: [arm64]`, or [x86_64] to say that this is intended"
        yield Finding("architectures", "warning", function.place(), reason, fix)


def _timeout(function: Resource) -> Iterator[Finding]:
    timeout: Any = function.properties.get("Timeout")
    try:
        seconds = _DEFAULT_TIMEOUT if timeout is None else float(timeout)
    except (TypeError, ValueError, OverflowError):
        return
    if seconds <= _DEFAULT_TIMEOUT:
        given = "is missing, so that Lambda stops it after 3 seconds" if timeout is None else f"is {timeout} seconds"
        reason = f"{given}, which a cold start or one slow row can exceed"
        fix = "write `Timeout: 30`; only the time that is used is billed"
        yield Finding("short-timeout", "warning", function.place("Timeout"), reason, fix)


def _name(function: Resource) -> Iterator[Finding]:
    name = function.text("FunctionName")
    if name is not None and not _SAGEMAKER.search(name) and "${" in name:
        yield not_checked(f"the name of {function.name}", f"{name} cannot be known from the template")
    elif name is None and "FunctionName" in function.properties:
        yield not_checked(f"the name of {function.name}", "it cannot be known from the template")
    elif name is None or not _SAGEMAKER.search(name):
        reason = (
            f"{'is missing' if name is None else f'is {name}'}; the usual execution role of an evaluation job may "
            "only invoke functions with SageMaker in their name, and HyperPod refuses any others"
        )
        fix = "write a FunctionName that contains SageMaker, or allow the job's role lambda:InvokeFunction on it"
        yield Finding("function-name", "warning", function.place("FunctionName"), reason, fix)


def _build_architecture(layer: Resource, target: Target) -> Iterator[Finding]:
    if "BuildMethod" not in layer.metadata:
        return
    declared = layer.metadata.get("BuildArchitecture")
    built_for = "x86_64" if declared is None else declared
    if not isinstance(built_for, str) or "${" in built_for or built_for == target.architecture:
        return
    unsaid = "has no Metadata.BuildArchitecture, so `sam build` builds it for x86_64"
    how = f"is built for {declared}" if declared else unsaid
    reason = f"{how}, but {target.name} runs on {target.architecture}"
    fix = f"write `BuildArchitecture: {target.architecture}` under its Metadata"
    yield Finding("build-architecture", "error", layer.place(), reason, fix)


def _compatible(layer: Resource, field: str, wanted: str, target: Target) -> Iterator[Finding]:
    code = "compatible-architectures" if field == "CompatibleArchitectures" else "compatible-runtimes"
    declared = sequence(layer.properties.get(field))
    if not declared:
        reason = f"has no {field}, so whoever reuses the layer is not told what it supports"
        yield Finding(code, "warning", layer.place(), reason, f"write `{field}: [{wanted}]`")
    elif wanted not in declared and not any(isinstance(one, Intrinsic) for one in declared):
        reason = f"does not list {wanted}, which {target.name} runs, but {listed([str(one) for one in declared])}"
        fix = f"add {wanted} if the layer was built for it; otherwise build it for {wanted}"
        yield Finding(code, "error", layer.place(field), reason, fix)
