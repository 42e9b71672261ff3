"""The whole examination: what there is, and every check on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Literal

from evalayer_lab.doctor._build import check_binaries, check_unzipped, check_wheels, check_zipped
from evalayer_lab.doctor._handler import check_handler
from evalayer_lab.doctor._imports import Imported, import_handler
from evalayer_lab.doctor._packages import check_conflicts, check_layout, check_packages
from evalayer_lab.doctor._recipe import Candidate, check_recipe, recipe_region
from evalayer_lab.doctor._report import Finding, Report, Skipped
from evalayer_lab.doctor._resources import check_function, check_layer
from evalayer_lab.doctor._template import Resource, Template, mapping, read_template, sequence
from evalayer_lab.doctor._yaml import Intrinsic
from evalayer_lab.function import (
    ARCHITECTURES,
    Architecture,
    Artefact,
    Runtime,
    Target,
    open_tree,
    parse_runtime,
    read_architecture,
    read_runtime,
)
from evalayer_lab.inputs import InputError
from evalayer_lab.recipe import read_recipe

DEFAULT_RUNTIME: Final = Runtime(13)
DEFAULT_ARCHITECTURE: Final[Architecture] = "arm64"
_CHECKS: Final = (check_binaries, check_wheels, check_conflicts, check_packages, check_unzipped, check_handler)
_NOT_TRIED: Final = Imported(())


def examine(
    template: Path | None = None,
    layers: Sequence[Path] = (),
    function: Path | None = None,
    recipe: Path | None = None,
    runtime: str | None = None,
    architecture: str | None = None,
) -> Report:
    """Examine a template and what is built for it.

    Args:
        template: the template; `.aws-sam/build` beside it is where what is not given is looked for.
        layers: layers, folders or zips, in merge order, in place of those that the template's functions list.
        function: the code of the function, a folder or a zip, in place of what is built.
        recipe: a recipe to compare with the template and the task.
        runtime: in place of the template's; `python3.13` if neither is given.
        architecture: in place of the template's; `arm64` if neither is given.

    Raises:
        InputError: something of it cannot be read, or there is nothing to examine.
    """
    if template is None and not layers and function is None:
        raise InputError("there is nothing to examine; run this beside a template.yaml, or give --template or --layer")
    given = None if runtime is None else read_runtime(runtime)
    machine = None if architecture is None else read_architecture(architecture)
    read = None if recipe is None else read_recipe(recipe)[0]
    region = None if read is None else recipe_region(read)
    parsed = None if template is None else read_template(template, region)
    with ExitStack() as stack:
        builder = _Builder(stack, template, layers, function)
        results: list[Finding | Skipped] = []
        if parsed is not None and not parsed.functions and not parsed.left_out:
            results.append(Skipped(str(template), "it has no function"))
        candidates = []
        targets: list[tuple[Target, Resource | None]] = []
        for resource in parsed.functions if parsed else [None]:
            name = "the function" if resource is None else resource.name
            runs = given or (None if resource is None else parse_runtime(resource.properties.get("Runtime")))
            on = machine or (None if resource is None else _architecture_of(resource))
            if resource is not None and (runs is None or on is None):
                results.append(Skipped(name, _why_not(resource, on)))
                continue
            code = builder.code(resource)
            chosen, unseen = builder.layers(resource, parsed)
            target = Target(
                name=name,
                runtime=runs or DEFAULT_RUNTIME,
                architecture=on or DEFAULT_ARCHITECTURE,
                function=code,
                layers=chosen,
                unseen=unseen,
                handler=None if resource is None else resource.text("Handler"),
                environment=_variables(resource),
                region=parsed.region if parsed else region,
            )
            targets.append((target, resource))
        results += [*builder.skipped, *_of_template(parsed, targets)]
        for artefact in builder.opened:
            results += [*check_layout(artefact), *check_zipped(artefact)]
        for target, resource in targets:
            found = [result for check in _CHECKS for result in check(target)]
            imported = _imported(target, found)
            results += [*found, *imported.results]
            candidates.append(Candidate(resource, target.name, imported))
        if read is not None and recipe is not None:
            results += check_recipe(recipe, read, candidates)
        examined = [*([str(template)] if template else []), *(str(one.tree.path) for one in builder.opened)]
    return _report(examined, results)


class _Builder:
    """Finds and opens what is built for a template, each folder once."""

    def __init__(self, stack: ExitStack, template: Path | None, layers: Sequence[Path], function: Path | None) -> None:
        self._stack = stack
        self._build = None if template is None else template.parent / ".aws-sam" / "build"
        self._locations = _locations(self._build)
        self._artefacts: dict[tuple[Path, str], Artefact] = {}
        self._layers = [self._open(path, "layer", path.resolve().name) for path in layers]
        self._function = None if function is None else self._open(function, "function", function.resolve().name)
        self.skipped: list[Skipped] = []

    @property
    def opened(self) -> Sequence[Artefact]:
        """Everything that was opened."""
        return list(self._artefacts.values())

    def code(self, function: Resource | None) -> Artefact | None:
        """Open the code of a function."""
        if self._function is not None or function is None:
            return self._function
        return self._built(function.name, "function")

    def layers(self, function: Resource | None, template: Template | None) -> tuple[list[Artefact], list[str]]:
        """Open the layers of a function, in merge order; and name those that cannot be."""
        names = [] if function is None else sequence(function.properties.get("Layers"))
        local = [one.argument for one in names if isinstance(one, Intrinsic) and isinstance(one.argument, str)]
        unseen = [one for one in names if isinstance(one, str)]
        unseen += [
            f"what !{one.name} gives"
            for one in names
            if isinstance(one, Intrinsic) and not isinstance(one.argument, str)
        ]
        if self._layers:
            return self._layers, unseen
        found = []
        for name in local:
            layer = self._built(name, "layer") if template and name in template.layers else None
            if layer is None:
                unseen.append(name)
            else:
                found.append(layer)
        return found, unseen

    def _built(self, name: str, role: Literal["layer", "function"]) -> Artefact | None:
        for path in (self._locations.get(name), self._build / name if self._build else None):
            if path is not None and path.exists():
                return self._open(path, role, name)
        skipped = Skipped(f"the {role} {name}", "it is not built; run `sam build`, or say where it is")
        if skipped not in self.skipped:
            self.skipped.append(skipped)
        return None

    def _open(self, path: Path, role: Literal["layer", "function"], name: str) -> Artefact:
        key = (path.resolve(), role)
        if key not in self._artefacts:
            self._artefacts[key] = Artefact(name, role, self._stack.enter_context(open_tree(path)))
        return self._artefacts[key]


def _locations(build: Path | None) -> Mapping[str, Path]:
    """Read where `sam build` put what: functions with the same code share one folder."""
    if build is None or not (build / "template.yaml").is_file():
        return {}
    resources = read_template(build / "template.yaml").resources
    given = {name: resource.text("CodeUri") or resource.text("ContentUri") for name, resource in resources.items()}
    return {name: build / place for name, place in given.items() if place and (build / place).exists()}


def _why_not(function: Resource, architecture: Architecture | None) -> str:
    runtime = function.properties.get("Runtime")
    if function.properties.get("PackageType") == "Image":
        return "it is a container image, which the doctor does not read"
    if isinstance(runtime, str) and "${" not in runtime and parse_runtime(runtime) is None:
        return f"its runtime is {runtime}, not Python"
    name, option = ("Architectures", "--architecture") if architecture is None else ("Runtime", "--runtime")
    return f"its {name} cannot be known from the template; give {option}"


def _architecture_of(function: Resource) -> Architecture | None:
    """Return the architecture of a function, x86_64 if it has none; None if that cannot be known."""
    declared = sequence(function.properties.get("Architectures")) or ["x86_64"]
    return next((known for known in ARCHITECTURES if declared[0] == known), None)


def _variables(function: Resource | None) -> Mapping[str, str]:
    properties = {} if function is None else function.properties
    variables = mapping(mapping(properties.get("Environment")).get("Variables"))
    return {
        name: str(value)
        for name, value in variables.items()
        if isinstance(value, str | int | float) and "${" not in str(value)
    }


def _of_template(template: Template | None, targets: Sequence[tuple[Target, Resource | None]]) -> Iterator[Any]:
    if template is None:
        return
    for name in template.left_out:
        yield Skipped(name, "its condition does not hold with the parameters as they are; it will not be deployed")
    users: dict[str, list[Target]] = {}
    for target, resource in targets:
        if resource is None:
            continue
        yield from check_function(resource, target, template)
        for layer in sequence(resource.properties.get("Layers")):
            if isinstance(layer, Intrinsic) and isinstance(layer.argument, str):
                users.setdefault(layer.argument, []).append(target)
    for name, layer in template.layers.items():
        yield from check_layer(layer, users.get(name, []))


def _imported(target: Target, found: Sequence[Finding | Skipped]) -> Imported:
    """Import the handler, unless something found already says that this cannot work."""
    if target.function is None or target.handler is None:
        return _NOT_TRIED
    if any(isinstance(one, Finding) and one.code.startswith("handler-") for one in found):
        return _NOT_TRIED
    return import_handler(target)


def _report(examined: Sequence[str], results: Sequence[Finding | Skipped]) -> Report:
    unique = dict.fromkeys(results)  # functions that share layers share their faults
    findings = [result for result in unique if isinstance(result, Finding)]
    return Report(
        examined=tuple(examined),
        findings=tuple(sorted(findings, key=lambda finding: (finding.severity, finding.code))),
        skipped=tuple(result for result in unique if isinstance(result, Skipped)),
    )
