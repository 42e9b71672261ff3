"""The head of the page and what to do: findings first."""

from __future__ import annotations

from typing import Final

from evalayer_lab.report import write
from evalayer_lab.report._document import Document, Finding
from evalayer_lab.report.html._layout import Links, Section, few, terms, titled
from evalayer_lab.report.html._markup import Html, cut, el, hidden, join, prose, user

_MOST: Final = 12
_LINKED: Final = 6


def header(document: Document) -> Html:
    """Say what was evaluated and on how many rows."""
    run, rows = document.run, document.rows
    against = None
    if document.comparison is not None:
        other = document.comparison.other
        against = user(other.folder if other.name == run.name else other.name)
    said = f"{write.count(rows.scored)} of {write.count(rows.expected)}" if rows.expected is not None else None
    facts = (
        ("Rows scored", said or write.count(rows.scored)),
        ("Failed", None if not rows.failed else write.count(rows.failed)),
        ("Broken lines", None if not rows.bad else write.count(rows.bad)),
        ("Task", None if run.task is None else user(run.task)),
        ("Backend", None if run.backend is None else user(run.backend)),
        ("Started", None if run.started is None else cut(run.started[:16].replace("T", " "), 40)),
        ("Compared with", against),
    )
    return el(
        "header",
        el("p", "Evaluation report", class_="kicker"),
        el("h1", user(run.name, 120)),
        terms(facts, classes="facts"),
        class_="masthead",
    )


def findings(document: Document, links: Links) -> Section:
    """List what to act on, the most pressing first."""
    shown, left = few(document.findings, _MOST, "findings")
    if shown:
        listed = join(el("ol", *(_finding(each, links) for each in shown), class_="findings"), left)
    elif document.rows.scored == 0:
        listed = el("p", "No row was scored, so there are no figures.")
    else:
        listed = el("p", "No findings: nothing in these rows stands out.")
    return Section("findings", "What to do", listed)


def _finding(finding: Finding, links: Links) -> Html:
    linked = [name for name in dict.fromkeys(finding.examples) if name in links.examples]
    targets = [
        el("a", hidden("Example "), links.examples[name].removeprefix("example-"), href=f"#{links.examples[name]}")
        for name in linked[:_LINKED]
    ]
    examples = None
    if targets:
        examples = el("p", "Examples: ", *(part for target in targets for part in (target, " ")), class_="links")
    tag = el("p", user(titled(finding.kind), 60), f" · {write.rows(finding.rows)}", class_="tag")
    sentence = el("p", prose(finding.sentence), class_="sentence")
    step = el("p", el("strong", "Next: "), prose(finding.next_step), class_="step")
    return el("li", tag, sentence, step, examples)
