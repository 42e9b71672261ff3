"""What a check found: one record for every command that looks for faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal, TypeAlias

from evalayer_lab.inputs._errors import InputError, Place

Severity: TypeAlias = Literal["error", "warning", "skipped", "ok"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong, doubtful, unchecked or right. It never quotes a prompt or an answer.

    Attributes:
        code: the rule or check, such as `missing-field`; the documentation explains each.
        severity: an `"error"` is known to fail, a `"warning"` may; `"skipped"` was not looked at, `"ok"` was and is
            right.
        place: where.
        reason: what was found, or why it was skipped.
        fix: what to do; None where the reason says so, or nothing is to be done.
    """

    code: str
    severity: Severity
    place: Place
    reason: str
    fix: str | None = None

    def __str__(self) -> str:
        place = str(self.place)
        return f"{place}: {self.reason}" if place else self.reason

    def as_error(self) -> InputError:
        """The same as an exception."""
        return self.place.error(self.reason)

    def to_json(self) -> Mapping[str, str | int | None]:
        """The object that every command prints with `--json`."""
        verdict = {"code": self.code, "severity": self.severity}
        return {**verdict, **asdict(self.place), "reason": self.reason, "fix": self.fix}


class Findings:
    """Findings in the order of their lines, counted; only the first of them are kept.

    `add` is what a reader's `on_finding` expects.

    Args:
        limit: how many to keep; None for all. Where there is not room for all, errors go before the others.

    Attributes:
        errors: the number of errors, of which a line can have several.
        warnings: the number of warnings.
        bad_rows: the number of lines that have an error.
    """

    def __init__(self, limit: int | None = 20) -> None:
        self.errors = 0
        self.warnings = 0
        self.bad_rows = 0
        self._limit = limit
        self._errors: list[Finding] = []
        self._others: list[Finding] = []
        self._last_bad_line: int | None = None

    @property
    def count(self) -> int:
        """The number of errors and warnings."""
        return self.errors + self.warnings

    @property
    def first(self) -> Sequence[Finding]:
        """The findings that were kept, in the order of their lines."""
        kept = [*self._errors, *self._others][: self._limit]
        return tuple(sorted(kept, key=lambda finding: finding.place.line or 0))

    def add(self, finding: Finding) -> None:
        """Count a finding; those of one line come one after another."""
        if finding.severity == "error":
            self.errors += 1
            if finding.place.line != self._last_bad_line:
                self.bad_rows += 1
                self._last_bad_line = finding.place.line
        elif finding.severity == "warning":
            self.warnings += 1
        self.keep(finding)

    def merge(self, other: Findings, lines: int) -> None:
        """Add the findings of a later part of the file, whose first line comes after `lines` others."""
        self.errors += other.errors
        self.warnings += other.warnings
        self.bad_rows += other.bad_rows
        for finding in other.first:
            line = finding.place.line
            self.keep(finding if line is None else replace(finding, place=replace(finding.place, line=line + lines)))

    def keep(self, finding: Finding) -> None:
        """Keep a finding that has been counted, if there is room."""
        kept = self._errors if finding.severity == "error" else self._others
        if self._limit is None or len(kept) < self._limit:
            kept.append(finding)
