"""The text of an answer, token by token, with the probability of each."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TypeAlias

from evalayer_lab.answers._alignment import Alignment, align
from evalayer_lab.answers._confidence import are_valid, probability
from evalayer_lab.answers._field import find_field

_Piece: TypeAlias = tuple[int, int, float | None]


@dataclass(frozen=True, slots=True)
class ShadedToken:
    """A piece of an answer.

    Attributes:
        text: its characters.
        probability: that of the token that wrote them, given those before; None where it is unknown. Tokens that
            write parts of one character are one piece, with the product of their probabilities.
        in_label: whether the token overlaps the value of the field.
    """

    text: str
    probability: float | None
    in_label: bool


def shaded_tokens(answer: str, positions: Sequence[Mapping[str, float]], field: str | None) -> list[ShadedToken]:
    """Return the answer as pieces, one for each token that wrote some of it; joined they are the answer.

    Where the tokens do not spell the answer the pieces are the value of the field and what is around it, without
    probabilities. `field` is as in `field_confidence`.

    >>> [piece.text for piece in shaded_tokens("a b", [{"a": 0.0}, {" b": -0.1, " c": -3.0}], None)]
    ['a', ' b']
    """
    value = find_field(answer, field)
    start, end = (0, 0) if isinstance(value, str) else value[:2]
    alignment = align(answer, positions) if positions and are_valid(positions) else None
    if alignment is None:
        cuts = [0, start, end, len(answer)]
        pieces: list[_Piece] = [(left, right, None) for left, right in pairwise(cuts)]
    else:
        pieces = _pieces(answer, positions, alignment)
    return [
        ShadedToken(answer[left:right], probability, in_label=left < end and right > start)
        for left, right, probability in pieces
        if left < right
    ]


def _pieces(answer: str, positions: Sequence[Mapping[str, float]], alignment: Alignment) -> list[_Piece]:
    character = _character_index(answer, alignment)
    pieces: list[_Piece] = []
    reached = 0  # in the alphabet of the alignment
    shown = 0  # in characters
    total: float | None = 0.0
    tokens = zip(alignment.keys, positions, alignment.starts, alignment.ends, strict=True)
    for index, (key, position, start, end) in enumerate(tokens):
        if start > reached:  # written by no token: markers, white space
            pieces.append((shown, character(start), None))
            shown = character(start)
        total = None if key is None or total is None else total + min(position[key], 0.0)
        reached = end
        if (at := character(end)) > shown:
            pieces.append((shown, at, None if total is None else probability(total)))
            shown = at
            total = 0.0
        elif end == start and not alignment.writes_part(index):
            total = 0.0  # a special token, which stands in the tokens only
    pieces.append((shown, len(answer), None))
    return pieces


def _character_index(answer: str, alignment: Alignment) -> Callable[[int], int]:
    """Return the function from an offset in the alphabet of an alignment to the characters complete before it."""
    if len(alignment.text) == len(answer):
        return int
    ends = list(accumulate(len(character.encode("utf-8", "surrogatepass")) for character in answer))
    return lambda offset: bisect_right(ends, offset)
