"""The page: one file that holds all it needs, and may fetch and run nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from importlib import resources
from typing import Final

from evalayer_lab.report._document import Document
from evalayer_lab.report.html import (
    _examples,
    classification,
    comparison,
    confidence,
    errors,
    metrics,
    rows,
    segments,
)
from evalayer_lab.report.html._figures import figures
from evalayer_lab.report.html._findings import findings, header
from evalayer_lab.report.html._layout import Links, Section, bullets, few, section, terms, titled
from evalayer_lab.report.html._markup import Html, clip, cut, el, join, prose, user

DRAWN: Final = (comparison, classification, confidence, segments, errors, _examples, metrics, rows)
"""What stands between the findings and the methods, in the order of the page: what is looked up comes last."""
_MOST: Final = 40  # notes that are shown


def render_html(document: Document) -> str:
    """Render a report as one HTML file.

    The file holds its style sheet and its charts, works without script, and forbids itself to fetch or run anything by
    its Content-Security-Policy. Its size depends on the number of figures and examples, never on the number of rows.
    All text of the user is escaped; control characters, lone surrogates and overrides of direction are shown as signs.

    Args:
        document: what the report says.

    Returns:
        The file's text, to be written as UTF-8. Equal documents give equal texts.
    """
    links = Links.of(document)
    given = (
        findings(document, links),
        figures(document, links),
        *(each.draw(document, links) for each in DRAWN),
        _methods(document, links),
    )
    sections = [part for part in given if part is not None]
    entries = (el("li", el("a", part.title, href=f"#{part.id}")) for part in sections)
    contents = el("nav", el("h2", "Contents"), el("ol", *entries), aria_label="Contents")
    body = el(
        "body",
        el("a", "Skip to the findings", href="#findings", class_="skip"),
        header(document),
        el("div", contents, el("main", *(section(part, links.methods) for part in sections)), class_="page"),
        _footer(document),
    )
    page = el("html", _head(document), body, lang="en")
    return f"<!DOCTYPE html>\n{page}\n"


def _methods(document: Document, links: Links) -> Section:
    """Say how each number was computed, and what a reader must know of it."""
    said = [
        el("div", el("dt", user(titled(name), 80)), el("dd", prose(text)), id=links.methods[name])
        for name, text in document.methods.items()
    ]
    body = [
        el("dl", *said, class_="methods") if said else el("p", "No figure of this report needs a method."),
        _sentences("Notes", document.notes),
        _sentences("Assumptions", document.assumptions),
    ]
    return Section("methods", "How each number was computed", join(*body))


def _footer(document: Document) -> Html:
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
    return el("footer", el("h2", "Provenance"), terms(facts, classes="facts"), el("p", said))


def _sentences(title: str, sentences: Iterable[str]) -> Html | None:
    shown, left = few(sentences, _MOST, title.lower())
    if not shown:
        return None
    return join(el("h3", title), bullets(prose(sentence) for sentence in shown), left)


def _head(document: Document) -> Html:
    style = resources.files("evalayer_lab.report.html").joinpath("_style.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    security: dict[str, str] = {"http_equiv": "Content-Security-Policy", "content": policy}
    return el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", **security),
        el("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name_="color-scheme", content="light dark"),
        el("meta", name_="referrer", content="no-referrer"),
        el("meta", name_="generator", content="evalayer"),
        el("title", f"{clip(document.run.name, 120)}: evaluation report"),
        el("style", Html(style)),
    )
