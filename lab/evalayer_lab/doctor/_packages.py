"""What is installed against what its dist-info says: entry points that are lost, packages that are missing."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from typing import Final

from packaging.markers import UndefinedEnvironmentName
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from evalayer_lab.doctor._powertools import PROVIDES, brought_by_powertools
from evalayer_lab.doctor._report import listed, package_place
from evalayer_lab.doctor._source import UNREADABLE, has_module, parse
from evalayer_lab.function import RUNTIME_PACKAGES, Artefact, Distribution, PathEntry, Target, marker_environment
from evalayer_lab.inputs import Finding, Place

_GROUP: Final = "evalayer.metrics"
_BUILT_IN: Final = "evalayer_metrics"
_OURS: Final = {"evalayer", _BUILT_IN}
_MAKES_METRICS: Final = {"metric", "Metric", "CorpusMetric"}
_HARMLESS_TOP: Final = {"tests", "test", "docs", "examples"}
_MAX_SOURCE: Final = 1024 * 1024
_KEEP: Final = "keep every *.dist-info folder in the build; they are small, and metrics are found through them"


def check_layout(artefact: Artefact) -> Iterator[Finding]:
    """Check that a layer's packages are in `python/`, which is what Lambda puts on the search path."""
    tops = sorted({name.partition("/")[0] for name in artefact.tree.files})
    if artefact.role == "layer" and tops and not any(name.startswith("python/") for name in artefact.tree.files):
        reason = f"has no folder python/, so nothing in it can be imported; it contains: {listed(tops)}"
        fix = "put the packages into a folder called python, and zip that folder rather than its contents"
        yield Finding("layer-layout", "error", Place(str(artefact.tree.path)), reason, fix)


def check_packages(target: Target) -> Iterator[Finding]:
    """Find lost entry points, dist-infos without their packages, and entry points that lead nowhere."""
    for entry in target.entries:
        yield from _built_in(entry)
        if entry.artefact.role == "layer":
            yield from _plugins_without_dist_info(entry)
        for distribution in entry.distributions:
            yield from _orphan(distribution)
            yield from _dangling(distribution, target)


def _built_in(entry: PathEntry) -> Iterator[Finding]:
    if _BUILT_IN not in entry.packages:
        return
    for distribution in entry.distributions:
        offers = distribution.entry_points.get(_GROUP, {}).values()
        if any(value.startswith(f"{_BUILT_IN}.") for value in offers):
            return
    reason = (
        f"the package is there without its dist-info, which lists its metrics (entry points of the group {_GROUP}), "
        "so a task cannot use a built-in metric such as exact_match by name"
    )
    yield Finding("stripped-dist-info", "error", package_place(entry, _BUILT_IN), reason, _KEEP)


def _plugins_without_dist_info(entry: PathEntry) -> Iterator[Finding]:
    owned = {top for distribution in entry.distributions for top in _tops(distribution)}
    for package in entry.packages.keys() - owned - _OURS:
        files = [name for name in entry.packages[package] if name.endswith(".py")]
        if any(_makes_metrics(entry, name) for name in files):
            reason = (
                "the package defines metrics, but no dist-info beside it lists them (entry points of the group "
                f"{_GROUP}), so a task cannot use them by name"
            )
            yield Finding("stripped-dist-info", "error", package_place(entry, package), reason, _KEEP)


def _tops(distribution: Distribution) -> Iterator[str]:
    yield distribution.name.replace("-", "_")
    for name in distribution.recorded or ():
        yield name.partition("/")[0].partition(".")[0]


def _makes_metrics(entry: PathEntry, name: str) -> bool:
    if b"evalayer" not in entry.read(name, _MAX_SOURCE):
        return False
    try:
        tree = parse(entry, name)
    except UNREADABLE:
        return False
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == "evalayer"
        and any(name.name in _MAKES_METRICS for name in node.names)
        for node in ast.walk(tree)
    )


def _orphan(distribution: Distribution) -> Iterator[Finding]:
    recorded = [
        name for name in distribution.recorded or () if name.endswith((".py", ".so", ".pyd")) and ".." not in name
    ]
    if recorded and not any(name in distribution.entry.files for name in recorded):
        reason = f"its dist-info is there, but none of the {len(recorded)} modules that it lists, such as {recorded[0]}"
        fix = "reinstall it, or remove its dist-info as well"
        yield Finding("orphan-dist-info", "error", package_place(distribution.entry, distribution), reason, fix)


def _dangling(distribution: Distribution, target: Target) -> Iterator[Finding]:
    for name, value in distribution.entry_points.get(_GROUP, {}).items():
        module = value.partition(":")[0].strip()
        if module and not has_module(target, module):
            reason = f"offers the metric {name} from the module {module}, which is missing"
            fix = "reinstall it with all of its modules"
            yield Finding("entry-point-target", "error", package_place(distribution.entry, distribution), reason, fix)


def check_conflicts(target: Target) -> Iterator[Finding]:
    """Find requirements that what is present does not meet, and packages of which there are several."""
    yield from _unmet(target)
    yield from _twice(target)
    yield from _over_powertools(target)
    yield from _over_runtime(target)


def applies(requirement: Requirement, environment: Mapping[str, str]) -> bool:
    """Whether a requirement holds in an environment, without any extra."""
    try:
        return requirement.marker is None or requirement.marker.evaluate(dict(environment))
    except (UndefinedEnvironmentName, ValueError):
        return False


def _effective(target: Target) -> dict[str, Distribution]:
    """Return the distributions that are imported, by name: the first on the search path wins."""
    found: dict[str, Distribution] = {}
    for entry in target.entries:
        for distribution in entry.distributions:
            found.setdefault(distribution.name, distribution)
    return found


def _unmet(target: Target) -> Iterator[Finding]:
    present = _effective(target)
    environment = marker_environment(target.runtime, target.architecture)
    for distribution in present.values():
        for requirement in distribution.requirements:
            other = present.get(canonicalize_name(requirement.name))
            if other is None or other.version is None or not applies(requirement, environment):
                continue
            if requirement.specifier.contains(other.version, prereleases=True):
                continue
            is_pinned = any(part.operator in {"==", "==="} for part in requirement.specifier)
            place = package_place(distribution.entry, distribution)
            source = other.entry.artefact.name
            reason = f"requires {other.name}{requirement.specifier}, but {other.version} is imported, from {source}"
            fix = "install both together into one layer, or pin the same versions in every layer and the function"
            yield Finding("version-conflict", "error" if is_pinned else "warning", place, reason, fix)


def _twice(target: Target) -> Iterator[Finding]:
    first: dict[str, PathEntry] = {}
    for entry in target.entries:
        for package in entry.packages:
            if package in _HARMLESS_TOP:
                continue
            winner = first.setdefault(package, entry)
            if winner is entry:
                continue
            shared = winner.packages[package].keys() & entry.packages[package].keys()
            if not shared and winner.is_namespace(package) and entry.is_namespace(package):
                continue
            yield _shadowed(package, winner, entry)


def _shadowed(package: str, winner: PathEntry, loser: PathEntry) -> Finding:
    ours, theirs = _find_version(package, winner), _find_version(package, loser)
    mixed = winner.prefix == loser.prefix and winner.artefact.role == "layer"
    differ = ours != theirs
    if mixed:
        how = "the later layer is unzipped over the earlier one, whose other files stay"
    else:
        how = f"{winner.artefact.name} comes first on the search path"
    versions = f" ({ours} over {theirs})" if differ else ""
    reason = f"is in {winner.artefact.name} and in {loser.artefact.name}{versions}: {how}"
    fix = f"keep {package} in one of them"
    return Finding("shadowed-package", "error" if mixed and differ else "warning", Place(field=package), reason, fix)


def _find_version(package: str, entry: PathEntry) -> str:
    for distribution in entry.distributions:
        names = distribution.recorded or [f"{distribution.name.replace('-', '_')}/"]
        if any(name.startswith((f"{package}/", f"{package}.")) for name in names):
            return str(distribution)
    return "an unknown version"


def _over_powertools(target: Target) -> Iterator[Finding]:
    twice = PROVIDES & brought_by_powertools(target)
    for entry in target.entries:
        for package in sorted(entry.packages.keys() & twice):
            reason = f"is in {entry.artefact.name}, and in the Powertools layer in a version that is not known here"
            fix = f"leave {package} to the Powertools layer, or remove that layer"
            yield Finding("shadowed-package", "warning", Place(field=package), reason, fix)


def _over_runtime(target: Target) -> Iterator[Finding]:
    for entry in target.entries:
        for package in sorted(entry.packages.keys() & RUNTIME_PACKAGES):
            reason = f"replaces the {package} of {target.runtime.name}, but not the packages that belong with it"
            fix = f"leave {package} out of the build, or build in all of boto3, botocore, s3transfer and urllib3"
            yield Finding("shadows-runtime", "warning", package_place(entry, package), reason, fix)
        for package in sorted(entry.packages.keys() & sys.stdlib_module_names):
            reason = (
                "has the same name as a module of the standard library and replaces it everywhere, because the "
                "function and its layers come first on the search path"
            )
            fix = "rename it, or remove the backport"
            yield Finding("shadows-stdlib", "warning", package_place(entry, package), reason, fix)
