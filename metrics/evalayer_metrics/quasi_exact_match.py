"""Exact match after normalisation."""

from __future__ import annotations

from evalayer import Completion, Score, Unscored, metric
from evalayer_metrics._text import normalised_answer


@metric
def quasi_exact_match(completion: Completion) -> Score:
    """Whether the answer is the gold answer apart from case, punctuation, English articles and white space.

    1.0 or 0.0. Unscored for a gold of which nothing is left. Source: the normalisation of Rajpurkar et al. 2016
    (SQuAD), as in the quasi-exact match of Liang et al. 2022 (HELM), with Unicode's case folding, NFKC and
    punctuation.

    >>> quasi_exact_match(Completion("", "The network!", "network"))
    1.0
    """
    gold = normalised_answer(completion.gold)
    if not gold:
        return Unscored("the gold has no words")
    return float(normalised_answer(completion.text) == gold)
