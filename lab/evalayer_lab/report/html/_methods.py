"""How each number was computed, and where the report comes from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from evalayer_lab.report._document import Document
from evalayer_lab.report.html._layout import (
    Links,
    Section,
    bullets,
    few,
    paragraph,
    terms,
    titled,
)
from evalayer_lab.report.html._markup import Html, cut, el, join, prose, user

_MOST: Final = 40


def methods(document: Document, links: Links) -> Section:
    """Say how each number was computed, and what a reader must know of it."""
    said = [
        el("div", el("dt", user(titled(name), 80)), el("dd", prose(text)), id=links.methods[name])
        for name, text in document.methods.items()
    ]
    body = [
        el("dl", *said, class_="methods") if said else paragraph("No figure of this report needs a method."),
        _sentences("Notes", document.notes),
        _sentences("Assumptions", document.assumptions),
    ]
    return Section("methods", "How each number was computed", join(*body))


def footer(document: Document) -> Html:
    """Say where the report comes from. No date: the same input gives the same bytes."""
    run = document.run
    facts = (
        ("Report by", f"evalayer {document.evalayer}"),
        ("Run by", None if run.evalayer is None else f"evalayer {cut(run.evalayer, 40)}"),
        ("Read from", el("code", user(run.folder, 300))),
        ("Aggregation", None if run.aggregation is None else run.aggregation),
        ("Digest of the rows", el("code", run.digest)),
        ("Schema", str(document.schema_version)),
    )
    said = "This file needs no network and runs no script. The same rows give the same bytes."
    return el("footer", el("h2", "Provenance"), terms(facts, classes="facts"), paragraph(said))


def _sentences(title: str, sentences: Iterable[str]) -> Html | None:
    shown, left = few(sentences, _MOST, title.lower())
    if not shown:
        return None
    return join(el("h3", title), bullets(prose(sentence) for sentence in shown), left)
