"""What is wrong with a dataset, and where."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from evalayer_lab.inputs import InputError

Severity: TypeAlias = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding about a dataset. It never quotes a prompt or an answer.

    Attributes:
        path: the file.
        line: the line, from 1; in a file without lines, such as Parquet, the row. None where the file as a whole is
            meant.
        field: the field of the row, such as `query` or `images[0].data`; None where the whole line is meant.
        reason: what is wrong and what to do.
        severity: an `"error"` makes the row unusable, a `"warning"` does not.
    """

    path: str
    line: int | None
    field: str | None
    reason: str
    severity: Severity

    def __str__(self) -> str:
        return str(self.as_error())

    def as_error(self) -> InputError:
        """The same finding as an exception."""
        return InputError(self.reason, path=self.path, line=self.line, field=self.field)


class Problems:
    """The problems of one file, counted; only the first of them are kept.

    `add` is what a reader's `on_problem` expects.

    Args:
        limit: how many to keep. Where there is not room for all, errors go before warnings.

    Attributes:
        errors: the number of errors, of which a row can have several.
        warnings: the number of warnings.
        bad_rows: the number of rows that have an error.
    """

    def __init__(self, limit: int = 20) -> None:
        self.errors = 0
        self.warnings = 0
        self.bad_rows = 0
        self._limit = limit
        self._kept: dict[Severity, list[Problem]] = {"error": [], "warning": []}
        self._last_bad_line: int | None = None

    @property
    def count(self) -> int:
        """The number of problems."""
        return self.errors + self.warnings

    @property
    def first(self) -> Sequence[Problem]:
        """The problems that were kept, in the order of their lines."""
        kept = [*self._kept["error"], *self._kept["warning"]][: self._limit]
        return tuple(sorted(kept, key=lambda problem: problem.line or 0))

    def add(self, problem: Problem) -> None:
        """Count a problem; those of one row come one after another."""
        if problem.severity == "error":
            self.errors += 1
            if problem.line != self._last_bad_line:
                self.bad_rows += 1
                self._last_bad_line = problem.line
        else:
            self.warnings += 1
        self.keep(problem)

    def merge(self, other: Problems, lines: int) -> None:
        """Add the problems of a later part of the file, whose first line comes after `lines` others."""
        self.errors += other.errors
        self.warnings += other.warnings
        self.bad_rows += other.bad_rows
        for problem in other.first:
            self.keep(problem if problem.line is None else replace(problem, line=problem.line + lines))

    def keep(self, problem: Problem) -> None:
        """Keep a problem that has been counted, if there is room."""
        kept = self._kept[problem.severity]
        if len(kept) < self._limit:
            kept.append(problem)


class Reporter:
    """Hands the problems of one file on; in strict mode raises the first error instead."""

    def __init__(self, path: str, on_problem: Callable[[Problem], object], *, strict: bool) -> None:
        self.path = path
        self._on_problem = on_problem
        self._strict = strict

    def error(self, line: int, field: str | None, reason: str) -> None:
        """Report an unusable row.

        Raises:
            InputError: in strict mode.
        """
        problem = Problem(self.path, line, field, reason, "error")
        if self._strict:
            raise problem.as_error()
        self._on_problem(problem)

    def warning(self, line: int | None, field: str | None, reason: str) -> None:
        """Report something doubtful."""
        self._on_problem(Problem(self.path, line, field, reason, "warning"))


def shown(text: str, limit: int = 60) -> str:
    r"""A name from a file, fit for a terminal: one line, no control characters, not longer than `limit`.

    >>> shown("priority"), shown("a\x1b[31m")
    ('priority', "'a\\x1b[31m'")
    """
    short = text if len(text) <= limit else text[: limit - 1] + "…"
    return short if short.isprintable() and short.strip() else repr(short)
