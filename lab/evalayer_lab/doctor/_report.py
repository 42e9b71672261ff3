"""What the doctor says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evalayer_lab.function import PathEntry
from evalayer_lab.inputs import Finding, Place, Severity


@dataclass(frozen=True, slots=True)
class Examination:
    """What was examined, and what was found.

    Attributes:
        examined: the template, layers and functions that were read.
        findings: errors first, then warnings, then what could not be checked; `docs/doctor.md` explains each code.
    """

    examined: Sequence[str]
    findings: Sequence[Finding]

    def count(self, severity: Severity) -> int:
        """Count the findings of a severity."""
        return sum(finding.severity == severity for finding in self.findings)


def not_checked(what: str, reason: str) -> Finding:
    """Say that something could not be checked, and why."""
    return Finding("not-checked", "skipped", Place(field=what), reason)


def file_place(entry: PathEntry, name: str, line: int | None = None) -> Place:
    """Where a file of a function or a layer is: on this machine, or in a zip as if that were a folder."""
    return Place(f"{entry.artefact.tree.path}/{entry.prefix}{name}", line)


def package_place(entry: PathEntry, package: object) -> Place:
    """Where a package or a distribution is installed."""
    return Place(str(entry.artefact.tree.path), field=str(package))


def listed(names: Sequence[str], most: int = 5) -> str:
    """Join names, at most `most` of them.

    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
