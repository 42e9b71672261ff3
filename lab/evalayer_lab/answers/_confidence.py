"""How probable the model found the value of a field, by the log probabilities of its tokens."""

from __future__ import annotations

import math
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from evalayer_lab.answers._alignment import Alignment, align
from evalayer_lab.answers._field import FieldValue, find_field
from evalayer_lab.answers._labels import ValueToken, largest_probability, lowered, renormalised, spellings

CONFIDENCE_REASONS: Final[Mapping[str, str]] = {
    "no_log_probabilities": "The row has no log probabilities.",
    "invalid_log_probabilities": "A log probability is positive, infinite or not a number, or they add up to over 1.",
    "not_rebuilt": "The tokens do not spell the answer.",
    "not_json": "The answer is not a JSON object.",
    "no_field": "The answer's JSON object does not have the field.",
    "empty_value": "The value is empty, so no token spells it.",
    "outside_top_k": "A token of the value is not among the alternatives: only bounds are known.",
}

_LARGEST: Final = 1e-4  # a log probability above zero by no more is rounding
_SMALLEST: Final = -sys.float_info.max
_MASS: Final = 1.01  # probabilities of one position may exceed 1 by rounding, not by more
_TINY: Final = math.ulp(0.0)


@dataclass(frozen=True, slots=True)
class FieldConfidence:
    """How probable the tokens of a value were when they were generated.

    All but `tokens` are None where unknown, and then `reason` says why; no probability is 0.0 for want of data. One
    too small for a double is the smallest positive double. Of a value with a token outside the top k only `low` and
    `high`, and `first_token` where it is another one, are known.

    Attributes:
        first_token: the probability of the first token.
        joint: the probability of all tokens, each given those before: their product.
        geometric_mean: `joint` to the power of 1 / `tokens`.
        renormalised: the share of the label in the probability of all `labels`, by the alternatives at the tokens
            that tell them apart; what the alternatives leave out counts against it.
        low: the least probability of these characters in any tokens: `joint`, or 0.0 outside the top k.
        high: the largest one: `low`, alternatives that agree with the value, and all that was not seen.
        tokens: how many tokens overlap the value.
        generated_is_largest: whether each of them was the likeliest at its position.
        reason: a key of `CONFIDENCE_REASONS` where something is unknown.
    """

    first_token: float | None = None
    joint: float | None = None
    geometric_mean: float | None = None
    renormalised: float | None = None
    low: float | None = None
    high: float | None = None
    tokens: int = 0
    generated_is_largest: bool | None = None
    reason: str | None = None


def field_confidence(
    answer: str, positions: Sequence[Mapping[str, float]], field: str | None, labels: Sequence[str] = ()
) -> FieldConfidence:
    """Return how probable the model found the value of a field.

    Args:
        answer: the answer as received.
        positions: for each generated token, the natural log probabilities of the likeliest tokens by their text.
        field: the field of the answer's JSON object, `a.b` for a nested one; None for the whole text.
        labels: every value that the field may have, for `renormalised`.

    >>> answer = '{"class": "network"}'
    >>> positions = [{'{"class": "': 0.0}, {"network": -0.5, "access": -1.5}, {'"}': 0.0}]
    >>> confidence = field_confidence(answer, positions, "class", ["network", "access"])
    >>> round(confidence.joint, 3), round(confidence.renormalised, 3), round(confidence.high, 3)
    (0.607, 0.731, 0.777)
    """
    if not positions:
        return FieldConfidence(reason="no_log_probabilities")
    if not are_valid(positions):
        return FieldConfidence(reason="invalid_log_probabilities")
    value = find_field(answer, field)
    if isinstance(value, str):
        return FieldConfidence(reason=value)
    alignment = align(answer, positions)
    if alignment is None:
        return FieldConfidence(reason="not_rebuilt")
    return _value_confidence(answer, positions, value, alignment, tuple(labels))


def are_valid(positions: Sequence[Mapping[str, float]]) -> bool:
    """Return whether every log probability is a finite number, not above zero but for rounding."""
    try:
        for position in positions:
            for value in position.values():
                if not _SMALLEST <= value <= _LARGEST:
                    return False
    except (TypeError, AttributeError):
        return False
    return True


def token_range(alignment: Alignment, start: int, end: int) -> range:
    """Return the positions whose tokens overlap the characters from `start` to before `end`."""
    first = bisect_right(alignment.ends, start)
    while first and alignment.starts[first - 1] == start and alignment.writes_part(first - 1):
        first -= 1
    return range(first, bisect_left(alignment.starts, end))


def _value_confidence(
    answer: str,
    positions: Sequence[Mapping[str, float]],
    value: FieldValue,
    alignment: Alignment,
    labels: tuple[str, ...],
) -> FieldConfidence:
    start = alignment.alphabet.offset(answer, value.start)
    end = alignment.alphabet.offset(answer, value.end)
    indices = token_range(alignment, start, end)
    if not indices:
        return FieldConfidence(reason="not_rebuilt")
    tokens = [_value_token(alignment, positions[index], index, start) for index in indices]
    if any(token.mass > _MASS for token in tokens):
        return FieldConfidence(reason="invalid_log_probabilities")
    own = lowered(alignment.text[start:end])
    high = largest_probability(tokens, own)
    conditional = None
    if labels:
        after = indices.stop
        if after < len(positions):
            tokens.append(_value_token(alignment, positions[after], after, start))
        for spelled in spellings(labels, is_json=value.is_json):
            conditional = renormalised(tokens, own, [*map(alignment.alphabet.text, spelled)], value.after)
            if conditional is not None:
                break
    largest = all(
        (key := alignment.keys[index]) is not None and positions[index][key] >= max(positions[index].values())
        for index in indices
    )
    first = alignment.keys[indices[0]]
    chosen = [positions[index][key] for index in indices if (key := alignment.keys[index]) is not None]
    known = len(chosen) == len(indices)
    total = math.fsum(chosen)
    joint = probability(total) if known else None
    return FieldConfidence(
        first_token=None if first is None else probability(chosen[0]),
        joint=joint,
        geometric_mean=probability(total / len(indices)) if known else None,
        renormalised=conditional,
        low=0.0 if joint is None else joint,
        high=high if joint is None else max(high, joint),
        tokens=len(indices),
        generated_is_largest=largest,
        reason=None if known else "outside_top_k",
    )


def _value_token(alignment: Alignment, position: Mapping[str, float], index: int, start: int) -> ValueToken:
    read = alignment.alphabet.token
    alternatives = [(lowered(read(key)), math.exp(min(value, 0.0))) for key, value in position.items()]
    key = alignment.keys[index]
    generated = None if key is None else list(position).index(key)
    begun = alignment.starts[index]
    return ValueToken(
        alternatives,
        generated,
        lowered(alignment.text[begun:start]) if begun < start else "",
        max(0, begun - start),
        math.fsum([share for _, share in alternatives]),
    )


def probability(logarithm: float) -> float:
    """Return the probability of a log probability, positive and at most 1."""
    return max(math.exp(min(logarithm, 0.0)), _TINY)
