"""What a section of a report is, and what it adds to one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from rich.console import Console

from evalayer_lab.report._document import Document
from evalayer_lab.report._question import Question

EXAMPLES: Final = 3
"""Rows to read that a finding names."""
UNREADABLE: Final = ("empty", "only_reasoning", "not_json", "cut_off", "not_an_object")
"""Kinds of answers that are not the JSON object asked for."""
RARE: Final = 0.01
"""What happens on a smaller share of the rows is not a finding."""


@dataclass(frozen=True, slots=True)
class RowFinding:
    """A finding, and the rows that show it.

    Attributes:
        urgency: the smaller, the sooner to be acted on: 1 for rows that no number counts, 2 for answers of a wrong
            form, 3 for places where the model is weak, 4 for confidence, 5 for single confusions, 6 for hints.
        kind: what kind of finding.
        sentence: what was found.
        next_step: what to do.
        n: how many rows it is about.
        rows: indices of rows to read, the most telling first.
    """

    urgency: int
    kind: str
    sentence: str
    next_step: str
    n: int
    rows: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """What a section adds to a report.

    Attributes:
        fields: fields of the document.
        findings: what to act on.
        notes: what a reader must know of its numbers.
    """

    fields: Mapping[str, Any]
    findings: Sequence[RowFinding] = ()
    notes: Sequence[str] = ()


class Section(Protocol):
    """One topic of a report: a module of `sections`; the module of the same name in `html` draws it on the page."""

    @property
    def METHODS(self) -> Mapping[str, str]:  # noqa: N802 (a constant of a module)
        """How its fields of the document were computed, in words."""
        ...

    def analyse(self, question: Question) -> Part:
        """Work its part of the report out."""
        ...

    def show(self, document: Document, console: Console) -> None:
        """Print it, or nothing if there is nothing to show."""
        ...
