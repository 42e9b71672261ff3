"""What an explanation says, and whether its prompt bears it out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence, Set
from functools import lru_cache
from math import fsum
from operator import itemgetter
from typing import Final

from evalayer_metrics._lexicon import FUNCTION_WORDS
from evalayer_metrics._text import MAX_CHARACTERS, words

_CLAUSE_END: Final = re.compile(r"[.,;:!?()\n。，、；：！？।؟،]+")
_STEM: Final = itemgetter(slice(5))
_NO_EVIDENCE: Final = FUNCTION_WORDS | set(map(chr, range(128)))  # a single letter; beyond ASCII it may be a word


def clauses(text: str) -> list[list[str]]:
    """Return the words of `text` by clause: what stands between two marks of punctuation."""
    return [found for clause in _CLAUSE_END.split(text) if (found := words(clause, unspaced=2))]


def stemmed(found: Iterable[str]) -> set[str]:
    """Return the distinct stems of words: their first five characters."""
    return set(map(_STEM, found))


@lru_cache(maxsize=8)  # the metrics of one row ask for the same prompt, and most rows for the same few labels
def stems(text: str) -> Set[str]:
    """Return the distinct stems of the words of `text`.

    >>> sorted(stems("The printer is printing"))
    ['is', 'print', 'the']
    """
    return stemmed(words(text[:MAX_CHARACTERS], unspaced=2))


def evidence(found: Iterable[str], without: Set[str]) -> Set[str]:
    """Return the stems of the content words: no function words, no single letters, and none of `without`."""
    return stemmed([word for word in found if word not in _NO_EVIDENCE]) - without


def grounding(claimed: Set[str], prompt: str) -> float:
    """Return the share of the claimed stems that stand in the prompt; 0.0 where nothing is claimed."""
    return len(claimed & stems(prompt)) / len(claimed) if claimed else 0.0


def mean(values: Sequence[float]) -> float:
    """Return the mean; the built-in `sum` rounds otherwise in Python 3.12 than before, `fsum` never does."""
    return fsum(values) / len(values)


def names(label: str, found: Sequence[str]) -> bool:
    """Return whether every word of a label is among the words found, by stem; a label without words is not."""
    wanted = stems(label)
    return bool(wanted) and wanted <= stemmed(found)
