"""The sections of a report, in the order of a terminal: how they are printed and explained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydantic import BaseModel
from rich.console import Console

from evalayer_lab.report._document import Document
from evalayer_lab.report._part import Section
from evalayer_lab.report._tables import say
from evalayer_lab.report.sections import classification, comparison, confidence, errors, metrics, rows, segments
from evalayer_lab.statistics import METHODS, Estimate

SECTIONS: Final[tuple[Section, ...]] = (rows, metrics, classification, confidence, segments, errors, comparison)
_FINDINGS: Final = 3


def render(document: Document, console: Console) -> None:
    """Print a report: rows, metrics, classification, confidence, where it fails, and what to do next.

    Args:
        document: what `analyse` made.
        console: where to. Text of the data is printed with control characters replaced and without markup.
    """
    for section in SECTIONS:
        section.show(document, console)
    if document.findings:
        console.print()
        say(console, "What to act on", style="bold")
    for index, finding in enumerate(document.findings[:_FINDINGS], 1):
        say(console, f"{index}. {finding.sentence} {finding.next_step}")
    notes = list(document.notes)
    if document.correctness is not None and document.no_confidence is not None:
        notes.append(f"No confidence. {document.no_confidence}")
    if notes:
        console.print()
    for note in notes:
        say(console, f"Note: {note}")


def explain(document: Document) -> dict[str, str]:
    """What the document's numbers need explained: its sections, then the methods of its estimates."""
    sections = {name: text for section in SECTIONS for name, text in section.METHODS.items() if getattr(document, name)}
    used = {estimate.method for estimate in _estimates(document)}
    return sections | {method: text for method, text in sorted(METHODS.items()) if method in used}


def _estimates(value: object) -> Iterator[Estimate]:
    if isinstance(value, Estimate):
        yield value
    elif isinstance(value, BaseModel):
        yield from _estimates(dict(value))
    elif isinstance(value, dict | tuple):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _estimates(each)
