"""Words of doubt in what a model wrote, in the large European languages and, as far as single words go, others."""

from __future__ import annotations

from typing import Final

from evalayer_metrics._lexicon import HEDGES, UNSPACED_HEDGES
from evalayer_metrics._text import MAX_CHARACTERS, folded, words

# Words of the shared list that say no doubt in many places ("could not log in", "in May", "as soon as possible",
# "appears in the log"): here they count only in a phrase below.
_NO_DOUBT_ALONE: Final = frozenset(
    words("could may appear appears possible möglich posible possível possibile mogelijk может")
)
_PHRASES: Final = """
    could be|could also|could have been|could mean|could point to|could indicate|could come from
    may be|may have|may also|may indicate|may point to|may mean|may come from
    appears to|appear to|it appears that
    it is possible that|it's possible|not sure|not certain|not clear|not entirely sure|hard to say|hard to tell
    difficult to say|cannot tell|can't tell|cannot be sure|can't be sure|cannot be certain|i think|i believe|i guess
    i would guess|my guess|no way to know|without more information|not enough information
    es ist möglich|wohl eher|nicht sicher|nicht klar|nicht eindeutig|schwer zu sagen|ich glaube|ich denke|ich vermute
    ich nehme an|es könnte sein|kann sein|dürfte
    il est possible|c'est possible|peut-être|pas sûr|pas sûre|pas certain|pas clair|je pense|je crois|je suppose
    il se peut|difficile à dire|il semblerait|sans doute
    es posible que|puede que|puede ser|podría ser|tal vez|a lo mejor|no estoy seguro|no estoy segura|no es seguro
    no está claro|creo que|supongo que|difícil decir
    é possível que|pode ser|não tenho certeza|não estou certo|não está claro|acho que|creio que|suponho que
    difícil dizer|parece que|se calhar
    è possibile che|può darsi|può essere|non sono sicuro|non sono sicura|non è chiaro|credo che|penso che|suppongo che
    difficile dire|a quanto pare
    het is mogelijk|niet zeker|niet duidelijk|ik denk|ik geloof|moeilijk te zeggen|zou kunnen
    może być|nie jestem pewien|nie jestem pewna|wydaje się|может быть
"""


def _phrases() -> dict[str, list[tuple[int, tuple[str, ...]]]]:
    """Return the phrases, and where each has its longest word, by that word: the short ones are everywhere."""
    table: dict[str, list[tuple[int, tuple[str, ...]]]] = {}
    for line in _PHRASES.strip().splitlines():
        for phrase in line.split("|"):
            found = tuple(words(phrase))
            longest = max(found, key=len)
            table.setdefault(longest, []).append((found.index(longest), found))
    return table


_ALONE: Final = HEDGES - _NO_DOUBT_ALONE
_IN_PHRASES: Final = _phrases()
_SIGNALS: Final = _ALONE | _IN_PHRASES.keys()


def find_hedges(text: str) -> tuple[str, ...]:
    """Return the different words and phrases of doubt in `text`, in order, folded; a phrase as its words.

    >>> find_hedges("It may be the switch. Perhaps, perhaps not.")
    ('may be', 'perhaps')
    """
    text = text[:MAX_CHARACTERS]
    found = words(text)
    hedges: dict[str, None] = {}
    if not _SIGNALS.isdisjoint(found):
        for at, word in enumerate(found):
            if word in _SIGNALS:
                if word in _ALONE:
                    hedges[word] = None
                for before, phrase in _IN_PHRASES.get(word, ()):
                    if at >= before and tuple(found[at - before : at - before + len(phrase)]) == phrase:
                        hedges[" ".join(phrase)] = None
    if not text.isascii():
        hedges.update(dict.fromkeys(UNSPACED_HEDGES.findall(folded(text))))
    return tuple(hedges)
