"""What is wrong with a dataset, and where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from evalayer_lab._errors import InputError

Severity: TypeAlias = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding about a dataset. It never quotes a prompt or an answer.

    Attributes:
        path: the file.
        line: the line, from 1; None where the file as a whole is meant.
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
