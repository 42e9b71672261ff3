"""Which token was generated at each position, and which characters of the answer it wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

from evalayer_lab.answers._alphabet import BROKEN, PLAIN, SPECIAL, Alphabet, alphabets
from evalayer_lab.answers._search import search

# What tokens may write around an answer that the answer does not have: white space and special tokens.
_UNWRITTEN: Final = re.compile(rf"(?:\s++|{SPECIAL.pattern})*+")


class Alignment(NamedTuple):
    """The generated tokens of an answer.

    Attributes:
        keys: by position, the generated token as the log probabilities name it; None where it was outside the top k.
        starts: by position, where its text starts in `text`.
        ends: by position, where its text ends.
        text: the answer in the alphabet of `alphabet`.
        alphabet: how token texts are to be read.
    """

    keys: Sequence[str | None]
    starts: Sequence[int]
    ends: Sequence[int]
    text: str
    alphabet: Alphabet

    def writes_part(self, index: int) -> bool:
        """Return whether the token at a position wrote no whole character, but perhaps part of one."""
        key = self.keys[index]
        return self.starts[index] == self.ends[index] and key is not None and not key.strip(BROKEN)


def align(answer: str, positions: Sequence[Mapping[str, float]]) -> Alignment | None:
    """Find the generated tokens: the most probable way to spell the answer, one alternative of each position.

    Returns:
        The alignment, or None where no way spells the answer.
    """
    likeliest = [max(position, key=position.__getitem__) for position in positions if position]
    complete = len(likeliest) == len(positions)
    if complete and "".join(likeliest) == answer:
        return _joined(likeliest, likeliest, 0, answer, PLAIN)
    for alphabet in alphabets(answer, positions):
        text = alphabet.text(answer)
        if complete:
            texts = [*map(alphabet.token, likeliest)]
            joined = "".join(texts)
            before = joined.find(text)
            if (
                before >= 0
                and _UNWRITTEN.fullmatch(joined, 0, before)
                and _UNWRITTEN.fullmatch(joined, before + len(text))
            ):
                return _joined(likeliest, texts, before, text, alphabet)
        steps = search(text, [[(alphabet.token(key), key, value) for key, value in p.items()] for p in positions])
        if steps is not None:
            keys, starts, ends = zip(*steps, strict=True)
            return Alignment(keys, starts, ends, text, alphabet)
    return None


def _joined(keys: Sequence[str], texts: Sequence[str], before: int, text: str, alphabet: Alphabet) -> Alignment:
    # No other way to spell the text is more probable than the likeliest tokens. What they write around it is cut off.
    ends = [min(max(0, end - before), len(text)) for end in accumulate(map(len, texts))]
    return Alignment(keys, [0, *ends[:-1]], ends, text, alphabet)
