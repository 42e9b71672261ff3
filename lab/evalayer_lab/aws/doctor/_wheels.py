"""The wheel tags of what was installed, against the runtime and its C library."""

from __future__ import annotations

import re
from typing import Final

from evalayer_lab.aws.doctor._artefact import Target
from evalayer_lab.aws.doctor._distributions import Distribution
from evalayer_lab.aws.doctor._report import Finding, Results, error
from evalayer_lab.aws.doctor._runtime import MACHINES

# PEP 513, 571 and 599 name these by year; PEP 600 by glibc's version
_BY_YEAR: Final = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
_PLATFORM: Final = re.compile(r"(?:manylinux_([0-9]+)_([0-9]+)|(manylinux1|manylinux20[0-9]+)|linux)_(\w+)\Z")


def check_wheels(target: Target) -> Results:
    """Compare each distribution's wheel tags with the function; the nearest of its tags speaks for it."""
    for entry in target.entries:
        for distribution in entry.distributions:
            if not distribution.tags:
                continue
            problems = [_problems(tag, target) for tag in distribution.tags[:100]]
            for code, reason in min(problems, key=len):
                yield _finding(distribution, code, reason, target)


def _finding(distribution: Distribution, code: str, reason: str, target: Target) -> Finding:
    major, minor = target.runtime.glibc
    machine = MACHINES[target.architecture]
    return error(
        code,
        f"{distribution.entry.artefact.name}: {distribution}",
        f"its wheel is tagged {distribution.tags[0]}: {reason}",
        f"install a wheel for cp3{target.runtime.minor}, {machine} and at most manylinux_{major}_{minor}",
    )


def _problems(tag: str, target: Target) -> list[tuple[str, str]]:
    parts = tag.split("-")
    if len(parts) != 3:
        return []
    python, abi, platform = parts
    problems = []
    if not any(_python_fits(one, abi, target.runtime.minor) for one in python.split(".")):
        problems.append(("wheel-python", f"it is not for {target.runtime.name}"))
    reasons = [_platform_problem(one, target) for one in platform.split(".")]
    if None not in reasons and reasons[0] is not None:
        problems.append(reasons[0])
    return problems


def _python_fits(python: str, abi: str, minor: int) -> bool:
    if re.fullmatch(r"py(?:2\.py)?3[0-9]*", python):
        return int(python[3:] or 0) <= minor
    found = re.fullmatch(r"cp3([0-9]+)", python)
    if not found:
        return False
    if abi == "abi3" or abi == "none":  # noqa: PLR1714 (the two differ in meaning)
        return int(found[1]) <= minor
    return int(found[1]) == minor and abi == f"cp3{minor}"


def _platform_problem(platform: str, target: Target) -> tuple[str, str] | None:
    if platform == "any":
        return None
    if platform.startswith("musllinux"):
        return "wheel-libc", f"musl is a C library that {target.runtime.system} does not have"
    found = _PLATFORM.match(platform)
    if found is None:
        return "wheel-system", "it is not for Linux"
    if found[4] != MACHINES[target.architecture]:
        return "wheel-architecture", f"{target.name} runs on {target.architecture}"
    wanted = (int(found[1]), int(found[2])) if found[1] else _BY_YEAR.get(found[3] or "", (0, 0))
    if wanted > target.runtime.glibc:
        has = ".".join(map(str, target.runtime.glibc))
        needs = ".".join(map(str, wanted))
        return "wheel-libc", f"it needs glibc {needs}, {target.runtime.system} has {has}"
    return None
