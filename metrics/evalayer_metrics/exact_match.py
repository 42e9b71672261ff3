"""Exact match."""

from __future__ import annotations

from evalayer import Completion, Score, Unscored, metric
from evalayer_metrics._json import is_bare_json, json_equal


@metric
def exact_match(completion: Completion) -> Score:
    r"""Whether the answer is the gold answer: the same text, or the same JSON value.

    1.0 where `text` and the gold are equal after stripping white space, or where both are JSON and the values are
    equal (key order, white space and 1 against 1.0 make no difference); otherwise 0.0. Unscored for a blank gold.
    Source: EM of Rajpurkar et al. 2016 (SQuAD), without its normalisation; that one is `quasi_exact_match`.

    >>> exact_match(Completion("", '```json\n{"b": 2, "a": 1}\n```', '{"a": 1, "b": 2}'))
    1.0
    >>> exact_match(Completion("", "Network", "network"))
    0.0
    """
    gold = completion.gold.strip()
    if not gold:
        return Unscored("the gold is blank")
    if completion.text.strip() == gold:
        return 1.0
    if not is_bare_json(completion):
        return 0.0
    expected = Completion("", gold, "")
    return float(is_bare_json(expected) and json_equal(completion.json, expected.json))
