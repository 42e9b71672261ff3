"""Distributions and packages that stand in each other's way: across layers, the function and the runtime."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Final

from packaging.markers import UndefinedEnvironmentName
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from evalayer_lab.aws.doctor._artefact import Entry, Target
from evalayer_lab.aws.doctor._distributions import Distribution, marker_environment
from evalayer_lab.aws.doctor._powertools import PROVIDES, is_powertools
from evalayer_lab.aws.doctor._report import Finding, Results, error, warning
from evalayer_lab.aws.doctor._runtime import PACKAGES

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
    first: dict[str, Entry] = {}
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


def _shadowed(package: str, winner: Entry, loser: Entry) -> Finding:
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


def _version_of(package: str, entry: Entry) -> str:
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
        for package in sorted(entry.packages.keys() & PACKAGES):
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
