"""What kind of answer a model gave, the label in it, and its words of doubt."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from evalayer import Completion, JSONValue
from evalayer_lab.answers._field import read_field
from evalayer_metrics._json import text_of
from evalayer_metrics._lexicon import HEDGES, UNSPACED_HEDGES
from evalayer_metrics._text import MAX_CHARACTERS, folded, words

ANSWER_KINDS: Final[Mapping[str, str]] = {
    "json": "One JSON object, with nothing around it but solution markers and a reasoning block before it.",
    "wrapped": "One JSON object in a code fence or in prose.",
    "cut_off": "JSON that ends before it is closed.",
    "not_an_object": "JSON, but a list, text, number, truth value or null.",
    "not_json": "Text without a JSON object.",
    "only_reasoning": "A reasoning block, finished or not, and nothing after it.",
    "empty": "Nothing but white space and solution markers.",
    "text": "Text, where no JSON was asked for.",
}

_STRING: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?(\s*+:)?', re.DOTALL)
# What may be left of a value that was cut off, from where the parser stopped: nothing, or part of a word or number.
_BEGINNING: Final = re.compile(r"(?:t(?:ru?)?|f(?:a(?:ls?)?)?|n(?:ul?)?|-|\.|[eE][+-]?|\\?u[0-9a-fA-F]{0,4})?")
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


@dataclass(frozen=True, slots=True)
class AnswerFacts:
    """What can be said of an answer by itself.

    Attributes:
        kind: a key of `ANSWER_KINDS`.
        label: the value of the field as text, as JSON spells a number or truth value; None where it is absent or
            another kind of value.
        characters: the length of the answer as received.
        hedges: the different words and phrases of doubt in its free text, folded, in order.
    """

    kind: str
    label: str | None
    characters: int
    hedges: tuple[str, ...]


def describe_answer(answer: str, field: str | None) -> AnswerFacts:
    """Describe an answer: its kind, the label under `field`, and its words of doubt.

    Without a field the whole text is the label. Free text is what stands in prose and in the JSON values, but not
    the label, keys, or a reasoning block before the answer.

    >>> describe_answer('{"class": "network", "thought": "Perhaps the switch."}', "class")
    AnswerFacts(kind='json', label='network', characters=54, hedges=('perhaps',))
    """
    completion = Completion("", answer, "")
    text = completion.text
    if not text:
        kind = "only_reasoning" if "reasoning" in completion.wrapping else "empty"
        return AnswerFacts(kind, None, len(answer), ())
    if field is None:
        return AnswerFacts("text", text, len(answer), _find_hedges(text))
    value, span = completion.json, completion.json_span
    if span is None:
        begun = 0 if text[0] == "[" else completion.unclosed_object
        kind = "not_json" if begun is None or not _is_cut_off(text, begun) else "cut_off"
        return AnswerFacts(kind, None, len(answer), _find_hedges(_STRING.sub(_without_key, text)))
    if not isinstance(value, dict):
        return AnswerFacts("not_an_object", None, len(answer), _find_hedges("\n".join(_texts(value))))
    label = text_of(read_field(value, field))
    said = list(_texts(value))
    if label in said:
        said.remove(label)
    said += [text[: span[0]], text[span[1] :]]
    kind = "wrapped" if {"prose", "code_fence"}.intersection(completion.wrapping) else "json"
    return AnswerFacts(kind, label, len(answer), _find_hedges("\n".join(said)))


def _texts(value: JSONValue) -> Iterator[str]:
    """Yield the texts among the values in a JSON value, in order."""
    pending = [value]
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            pending.extend(reversed(value.values()))
        elif isinstance(value, list):
            pending.extend(reversed(value))


def _without_key(string: re.Match[str]) -> str:
    return string[0] if string[1] is None else " "


def _is_cut_off(text: str, start: int) -> bool:
    """Return whether more text could close the list or object that begins at `start`."""
    try:
        json.JSONDecoder().raw_decode(text, start)
    except json.JSONDecodeError as error:
        rest = text[error.pos :].rstrip()
        return error.msg.startswith("Unterminated string") or bool(_BEGINNING.fullmatch(rest))
    except (ValueError, RecursionError):
        return False
    return False


def _find_hedges(text: str) -> tuple[str, ...]:
    """Return the different words and phrases of doubt in `text`, in order, folded; a phrase as its words.

    >>> _find_hedges("It may be the switch. Perhaps, perhaps not.")
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
