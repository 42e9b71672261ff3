"""ROUGE-L."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from evalayer import Completion, Score, Unscored, metric
from evalayer_metrics._text import words

_MAX_WORDS: Final = 5_000


@metric
def rouge_l(completion: Completion) -> Score:
    """How much of the gold's wording the answer keeps in order, as the F-measure of ROUGE-L between 0 and 1.

    2L / (m + n), where L is the length of the longest common subsequence of m words of the answer and n of the
    gold: precision L/m and recall L/n weighted alike. Words are folded and not stemmed; scripts without spaces
    count by character. Only the first 5,000 words of each text are read. Unscored for a gold without words.
    Source: Lin 2004, "ROUGE: a package for automatic evaluation of summaries"; the subsequence by the
    bit-parallel method of Hyyrö 2004.

    >>> rouge_l(Completion("", "police killed the gunman", "police kill the gunman"))
    0.75
    """
    gold = words(completion.gold)[:_MAX_WORDS]
    if not gold:
        return Unscored("the gold has no words")
    answer = words(completion.text)[:_MAX_WORDS]
    return 2 * _common_subsequence(answer, gold) / (len(answer) + len(gold))


def _common_subsequence(left: Sequence[str], right: Sequence[str]) -> int:
    # Bit i of `row` is 0 where the length grows at left[i]; one row of the table per word of `right`.
    places: dict[str, int] = {}
    for place, word in enumerate(left):
        places[word] = places.get(word, 0) | 1 << place
    full = (1 << len(left)) - 1
    row = full
    for word in right:
        matched = row & places.get(word, 0)
        row = ((row + matched) | (row - matched)) & full
    return len(left) - row.bit_count()
