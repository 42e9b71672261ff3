"""What an explanation says, and whether its prompt bears it out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence, Set
from functools import lru_cache
from math import fsum
from typing import Final

from evalayer_metrics._lexicon import FUNCTION_WORDS
from evalayer_metrics._text import MAX_CHARACTERS, words

_CLAUSE_END: Final = re.compile(r"[.,;:!?()\n。，、；：！？।؟،]+")
_STEM: Final = 5
# Letters in lower case, line ends for what ends a clause, and spaces for the rest.
_ASCII_CLAUSES: Final = {
    code: chr(code).lower() if chr(code).isalnum() else "\n" if _CLAUSE_END.match(chr(code)) else " "
    for code in range(128)
}


def clauses(text: str) -> list[list[str]]:
    """Return the words of `text` by clause: what stands between two marks of punctuation."""
    if text.isascii():
        return [found for clause in text.translate(_ASCII_CLAUSES).split("\n") if (found := clause.split())]
    return [found for clause in _CLAUSE_END.split(text) if (found := words(clause, unspaced=2))]


def stems(text: str) -> frozenset[str]:
    """Return the first five characters of every word of `text`.

    >>> sorted(stems("The printer is printing"))
    ['is', 'print', 'the']
    """
    text = text[:MAX_CHARACTERS]
    if text.isascii():
        return frozenset([word[:_STEM] for word in text.translate(_ASCII_CLAUSES).split()])
    return frozenset(word[:_STEM] for word in words(text, unspaced=2))


def evidence(found: Iterable[str], without: Set[str]) -> frozenset[str]:
    """Return the stems of the content words: no function words, no single letters, and none of `without`."""
    content = {word[:_STEM] for word in found if word not in FUNCTION_WORDS and (len(word) > 1 or not word.isascii())}
    return frozenset(content - without)


def grounding(claimed: Set[str], prompt: str) -> float:
    """Return the share of the claimed stems that stand in the prompt; 0.0 where nothing is claimed."""
    if not claimed:
        return 0.0
    text = _spaced(prompt)
    # A stem of five characters begins a word; a shorter one is a whole word.
    return sum((f" {stem}" if len(stem) == _STEM else f" {stem} ") in text for stem in claimed) / len(claimed)


@lru_cache(maxsize=2)  # the metrics of one row ask for the same prompt
def _spaced(prompt: str) -> str:
    """The words of a prompt, each between two spaces."""
    prompt = prompt[:MAX_CHARACTERS]
    found = prompt.translate(_ASCII_CLAUSES).split() if prompt.isascii() else words(prompt, unspaced=2)
    return f" {' '.join(found)} "


def mean(values: Sequence[float]) -> float:
    """Return the mean; the built-in `sum` rounds otherwise in Python 3.12 than before, `fsum` never does."""
    return fsum(values) / len(values)


def names(label: str, found: Sequence[str]) -> bool:
    """Return whether every word of a label is among the words found, by stem; a label without words is not."""
    wanted = stems(label)
    return bool(wanted) and wanted <= {word[:_STEM] for word in found}
