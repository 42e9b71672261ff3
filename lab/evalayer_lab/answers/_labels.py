"""The probability of a label in all its spellings, from the alternatives at the positions that spell it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from evalayer_lab.answers._alphabet import BROKEN


class ValueToken(NamedTuple):
    """One position of a value. All text is in lower case, where that keeps its length.

    Attributes:
        alternatives: what each alternative reads, and its probability.
        generated: which alternative was generated; None where it was outside the top k.
        head: what the generated token wrote before the value.
        done: how many characters of the value were written before it.
        mass: the sum of the probabilities of the alternatives.
    """

    alternatives: Sequence[tuple[str, float]]
    generated: int | None
    head: str
    done: int
    mass: float

    @property
    def unseen(self) -> float:
        """The probability outside the top k."""
        return max(0.0, 1.0 - self.mass)

    @property
    def probability(self) -> float | None:
        """The probability of the generated token; None where it was outside the top k."""
        return None if self.generated is None else self.alternatives[self.generated][1]


def lowered(text: str) -> str:
    """Return `text` in lower case if that keeps its length."""
    lower = text.lower()
    return lower if len(lower) == len(text) else text


def largest_probability(tokens: Sequence[ValueToken], value: str) -> float:
    """Return the largest probability that the answer goes on with the characters of `value`, in any tokens.

    At each position that is what the generated token makes of it, up to all of the other alternatives that agree
    with the value as far as both go, and up to all that was not seen.
    """
    largest = 1.0
    for token in reversed(tokens):
        others = token.unseen
        rest = value[token.done :]
        for index, (text, probability) in enumerate(token.alternatives):
            if index != token.generated and _agrees(text, token.head + rest):
                others += probability
        largest = min(1.0, (token.probability or 0.0) * largest + others)
    return largest


def renormalised(tokens: Sequence[ValueToken], own: str, labels: Sequence[str], after: str) -> float | None:
    """Return the share of the label `own` in the probability of all `labels`, a beginning taken for the label.

    The tokens are followed up to the one that tells `own` from every other label. At each one, alternatives that
    only `own` can begin with are its own. What counts against it: those that fit other labels too, and, where a label
    that is still possible was not seen, all that was not seen.

    Returns:
        The share; None if `own` is not one of the labels, a token was outside the top k, or no token tells them apart.
    """
    if own not in labels:
        return None
    possible = list(labels)
    total = 0.0
    path = 1.0
    for token in tokens:
        if token.generated is None:
            return None
        seen: set[str] = set()
        of_labels = of_own = 0.0
        going_on: list[str] = []
        for index, (text, probability) in enumerate(token.alternatives):
            fitting = [label for label in possible if _fits(text, token.head, label[token.done :], after)]
            if not fitting:
                continue
            seen.update(fitting)
            of_labels += probability
            if index == token.generated:
                going_on = fitting
            elif fitting == [own]:
                of_own += probability
        if own not in going_on:
            return None
        if len(seen) < len(possible):
            of_labels += token.unseen
        total += path * of_own / of_labels
        path *= token.alternatives[token.generated][1] / of_labels
        possible = going_on
        if possible == [own]:
            return min(1.0, total + path)
    return None


@lru_cache(maxsize=64)
def spellings(labels: tuple[str, ...], *, is_json: bool) -> tuple[tuple[str, ...], ...]:
    """Return the labels in lower case as an answer may spell them: as text, or with either kind of JSON escapes."""
    if not is_json:
        return (tuple(dict.fromkeys(map(lowered, labels))),)
    return tuple(
        tuple(dict.fromkeys(lowered(json.dumps(label, ensure_ascii=ascii_only)[1:-1]) for label in labels))
        for ascii_only in (False, True)
    )


def _fits(token: str, head: str, rest: str, after: str) -> bool:
    """Return whether a token begins, or is, `head`, then `rest`, then what may stand after a value."""
    wanted = head + rest
    return _agrees(token, wanted) and (len(token) <= len(wanted) or token[len(wanted)] in after)


def _agrees(token: str, wanted: str) -> bool:
    if BROKEN in token:
        token = token.partition(BROKEN)[0]
    return wanted.startswith(token) if len(token) <= len(wanted) else token.startswith(wanted)
