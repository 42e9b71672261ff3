"""What is wrong with a dataset, and where."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal, TypeAlias

from evalayer_lab.inputs import Finding, Place, Severity, near_match

# docs/datasets.md explains each.
Code: TypeAlias = Literal[
    "blank-line",
    "byte-order-mark",
    "csv",
    "encoding",
    "file-name",
    "function",
    "images",
    "json",
    "length",
    "metadata",
    "missing-field",
    "null",
    "phrase",
    "repeated-field",
    "type",
    "unknown-field",
    "value",
]
OnFinding: TypeAlias = Callable[[Finding], object]
_MOST_NAMES: Final = 12


class Reporter:
    """Hands the findings about one file on; in strict mode raises the first error instead."""

    def __init__(self, path: str, on_finding: OnFinding = lambda finding: None, *, strict: bool = False) -> None:
        self.path = path
        self._on_finding = on_finding
        self._strict = strict

    def error(self, code: Code, line: int, field: str | None, reason: str) -> None:
        """Report an unusable row.

        Raises:
            InputError: in strict mode.
        """
        finding = self._finding(code, "error", line, field, reason)
        if self._strict:
            raise finding.as_error()
        self._on_finding(finding)

    def warning(self, code: Code, line: int | None, field: str | None, reason: str) -> None:
        """Report something doubtful."""
        self._on_finding(self._finding(code, "warning", line, field, reason))

    def _finding(self, code: Code, severity: Severity, line: int | None, field: str | None, reason: str) -> Finding:
        return Finding(code, severity, Place(self.path, line, field), reason)


def shown(text: str, limit: int = 60) -> str:
    r"""A name from a file, fit for a terminal: one line, no control characters, not longer than `limit`.

    >>> shown("priority"), shown("a\x1b[31m")
    ('priority', "'a\\x1b[31m'")
    """
    short = text if len(text) <= limit else text[: limit - 1] + "…"
    return short if short.isprintable() and short.strip() else repr(short)


def suggest_shown(name: str, known: Sequence[str]) -> str:
    """As `suggest`, for names from a file: they are written as by `shown`, and of many only the first are listed."""
    near = near_match(name, known)
    return f"did you mean {shown(near)}?" if near is not None else f"there are: {listed(known)}"


def listed(names: Sequence[str]) -> str:
    """The first of some names from a file, and how many more there are."""
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(map(shown, names[:_MOST_NAMES])) + more
