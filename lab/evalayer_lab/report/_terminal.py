"""A report on a terminal, or in a pipe, 80 columns wide or more."""

from __future__ import annotations

from typing import Final

from rich.console import Console

from evalayer_lab.report._document import Document
from evalayer_lab.report._sections import SECTIONS
from evalayer_lab.report._tables import say

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
