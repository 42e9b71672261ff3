"""F1 over words."""

from __future__ import annotations

from collections import Counter

from evalayer import Completion, Score, Unscored, metric
from evalayer_metrics._text import cut_unspaced, normalised_answer


@metric
def token_f1(completion: Completion) -> Score:
    """How far the words of the answer and of the gold overlap, as F1 between 0 and 1.

    2PR / (P + R), where P and R are the shares of the answer's and of the gold's words found in the other, counted
    with multiplicity after the normalisation of `quasi_exact_match`; scripts without spaces count by character.
    Unscored for a gold of which nothing is left. The mean over rows is the SQuAD F1, not a classification F1.
    Source: Rajpurkar et al. 2016, "SQuAD: 100,000+ questions for machine comprehension of text".

    >>> token_f1(Completion("", "restart the router", "restart it"))
    0.5
    """
    gold = cut_unspaced(normalised_answer(completion.gold).split(), 1)
    if not gold:
        return Unscored("the gold has no words")
    answer = cut_unspaced(normalised_answer(completion.text).split(), 1)
    common = (Counter(answer) & Counter(gold)).total()
    return 2 * common / (len(answer) + len(gold))
