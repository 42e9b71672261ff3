"""Words of any language, cut in time linear in the text."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MAX_CHARACTERS: Final = 50_000  # of each text that a metric of style or reasoning reads

# Signs that belong to the word they stand in, though Unicode does not call them letters: accents, vowel signs.
_MARKS: Final = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0900-\u0963\u0966-\u0dff"
    "\u0e31-\u0e3a\u0e47-\u0e4e\u0eb1-\u0ebc\u0ec8-\u0ecd\u0f71-\u0fbc\u102b-\u103e\u1056-\u109d\u17b4-\u17d3"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u200c\u200d"
)
# Scripts written without spaces: Thai, Lao, Myanmar, Khmer, kana, Han.
_UNSPACED: Final = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e80-\u0ecf\u1000-\u103f\u1050-\u109f\u1780-\u17d3\u3041-\u30ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
)
# For bytes.translate: letters in lower case, blanks for what stands between words.
_ASCII: Final = bytes(ord(chr(code).lower()) if chr(code).isalnum() else 32 for code in range(128)) + bytes(128)
_WORD: Final = re.compile(rf"[\w{_MARKS}]+")
_RUN: Final = re.compile(rf"[{_UNSPACED}]+")
_ARTICLE: Final = re.compile(r"\b(?:a|an|the)\b")


def folded(text: str) -> str:
    """Return `text` without differences of case and of compatible spelling (Unicode NFKC and case folding)."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()


def words(text: str, *, unspaced: int = 1) -> list[str]:
    """Return the folded words of `text`, in order.

    A word is a run of letters, digits and the marks on them. A run in a script that writes no spaces is cut into
    its characters (`unspaced=1`) or its overlapping pairs of characters (`unspaced=2`).

    >>> words("L'écran est NOIR!")
    ['l', 'écran', 'est', 'noir']
    >>> words("打印机 offline", unspaced=2)
    ['打印', '印机', 'offline']
    """
    if text.isascii():
        return text.encode().translate(_ASCII).decode().split()
    text = folded(text).replace("_", " ")
    found = _WORD.findall(text)
    return cut_unspaced(found, unspaced) if _RUN.search(text) else found


def cut_unspaced(found: list[str], size: int) -> list[str]:
    """Cut the runs of unspaced script in words into overlapping pieces of `size` characters."""
    cut: list[str] = []
    for word in found:
        if word.isascii():
            cut.append(word)
            continue
        end = 0
        for run in _RUN.finditer(word):
            if run.start() > end:
                cut.append(word[end : run.start()])
            end = run.end()
            piece = run.group()
            cut.extend(piece[at : at + size] for at in range(max(1, len(piece) - size + 1)))
        if end < len(word):
            cut.append(word[end:])
    return cut


def normalised_answer(text: str) -> str:
    """Return an answer as SQuAD's evaluation compares it: no case, punctuation, English articles or extra space.

    Source: Rajpurkar et al. 2016, "SQuAD: 100,000+ questions for machine comprehension of text". Punctuation here
    is also every character of a Unicode category P, and case is folded after NFKC.

    >>> normalised_answer("The  «Printer»!")
    'printer'
    """
    return " ".join(_ARTICLE.sub(" ", folded(text).translate(_PUNCTUATION)).split())


def repetition_free(found: list[str]) -> float:
    """Return the share of distinct trigrams among the trigrams of words; 1.0 where there is none.

    Source: distinct-n of Li et al. 2016, "A diversity-promoting objective function for neural conversation models".

    >>> repetition_free("the fan is loud the fan is loud".split())
    0.6666666666666666
    """
    if len(found) - len(set(found)) < 3:  # a trigram that repeats takes three words that were there before
        return 1.0
    return len(set(zip(found, found[1:], found[2:], strict=False))) / (len(found) - 2)


class _Punctuation(dict[int, int | None]):
    # A table for str.translate that learns the characters it meets.
    def __missing__(self, code: int) -> int | None:
        kept = None if unicodedata.category(chr(code)).startswith("P") else code
        self[code] = kept
        return kept


_PUNCTUATION: Final = _Punctuation(dict.fromkeys(b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"))
