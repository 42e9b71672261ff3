"""Rows to read."""

from __future__ import annotations

from evalayer_lab.report import write
from evalayer_lab.report._document import Document, Example, Token
from evalayer_lab.report.html._layout import (
    MOST_EXAMPLES,
    Links,
    Section,
    conditions,
    details,
    few,
    terms,
)
from evalayer_lab.report.html._marks import shade
from evalayer_lab.report.html._markup import Html, clip, cut, el, hidden, join, user

_PROMPT, _GOLD = 3000, 1500
_TOKENS, _TOKEN = 120, 24


def draw(document: Document, _: Links) -> Section | None:
    """Show the example rows as cards."""
    if not document.examples:
        return None
    shown, left = few(document.examples, MOST_EXAMPLES, "examples")
    notes = []
    if any(each.tokens for each in shown):
        notes.append(
            "Boxed tokens are those of the label, with their probability: the stronger the colour, the less probable."
        )
    if all(each.prompt is None and each.answer is None for each in shown):
        notes.append("Prompts and answers were not asked for.")
    cards = [_card(each, index) for index, each in enumerate(shown, 1)]
    note = el("p", " ".join(notes), class_="muted") if notes else None
    body = join(note, el("div", *cards, class_="examples"), left)
    return Section("examples", "Rows to read", body)


def _card(each: Example, index: int) -> Html:
    facts = (
        ("Gold", None if each.gold_label is None else user(each.gold_label)),
        ("Predicted", None if each.predicted_label is None else user(each.predicted_label)),
        ("Confidence", None if each.confidence is None else write.number(each.confidence)),
        ("Row", el("code", user(each.id, 40))),
    )
    texts = (("Prompt", each.prompt, _PROMPT), ("Answer", each.answer, _PROMPT), ("Gold answer", each.gold, _GOLD))
    return el(
        "article",
        el("h3", f"Example {index} ", _outcome(each.correct), id=f"example-{index}-title"),
        el("p", cut(each.why, 500)),
        terms(facts, classes="facts"),
        el("p", conditions(each.metadata), class_="pairs") if each.metadata else None,
        _tokens(each.tokens),
        *(details(name, el("pre", cut(text, most), dir="auto")) for name, text, most in texts if text is not None),
        id=f"example-{index}",
        aria_labelledby=f"example-{index}-title",
    )


def _outcome(correct: bool | None) -> Html:  # noqa: FBT001 (three states)
    if correct is None:
        return el("span", "not scored", class_="chip")
    sign, word, tone = ("✓", "right", "right") if correct else ("✗", "wrong", "wrong")
    return el("span", el("span", sign, aria_hidden="true"), f" {word}", class_=f"chip {tone}")


def _tokens(tokens: tuple[Token, ...]) -> Html | None:
    """Show tokens one after the other: those of the label shaded by how improbable they were, the probability below."""
    if not tokens:
        return None
    start = next((index for index, token in enumerate(tokens) if token.in_label), 0)
    start = max(0, min(start - 12, len(tokens) - _TOKENS))
    shown = tokens[start : start + _TOKENS]
    before = "… " if start else None
    after = " …" if start + len(shown) < len(tokens) else None
    name = hidden("Tokens of the answer: ")
    return el("div", name, before, *map(_token, shown), after, class_="tokens", dir="ltr")


def _token(token: Token) -> Html:
    text = clip(token.text, _TOKEN).replace("\n", "⏎").replace("\t", "⇥")
    if not token.in_label:
        return el("bdi", text, class_="token")
    p = token.probability
    value = el("span", hidden(" probability "), "unknown" if p is None else write.number(p), class_="p")
    return el("span", el("bdi", text), value, class_=f"token label {shade(0.0 if p is None else 1 - p)}")
