"""What the doctor says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

Severity: TypeAlias = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that breaks, or may break, on Lambda.

    Attributes:
        code: the check, such as `elf-architecture`; `docs/doctor.md` explains each.
        severity: `error` for what breaks, `warning` for what may.
        subject: the file, package or resource.
        message: what is wrong.
        fix: what to do.
    """

    code: str
    severity: Severity
    subject: str
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A check that could not be made, and why."""

    check: str
    reason: str


Results: TypeAlias = Iterator[Finding | Skipped]


@dataclass(frozen=True, slots=True)
class Report:
    """What was examined, what was found, and what could not be checked.

    Attributes:
        examined: the template, layers and functions that were read.
        findings: errors first.
        skipped: the checks that were not made.
    """

    examined: tuple[str, ...]
    findings: tuple[Finding, ...]
    skipped: tuple[Skipped, ...]

    @property
    def errors(self) -> int:
        """How many of the findings are errors."""
        return sum(finding.severity == "error" for finding in self.findings)


def error(code: str, subject: str, message: str, fix: str) -> Finding:
    """Make a finding that breaks the function."""
    return Finding(code, "error", subject, message, fix)


def warning(code: str, subject: str, message: str, fix: str) -> Finding:
    """Make a finding that may break the function."""
    return Finding(code, "warning", subject, message, fix)


def listed(names: list[str], most: int = 5) -> str:
    """Join names, at most `most` of them."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
