"""The most probable way to spell a text with one alternative of each position."""

from __future__ import annotations

import heapq
import math
import re
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final, TypeAlias

from evalayer_lab.answers._alphabet import BROKEN, SPECIAL

Step: TypeAlias = tuple[str | None, int, int]  # the generated token, None outside the top k, its start and end
Alternatives: TypeAlias = Sequence[tuple[str, str, float]]  # what it reads, the token, its log probability

_MAX_STATES: Final = 32  # ways to spell the text so far that are followed at once
_MAX_BRIDGED: Final = 256  # the same right after a token outside the top k
_MAX_BRIDGES: Final = 256
# A token outside the top k is taken to be, or begin, one of these: white space, punctuation, a word, line ends.
_WORDLIKE: Final = re.compile(r"\s{0,8}[^\w\s\u0080-\U0010ffff]{0,8}[\w\u0080-\U0010ffff]{0,24}[\r\n]{0,4}")
_LOOK_BACK: Final = 2  # a token outside the top k is looked for this many positions before the text cannot go on
_MIN_UNSEEN: Final = 1e-6  # less probability than this outside the top k is rounding
_MARKER: Final = re.compile(r"<\|[^|<>\s]{1,64}\|>")
_SPACES: Final = re.compile(r"\s*+")
_MAX_MARKERS: Final = 64

# How an offset is best reached: the score, the offset after the position before, where the token starts, its key.
_Node: TypeAlias = tuple[float, int, int, str | None]
_Layer: TypeAlias = dict[int, _Node]


def search(text: str, positions: Sequence[Alternatives]) -> list[Step] | None:
    """Return the most probable way to spell `text`, one step for each position; None where there is none.

    Special tokens and white space at either end may be in the tokens and not in the text, or the other way round. A
    token outside the top k is worth what the top k leave over; at most one position in four, and 256 in all, may be so.
    """
    return _Search(text, positions).run()


class _Search:
    def __init__(self, text: str, positions: Sequence[Alternatives]) -> None:
        self.text = text
        self.positions = positions
        self.layers: list[_Layer] = [{0: (0.0, 0, 0, None)}]
        # Where the text may go on though no token wrote what is skipped: after white space in front, after markers.
        self.jumps: dict[int, tuple[int, ...]] = {}
        self.end = len(text.rstrip())
        markers = list(islice(_MARKER.finditer(text), _MAX_MARKERS))
        for marker in markers:
            self.jumps[marker.start()] = (marker.end(), _match_end(_SPACES, text, marker.end()))
        for marker in reversed(markers):
            if marker.end() == self.end:
                self.end = len(text[: marker.start()].rstrip())
        if text[:1].isspace():
            self.jumps[0] = (_match_end(_SPACES, text, 0),)
        self.fresh = {0}.union(*self.jumps.values())

    def run(self) -> list[Step] | None:
        bridges = min(len(self.positions) // 4 + 1, _MAX_BRIDGES)
        for index in range(len(self.positions)):
            layer = self._advance(self.layers[index], index)
            self.layers.append(layer)
            last = index == len(self.positions) - 1
            if not layer or (last and not self._complete(layer)):
                bridges -= 1
                if bridges < 0:
                    return None
                self._bridge(index)
                layer = self.layers[index + 1]
            if not layer or (last and not self._complete(layer)):
                return None
        return self._path()

    def _complete(self, layer: Iterable[int]) -> list[int]:
        return [offset for offset in layer if offset >= self.end]

    def _advance(self, layer: _Layer, index: int) -> _Layer:
        text = self.text
        reached: _Layer = {}
        for offset, node in layer.items():
            starts = self._starts(offset) if offset in self.jumps else (offset,)
            for start in starts:
                for token, key, value in self.positions[index]:
                    if text.startswith(token, start):
                        ends: Sequence[int] = (start + len(token),)
                    elif token[0] in "<[ \n\r\t" or BROKEN in token or start + len(token) > self.end:
                        ends = self._tolerated(token, start)
                    else:
                        continue
                    score = node[0] + value
                    for end in ends:
                        if end not in reached or reached[end][0] < score:
                            reached[end] = (score, offset, start, key)
        return _best(reached, _MAX_STATES)

    def _starts(self, offset: int) -> Sequence[int]:
        starts = [offset]
        for start in starts:
            starts.extend(target for target in self.jumps.get(start, ()) if target not in starts)
        return starts

    def _tolerated(self, token: str, start: int) -> Sequence[int]:
        """Return the ends of a token that is not in the text as it is."""
        text = self.text
        if SPECIAL.fullmatch(token) or (token.isspace() and start >= self.end):
            return (start,)
        if start in self.fresh and token[0].isspace():
            core = token.lstrip()
            if text.startswith(core, start):
                return (start + len(core),)
        if self.end - start < len(token) and not token[max(0, self.end - start) :].strip():
            return (self.end,) if start < self.end and token.startswith(text[start : self.end]) else ()
        if BROKEN in token:
            head = token.rstrip(BROKEN)
            if BROKEN not in head and text.startswith(head, start):
                end = start + len(head)
                return (end, end + 1) if text[end : end + 1] > "\x7f" else (end,)
        return ()

    def _bridge(self, index: int) -> None:
        """Let a token outside the top k stand at `index` or shortly before it."""
        first = max(0, index - _LOOK_BACK)
        origins = self.layers[first : index + 1]
        for at, origin in enumerate(origins, first):
            reached = self._advance(self.layers[at], at)
            unseen = _unseen(self.positions[at])
            if unseen >= _MIN_UNSEEN:
                worth = math.log(unseen)
                for offset, node in origin.items():
                    score = node[0] + worth
                    for start in self._starts(offset):
                        for end in range(start + 1, _match_end(_WORDLIKE, self.text, start) + 1):
                            if end not in reached or reached[end][0] < score:
                                reached[end] = (score, offset, start, None)
            self.layers[at + 1] = _best(reached, _MAX_BRIDGED)

    def _path(self) -> list[Step]:
        layer = self.layers[-1]
        offset = max(self._complete(layer), key=lambda end: layer[end][0])
        steps: list[Step] = []
        for layer in reversed(self.layers[1:]):
            _, before, start, key = layer[offset]
            steps.append((key, start, offset))
            offset = before
        return steps[::-1]


def _best(layer: _Layer, size: int) -> _Layer:
    if len(layer) <= size:
        return layer
    return dict(heapq.nlargest(size, layer.items(), key=lambda item: item[1][0]))


def _match_end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _unseen(alternatives: Alternatives) -> float:
    # A token outside the top k is no likelier than any in it.
    if not alternatives:
        return 1.0
    seen = [math.exp(min(value, 0.0)) for _, _, value in alternatives]
    return min(1.0 - math.fsum(seen), *seen)
