"""The sections of a report, in the order of a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydantic import BaseModel

from evalayer_lab.report._document import Document
from evalayer_lab.report._part import Section
from evalayer_lab.report.sections import classification, comparison, confidence, errors, metrics, rows, segments
from evalayer_lab.statistics import METHODS, Estimate

SECTIONS: Final[tuple[Section, ...]] = (rows, metrics, classification, confidence, segments, errors, comparison)


def explain(document: Document) -> dict[str, str]:
    """What the document's numbers need explained: its sections, then the methods of its estimates."""
    sections = {name: text for section in SECTIONS for name, text in section.METHODS.items() if getattr(document, name)}
    used = sorted({estimate.method for estimate in _estimates(document)})
    return sections | {method: METHODS[method] for method in used}


def _estimates(value: object) -> Iterator[Estimate]:
    if isinstance(value, Estimate):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _estimates(getattr(value, name))
    elif isinstance(value, dict):
        for each in value.values():
            yield from _estimates(each)
    elif isinstance(value, tuple):
        for each in value:
            yield from _estimates(each)
