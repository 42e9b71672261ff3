"""Where links within the page lead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from evalayer_lab.report._document import Document, Estimate
from evalayer_lab.report.html import _format as fmt
from evalayer_lab.report.html._markup import Html, el, few, join, user
from evalayer_lab.report.html._words import titled

MOST_METHODS: Final = 60
MOST_EXAMPLES: Final = 20


@dataclass(frozen=True, slots=True)
class Links:
    """The ids of what can be linked to, by method and by example. They hold nothing of the user's text."""

    methods: Mapping[str, str]
    examples: Mapping[str, str]

    @classmethod
    def of(cls, document: Document) -> Links:
        """Number the methods and the examples that the page shows."""
        methods, _ = few(document.methods, MOST_METHODS)
        examples, _ = few(document.examples, MOST_EXAMPLES)
        return cls(
            {name: f"method-{index}" for index, name in enumerate(methods, 1)},
            {each.id: f"example-{index}" for index, each in reversed(list(enumerate(examples, 1)))},
        )

    def method(self, name: str) -> Html:
        """Name a method, with a link to what is said of it."""
        shown = user(titled(name), 60)
        return el("a", shown, href=f"#{self.methods[name]}") if name in self.methods else el("span", shown)

    def precision(self, estimate: Estimate) -> Html:
        """Say of an interval what it is and where it comes from."""
        drawn = "" if estimate.resamples is None else f", {fmt.count(estimate.resamples)} resamples"
        return join(f"{fmt.level(estimate.level)} interval, ", self.method(estimate.method), drawn)
