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
        return frozenset([word[:5] for word in text.translate(_ASCII_CLAUSES).split()])
    return frozenset(word[:5] for word in words(text, unspaced=2))


def evidence(found: Iterable[str], without: Set[str]) -> frozenset[str]:
    """Return the stems of the content words: no function words, no single letters, and none of `without`."""
    content = {word[:5] for word in found if word not in FUNCTION_WORDS and (len(word) > 1 or not word.isascii())}
    return frozenset(content - without)


def grounding(claimed: Set[str], prompt: str) -> float:
    """Return the share of the claimed stems that stand in the prompt; 0.0 where nothing is claimed."""
    return len(claimed & _stems_of_prompt(prompt)) / len(claimed) if claimed else 0.0


@lru_cache(maxsize=2)  # the metrics of one row ask for the same prompt
def _stems_of_prompt(prompt: str) -> frozenset[str]:
    return stems(prompt)


def mean(values: Sequence[float]) -> float:
    """Return the mean; the built-in `sum` rounds otherwise in Python 3.12 than before, `fsum` never does."""
    return fsum(values) / len(values)


def names(label: str, found: Sequence[str]) -> bool:
    """Return whether every word of a label is among the words found, by stem; a label without words is not."""
    wanted = stems(label)
    return bool(wanted) and wanted <= {word[:5] for word in found}
