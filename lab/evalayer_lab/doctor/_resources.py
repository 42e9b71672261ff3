"""A template's own faults: what it leaves to defaults that do not fit, and what it allows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from evalayer_lab.doctor._powertools import check_powertools, check_region, is_powertools
from evalayer_lab.doctor._report import Finding, Results, Skipped, error, listed, warning
from evalayer_lab.doctor._template import Resource, Template, mapping, sequence
from evalayer_lab.doctor._yaml import Intrinsic
from evalayer_lab.function import Target
from evalayer_lab.inputs import Arn

# Actions that IAM cannot limit to a resource.
_NO_RESOURCE: Final = re.compile(
    r"xray:(Put|Get)[A-Za-z]+|cloudwatch:PutMetricData|ec2:(Create|Delete|Describe)NetworkInterfaces?"
    r"|ec2:(Unassign|Assign)PrivateIpAddresses"
)
_BROAD: Final = re.compile(r"(?:.*/)?(?:AdministratorAccess|PowerUserAccess|IAMFullAccess)\Z")
_FULL: Final = re.compile(r"(?:.*/)?\w*FullAccess\Z")


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
    arn = Arn.parse(resource)
    return resource == "*" or (arn is not None and set("".join(arn.resource)) == {"*"})


_MAX_LAYERS: Final = 5
_DEFAULT_TIMEOUT: Final = 3
_SAGEMAKER: Final = re.compile(r"SageMaker|sagemaker|Sagemaker")


def check_function(function: Resource, target: Target, template: Template) -> Results:
    """Check one function of a template, without what is built."""
    yield from _architectures(function)
    yield from _timeout(function)
    yield from _name(function)
    layers = sequence(function.properties.get("Layers"))
    if len(layers) > _MAX_LAYERS:
        yield error(
            "too-many-layers",
            function.subject("Layers"),
            f"has {len(layers)} layers; Lambda accepts {_MAX_LAYERS}",
            "merge some of them into one",
        )
    for layer in layers:
        if isinstance(layer, str) and layer.startswith("arn:"):
            yield from check_region(layer, function.subject("Layers"), target)
            if is_powertools(layer):
                yield from check_powertools(layer, function.subject("Layers"), target)
        elif not isinstance(layer, Intrinsic) or layer.argument not in list(template.layers):
            name = layer.argument if isinstance(layer, Intrinsic) else layer
            yield Skipped(f"the layer {name} of {function.name}", "its ARN cannot be known from the template")
    yield from check_role(function, template)


def check_layer(layer: Resource, targets: list[Target]) -> Results:
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
        yield warning(
            "architectures",
            function.subject(),
            "has no Architectures; Lambda then runs it on x86_64",
            "write `Architectures: [arm64]` (or x86_64) so that it is a decision",
        )


def _timeout(function: Resource) -> Iterator[Finding]:
    timeout: Any = function.properties.get("Timeout")
    try:
        seconds = _DEFAULT_TIMEOUT if timeout is None else float(timeout)
    except (TypeError, ValueError, OverflowError):
        return
    if seconds <= _DEFAULT_TIMEOUT:
        how = "has no Timeout; Lambda then gives it 3 seconds" if timeout is None else f"has {timeout} seconds"
        yield warning(
            "short-timeout",
            function.subject("Timeout"),
            f"{how}, which a cold start and one slow row can exceed",
            "write `Timeout: 30`; only the time that is used is billed",
        )


def _name(function: Resource) -> Results:
    name = function.text("FunctionName")
    if name is not None and not _SAGEMAKER.search(name) and "${" in name:
        yield Skipped(f"the name of {function.name}", f"{name} cannot be known from the template")
    elif name is None and "FunctionName" in function.properties:
        yield Skipped(f"the name of {function.name}", "it cannot be known from the template")
    elif name is None or not _SAGEMAKER.search(name):
        called = "has no FunctionName" if name is None else f"is called {name}"
        yield warning(
            "function-name",
            function.subject("FunctionName"),
            f"{called}: the usual execution role of an evaluation job may only invoke functions with SageMaker in "
            "the name, and HyperPod refuses any other",
            "give it a FunctionName with SageMaker in it, or allow lambda:InvokeFunction on it to the job's role",
        )


def _build_architecture(layer: Resource, target: Target) -> Iterator[Finding]:
    if "BuildMethod" not in layer.metadata:
        return
    built_for = layer.metadata.get("BuildArchitecture")
    if built_for is None and target.architecture != "x86_64":
        yield error(
            "build-architecture",
            layer.subject(),
            f"has no Metadata.BuildArchitecture: `sam build` builds it for x86_64, and {target.name} runs on "
            f"{target.architecture}",
            f"write `BuildArchitecture: {target.architecture}` under its Metadata",
        )
    elif isinstance(built_for, str) and "${" not in built_for and built_for != target.architecture:
        yield error(
            "build-architecture",
            layer.subject(),
            f"is built for {built_for}, and {target.name} runs on {target.architecture}; `sam build` only warns",
            f"write `BuildArchitecture: {target.architecture}` under its Metadata",
        )


def _compatible(layer: Resource, field: str, wanted: str, target: Target) -> Iterator[Finding]:
    code = "compatible-architectures" if field == "CompatibleArchitectures" else "compatible-runtimes"
    declared = sequence(layer.properties.get(field))
    if not declared:
        yield warning(
            code,
            layer.subject(),
            f"has no {field}; nobody who reuses the layer is told what it is for",
            f"write `{field}: [{wanted}]`",
        )
    elif wanted not in declared and not any(isinstance(one, Intrinsic) for one in declared):
        yield error(
            code,
            layer.subject(field),
            f"is declared for {listed([str(one) for one in declared])}, and {target.name} runs {wanted}",
            f"add {wanted} to its {field} if it was built for that, else build it so",
        )
