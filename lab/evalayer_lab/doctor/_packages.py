"""What is installed against what its dist-info says: entry points that are lost, packages that are missing."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from typing import Final

from packaging.markers import UndefinedEnvironmentName
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from evalayer_lab.doctor._powertools import PROVIDES, is_powertools
from evalayer_lab.doctor._report import Finding, Results, error, listed, warning
from evalayer_lab.doctor._source import UNREADABLE, parse
from evalayer_lab.function import RUNTIME_PACKAGES, Artefact, Distribution, PathEntry, Target, marker_environment

GROUP: Final = "evalayer.metrics"
_BUILT_IN: Final = "evalayer_metrics"
_OURS: Final = {"evalayer", _BUILT_IN}
_MAKES_METRICS: Final = {"metric", "Metric", "CorpusMetric"}
_MAX_SOURCE: Final = 1024 * 1024
_KEEP: Final = "keep every *.dist-info folder in the build: metrics are found by them, and they take a few kilobytes"


def check_layout(artefact: Artefact) -> Results:
    """A layer's packages are in `python/`, which is what Lambda puts on the search path."""
    if (
        artefact.role == "layer"
        and artefact.tree.files
        and not any(n.startswith("python/") for n in artefact.tree.files)
    ):
        tops = sorted({name.partition("/")[0] for name in artefact.tree.files})
        yield error(
            "layer-layout",
            artefact.name,
            f"has no folder python/; nothing in it can be imported. It has: {listed(tops)}",
            "put the packages into a folder called python, and zip that folder, not what is in it",
        )


def check_packages(target: Target) -> Results:
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
        offers = distribution.entry_points.get(GROUP, {}).values()
        if any(value.startswith(f"{_BUILT_IN}.") for value in offers):
            return
    yield error(
        "stripped-dist-info",
        f"{entry.artefact.name}: {_BUILT_IN}",
        f"the package is there, and no dist-info beside it has entry points of the group {GROUP}: a task cannot name "
        "a built-in metric such as exact_match",
        _KEEP,
    )


def _plugins_without_dist_info(entry: PathEntry) -> Iterator[Finding]:
    owned = {top for distribution in entry.distributions for top in _tops(distribution)}
    for package in entry.packages.keys() - owned - _OURS:
        files = [name for name in entry.packages[package] if name.endswith(".py")]
        if any(_makes_metrics(entry, name) for name in files):
            yield error(
                "stripped-dist-info",
                f"{entry.artefact.name}: {package}",
                f"the package defines metrics, and no dist-info beside it offers them in the group {GROUP}: a task "
                "cannot name them",
                _KEEP,
            )


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
        yield error(
            "orphan-dist-info",
            f"{distribution.entry.artefact.name}: {distribution}",
            f"its dist-info is there, and none of the {len(recorded)} modules that it records, such as {recorded[0]}",
            "install the distribution again, or drop its dist-info too",
        )


def _dangling(distribution: Distribution, target: Target) -> Iterator[Finding]:
    for name, value in distribution.entry_points.get(GROUP, {}).items():
        module = value.partition(":")[0].strip()
        if module and not has_module(target, module):
            yield error(
                "entry-point-target",
                f"{distribution.entry.artefact.name}: {distribution}",
                f"offers the metric {name} from {module}, and there is no such module",
                "install the distribution again, with all of its modules",
            )


def has_module(target: Target, module: str) -> bool:
    """Whether a module is anywhere on the search path."""
    path = module.replace(".", "/")
    return any(
        f"{path}.py" in entry.files
        or f"{path}/__init__.py" in entry.files
        or any(name.startswith(f"{path}.") and name.endswith(".so") for name in entry.files)
        for entry in target.entries
    )


_HARMLESS_TOP: Final = {"tests", "test", "docs", "examples"}


def check_conflicts(target: Target) -> Results:
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
            other = _named(present, requirement)
            if other is None or other.version is None or not applies(requirement, environment):
                continue
            if requirement.specifier.contains(other.version, prereleases=True):
                continue
            pinned = any(part.operator in {"==", "==="} for part in requirement.specifier)
            where = f"{distribution.entry.artefact.name} has {distribution}, {other.entry.artefact.name} has {other}"
            yield (error if pinned else warning)(
                "version-conflict",
                f"{distribution.name} and {other.name}",
                f"{distribution} requires {other.name}{requirement.specifier}, and {other.version} is what is "
                f"imported: {where}",
                "build both into one layer from one resolution, or pin them alike in every layer and the function",
            )


def _named(present: Mapping[str, Distribution], requirement: Requirement) -> Distribution | None:
    return present.get(canonicalize_name(requirement.name))


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
    ours, theirs = _version_of(package, winner), _version_of(package, loser)
    mixed = winner.prefix == loser.prefix and winner.artefact.role == "layer"
    differ = ours != theirs
    if mixed:
        how = "the later layer is unzipped over the earlier one, and files that it lacks stay from the earlier one"
    else:
        how = f"{winner.artefact.name} comes first on the search path"
    versions = f" ({ours} over {theirs})" if differ else ""
    return (error if mixed and differ else warning)(
        "shadowed-package",
        package,
        f"is in {winner.artefact.name} and in {loser.artefact.name}{versions}: {how}",
        f"keep {package} in one of them",
    )


def _version_of(package: str, entry: PathEntry) -> str:
    for distribution in entry.distributions:
        names = distribution.recorded or [f"{distribution.name.replace('-', '_')}/"]
        if any(name.startswith((f"{package}/", f"{package}.")) for name in names):
            return str(distribution)
    return "an unknown version"


def _over_powertools(target: Target) -> Iterator[Finding]:
    arns = [arn for arn in target.unseen if is_powertools(arn)]
    for entry in target.entries if arns else ():
        for package in sorted(entry.packages.keys() & PROVIDES):
            yield warning(
                "shadowed-package",
                package,
                f"is in {entry.artefact.name}, and in the Powertools layer in a version that cannot be seen from here",
                f"leave {package} to the Powertools layer, or drop that layer",
            )


def _over_runtime(target: Target) -> Iterator[Finding]:
    for entry in target.entries:
        for package in sorted(entry.packages.keys() & RUNTIME_PACKAGES):
            yield warning(
                "shadows-runtime",
                f"{entry.artefact.name}: {package}",
                f"takes the place of the {package} that {target.runtime.name} has, whose companions stay",
                f"leave {package} out of the build, or build in all of boto3, botocore, s3transfer and urllib3",
            )
        for package in sorted(entry.packages.keys() & sys.stdlib_module_names):
            yield warning(
                "shadows-stdlib",
                f"{entry.artefact.name}: {package}",
                f"has the name of a module of Python, and is imported in its place by everything, {package} being "
                "looked for in the function and the layers first",
                "rename it, or drop the backport",
            )
