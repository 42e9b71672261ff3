"""Whether an import that failed here fails on Lambda too."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence, Set
from pathlib import PurePath
from typing import Any, Final

from evalayer_lab.doctor._powertools import CONTENTS, is_powertools, unknown_layers
from evalayer_lab.doctor._report import Finding, Skipped, error
from evalayer_lab.doctor._source import fits_newer, near_module, read_text
from evalayer_lab.function import RUNTIME_PACKAGES, PathEntry, Target

# modules of the standard library that some Python from 3.11 on has and another has not
_SOMETIMES_STANDARD: Final = frozenset(
    {
        "aifc", "annotationlib", "asynchat", "asyncore", "audioop", "cgi", "cgitb", "chunk", "compression", "crypt",
        "distutils", "imghdr", "imp", "lib2to3", "mailcap", "msilib", "nis", "nntplib", "ossaudiodev", "pipes",
        "smtpd", "sndhdr", "spwd", "sunau", "telnetlib", "uu", "xdrlib",
    }
)  # fmt: skip
_SYNTAX: Final = {"SyntaxError", "IndentationError", "TabError"}
_ON_LAMBDA: Final = RUNTIME_PACKAGES | {"dateutil", "jmespath", "six"}


def judge(
    check: str, target: Target, outcome: Mapping[str, Any], paths: Sequence[str], elsewhere: Set[str]
) -> Finding | Skipped:
    """Turn what the import raised into an error, or say why it may not happen on Lambda.

    Args:
        check: what was tried.
        target: the function.
        outcome: what the probe wrote.
        paths: the search path of the import, one folder for each of the target's entries.
        elsewhere: the packages that stand-ins were allowed for, or that only the Python here needs.
    """
    subject = f"{target.name}: {target.handler}"
    place = _place(outcome["file"], target, paths)
    module = outcome["module"]
    if module is not None and place is not None and _is_missing(module, target, elsewhere):
        entry, file = place
        return error(
            "handler-module",
            subject,
            f"{entry.artefact.name}: {entry.prefix}{file}, line {outcome['line']}, imports {module}, which is in "
            f"neither the function nor its layers nor Lambda{near_module(target, module)}",
            "correct the name, or add the module to the function or to a layer and build again",
        )
    if outcome["error"] in _SYNTAX and place is not None and not _fits_newer(outcome, place, target):
        entry, file = place
        return error(
            "handler-syntax",
            f"{entry.artefact.name}: {entry.prefix}{file}",
            f"is no Python: {outcome['message']}; importing {target.handler} fails with it",
            f"correct line {outcome['line']} and build again",
        )
    raised = f"{outcome['error']}: {outcome['message']}"
    reasons = _doubts(target, outcome["stand_ins"])
    if reasons and not outcome["ours"]:
        return Skipped(check, f"{'; '.join(reasons)}; it raised {raised}")
    return error(
        "handler-import",
        subject,
        f"importing it raises {raised}",
        "correct the task, or build in what is missing; Lambda would fail on every event",
    )


def _place(file: str | None, target: Target, paths: Sequence[str]) -> tuple[PathEntry, str] | None:
    """Find a file of the import among those of the function and its layers."""
    for entry, folder in zip(target.entries, paths, strict=True):
        if file is not None and PurePath(file).is_relative_to(folder):
            name = PurePath(file).relative_to(folder).as_posix()
            if name in entry.files:
                return entry, name
    return None


def _is_missing(module: str, target: Target, elsewhere: Set[str]) -> bool:
    """Whether nothing that cannot be seen from here may bring a module."""
    top = module.partition(".")[0]
    possible = _ON_LAMBDA | elsewhere | sys.stdlib_module_names
    if any(is_powertools(layer) for layer in target.unseen):
        possible |= CONTENTS
    if target.runtime.minor != sys.version_info.minor:
        possible |= _SOMETIMES_STANDARD
    return top not in possible and not unknown_layers(target)


def _fits_newer(outcome: Mapping[str, Any], place: tuple[PathEntry, str], target: Target) -> bool:
    entry, file = place
    problem = SyntaxError(outcome["message"])
    problem.lineno, problem.end_lineno = outcome["line"], outcome["end_line"]
    return fits_newer(problem, read_text(entry, file), target.runtime)


def _doubts(target: Target, stand_ins: Sequence[str]) -> list[str]:
    reasons = []
    if sys.version_info.minor != target.runtime.minor:
        reasons.append(f"it was tried with Python 3.{sys.version_info.minor}, not {target.runtime.name}")
    if stand_ins:
        reasons.append(f"{', '.join(stand_ins)} came from the doctor's own environment")
    if target.unseen:
        reasons.append(f"{', '.join(target.unseen)} cannot be seen from here")
    return reasons
