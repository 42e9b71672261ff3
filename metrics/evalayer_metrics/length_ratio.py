"""The length of the answer against the gold."""

from __future__ import annotations

from evalayer import Completion, Score, Unscored, metric
from evalayer_metrics._text import words


@metric(higher_is_better=None)
def length_ratio(completion: Completion) -> Score:
    """How long the answer is for the gold: words of the answer divided by words of the gold, 0 or more.

    1.0 is the length of the gold; neither direction is better. Scripts without spaces count by character.
    Unscored for a gold without words. Source: the ratio of lengths in BLEU's brevity penalty, Papineni et al. 2002.

    >>> length_ratio(Completion("", "Restart it now, please.", "Restart it"))
    2.0
    """
    gold = len(words(completion.gold))
    return len(words(completion.text)) / gold if gold else Unscored("the gold has no words")
