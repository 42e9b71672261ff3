"""What the text of a token stands for: tokenizers write spaces and bytes each in their own way."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

_SPACE: Final = "\u2581"  # how SentencePiece writes a space
BROKEN: Final = "\ufffd"  # how a decoder shows part of a character
SPECIAL: Final = re.compile(
    r"<\|[^|<>\s]{1,64}\|>|</?s>|<(?:bos|eos|pad|unk|start_of_turn|end_of_turn)>|\[(?:BOS|EOS|PAD|UNK|SEP|CLS)\]"
)
_BYTE: Final = re.compile(r"<0x[0-9A-Fa-f]{2}>")


class Alphabet(NamedTuple):
    """How token texts and the answer are put into one alphabet.

    The alphabet is Unicode, or the bytes of UTF-8 (each as the character of the same number) where tokens may hold
    part of a character.

    Attributes:
        token: what a token's text stands for.
        text: the answer in that alphabet.
    """

    token: Callable[[str], str]
    text: Callable[[str], str]

    def offset(self, answer: str, at: int) -> int:
        """Return where the character at index `at` of the answer starts in the alphabet."""
        return at if answer.isascii() or self.text is _same else len(self.text(answer[:at]))


def alphabets(answer: str, positions: Sequence[Mapping[str, float]]) -> Iterator[Alphabet]:
    """Yield the alphabets that the token texts allow, the likeliest first."""
    texts = "".join(map("".join, positions))
    characters = set(texts)
    is_byte_level = not texts.isascii() and characters <= _BYTE_LEVEL_CHARACTERS
    # Plain tokens may be of these characters too, and then hold those of the answer.
    is_plain = not ("Ġ" in characters or "Ċ" in characters) and any(c > "\x7f" and c in characters for c in answer)
    if is_byte_level and not is_plain:
        yield BYTE_LEVEL
    if (_SPACE in characters and _SPACE not in answer) or _BYTE.search(texts):
        yield PIECES_AND_BYTES
    yield PLAIN
    if is_byte_level and is_plain:
        yield BYTE_LEVEL


def _same(text: str) -> str:
    return text


def _utf8(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "surrogatepass").decode("latin-1")


def _piece(token: str) -> str:
    if token[:3] == "<0x" and _BYTE.fullmatch(token):
        return chr(int(token[3:5], 16))
    return _utf8(token.replace(_SPACE, " "))


# GPT-2 writes a byte that is printable in Latin-1 as that character, and the others from U+0100 on, in order.
_PRINTABLE: Final = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
_OTHERS: Final = [byte for byte in range(0x100) if byte not in _PRINTABLE]
_BYTE_LEVEL: Final = {byte: chr(byte) for byte in _PRINTABLE} | {0x100 + rank: chr(b) for rank, b in enumerate(_OTHERS)}
_BYTE_LEVEL_CHARACTERS: Final = frozenset(map(chr, _BYTE_LEVEL))

PLAIN: Final = Alphabet(_same, _same)
PIECES_AND_BYTES: Final = Alphabet(_piece, _utf8)
BYTE_LEVEL: Final = Alphabet(lambda token: token.translate(_BYTE_LEVEL), _utf8)
