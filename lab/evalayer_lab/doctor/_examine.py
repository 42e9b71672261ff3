"""The whole examination: what there is, and every check on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Literal

from evalayer_lab.doctor._build import check_binaries, check_unzipped, check_wheels, check_zipped
from evalayer_lab.doctor._handler import check_handler
from evalayer_lab.doctor._imports import Imported, import_handler
from evalayer_lab.doctor._intrinsics import Intrinsic, sequence
from evalayer_lab.doctor._packages import check_conflicts, check_layout, check_packages
from evalayer_lab.doctor._recipe import Candidate, check_recipe, recipe_region
from evalayer_lab.doctor._report import Examination, not_checked
from evalayer_lab.doctor._resources import check_function, check_layer
from evalayer_lab.doctor._template import Resource, Template, read_template
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
from evalayer_lab.inputs import Finding, InputError
from evalayer_lab.recipe import read_recipe

_DEFAULT_RUNTIME: Final = Runtime(13)
_DEFAULT_ARCHITECTURE: Final[Architecture] = "arm64"
_CHECKS: Final = (check_binaries, check_wheels, check_conflicts, check_packages, check_unzipped, check_handler)
_NOT_TRIED: Final = Imported(())
_ORDER: Final = ("error", "warning", "skipped")


def examine(
    template: Path | None = None,
    layers: Sequence[Path] = (),
    function: Path | None = None,
    recipe: Path | None = None,
    runtime: str | None = None,
    architecture: str | None = None,
) -> Examination:
    """Examine a template and what is built for it.

    Args:
        template: the template; layers and code that are not given are looked for in `.aws-sam/build` beside it.
        layers: layers, folders or zips, in merge order, in place of those that the template's functions list.
        function: the code of the function, a folder or a zip, in place of what is built.
        recipe: a recipe to compare with the template and the task.
        runtime: in place of the template's; `python3.13` if neither is given.
        architecture: in place of the template's; `arm64` if neither is given.

    Raises:
        InputError: one of these cannot be read, or there is nothing to examine.
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
        targets: list[tuple[Target, Resource | None]] = []
        for resource in parsed.functions if parsed else [None]:
            target = builder.target(resource, parsed, given, machine, region)
            if target is not None:
                targets.append((target, resource))
        findings = [*builder.skipped, *_check_template(parsed, targets)]
        for artefact in builder.opened:
            findings += [*check_layout(artefact), *check_zipped(artefact)]
        candidates = []
        for target, resource in targets:
            found = [finding for check in _CHECKS for finding in check(target)]
            imported = _try_import(target, found)
            findings += [*found, *imported.findings]
            candidates.append(Candidate(resource, target.name, imported))
        if read is not None and recipe is not None:
            findings += check_recipe(recipe, read, candidates)
        examined = [*([str(template)] if template else []), *(str(one.tree.path) for one in builder.opened)]
    # functions that share layers share their faults
    unique = sorted(dict.fromkeys(findings), key=lambda one: (_ORDER.index(one.severity), one.code))
    return Examination(examined, unique)


class _Builder:
    """Finds and opens what is built for a template, each folder once."""

    def __init__(self, stack: ExitStack, template: Path | None, layers: Sequence[Path], function: Path | None) -> None:
        self._stack = stack
        self._build = None if template is None else template.parent / ".aws-sam" / "build"
        self._locations = _locations(self._build)
        self._artefacts: dict[tuple[Path, str], Artefact] = {}
        self._layers = [self._open(path, "layer", path.resolve().name) for path in layers]
        self._function = None if function is None else self._open(function, "function", function.resolve().name)
        self.skipped: list[Finding] = []

    @property
    def opened(self) -> Sequence[Artefact]:
        """Everything that was opened."""
        return list(self._artefacts.values())

    def target(
        self,
        resource: Resource | None,
        template: Template | None,
        runtime: Runtime | None,
        architecture: Architecture | None,
        region: str | None,
    ) -> Target | None:
        """Put a function together from what is built for it; None if its runtime or processor is not known."""
        if resource is not None:
            runtime = runtime or parse_runtime(resource.properties.get("Runtime"))
            architecture = architecture or _read_architecture(resource)
            if runtime is None or architecture is None:
                self.skipped.append(not_checked(resource.name, _why_not(resource, architecture)))
                return None
        function = self._function
        if function is None and resource is not None:
            function = self._find_built(resource.name, "function")
        layers, unseen = self._find_layers(resource, template)
        return Target(
            name="the function" if resource is None else resource.name,
            runtime=runtime or _DEFAULT_RUNTIME,
            architecture=architecture or _DEFAULT_ARCHITECTURE,
            function=function,
            layers=layers,
            unseen=unseen,
            handler=None if resource is None else resource.text("Handler"),
            environment=_read_variables(resource),
            region=template.region if template else region,
        )

    def _find_layers(self, function: Resource | None, template: Template | None) -> tuple[list[Artefact], list[str]]:
        """Open the layers of a function, in merge order; and name those that cannot be."""
        names = [] if function is None else sequence(function.properties.get("Layers"))
        local = [one.argument for one in names if isinstance(one, Intrinsic) and isinstance(one.argument, str)]
        unseen = [one for one in names if isinstance(one, str)]
        unseen += [
            f"the value of !{one.name}"
            for one in names
            if isinstance(one, Intrinsic) and not isinstance(one.argument, str)
        ]
        if self._layers:
            return self._layers, unseen
        found = []
        for name in local:
            layer = self._find_built(name, "layer") if template and name in template.layers else None
            if layer is None:
                unseen.append(name)
            else:
                found.append(layer)
        return found, unseen

    def _find_built(self, name: str, role: Literal["layer", "function"]) -> Artefact | None:
        for path in (self._locations.get(name), self._build / name if self._build else None):
            if path is not None and path.exists():
                return self._open(path, role, name)
        self.skipped.append(not_checked(f"the {role} {name}", f"it is not built; run `sam build`, or give --{role}"))
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


def _read_architecture(function: Resource) -> Architecture | None:
    """Return the architecture of a function, x86_64 if it has none; None if that cannot be known."""
    declared = sequence(function.properties.get("Architectures")) or ["x86_64"]
    return next((known for known in ARCHITECTURES if declared[0] == known), None)


def _read_variables(function: Resource | None) -> Mapping[str, str]:
    return {
        name: str(value)
        for name, value in (function.variables if function else {}).items()
        if isinstance(value, str | int | float) and "${" not in str(value)
    }


def _check_template(template: Template | None, targets: Sequence[tuple[Target, Resource | None]]) -> Iterator[Finding]:
    if template is None:
        return
    if not template.functions and not template.left_out:
        yield not_checked(template.document.path, "it has no function")
    for name in template.left_out:
        yield not_checked(name, "its condition is false with the current parameters, so it is not deployed")
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


def _try_import(target: Target, found: Sequence[Finding]) -> Imported:
    """Import the handler, unless something found already says that this cannot work."""
    is_broken = any(one.code.startswith("handler-") for one in found)
    return _NOT_TRIED if target.function is None or target.handler is None or is_broken else import_handler(target)
