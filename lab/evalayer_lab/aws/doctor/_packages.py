"""What is installed against what its dist-info says: entry points that are lost, packages that are missing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from evalayer_lab.aws.doctor._artefact import Artefact, Entry, Target
from evalayer_lab.aws.doctor._distributions import Distribution
from evalayer_lab.aws.doctor._report import Finding, Results, error, listed
from evalayer_lab.aws.doctor._source import UNREADABLE, parse

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


def _built_in(entry: Entry) -> Iterator[Finding]:
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


def _plugins_without_dist_info(entry: Entry) -> Iterator[Finding]:
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


def _makes_metrics(entry: Entry, name: str) -> bool:
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
