"""What kind of answer a model gave, the label in it, and its words of doubt."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from evalayer import Completion, JSONValue
from evalayer._answer import closing
from evalayer_lab.answers._hedges import find_hedges
from evalayer_lab.answers._value import object_start, unclosed, value_at
from evalayer_metrics._json import text_of

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
        return AnswerFacts("text", text, len(answer), find_hedges(text))
    value = completion.json
    if not completion.is_json:
        cut = _is_cut_off(text)
        return AnswerFacts(
            "cut_off" if cut else "not_json", None, len(answer), find_hedges(_STRING.sub(_without_key, text))
        )
    if not isinstance(value, dict):
        return AnswerFacts("not_an_object", None, len(answer), find_hedges("\n".join(_texts(value))))
    label = text_of(value_at(value, field))
    said = list(_texts(value))
    if label in said:
        said.remove(label)
    prose = "prose" in completion.wrapping
    if prose:
        start = object_start(text, value)
        said += [text[:start], text[closing(text, start) :]]
    kind = "wrapped" if prose or "code_fence" in completion.wrapping else "json"
    return AnswerFacts(kind, label, len(answer), find_hedges("\n".join(said)))


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


def _is_cut_off(text: str) -> bool:
    """Return whether more text could close the list that `text` is, or an object in it."""
    start = 0 if text[0] == "[" else unclosed(text)
    if start < 0:
        return False
    try:
        json.JSONDecoder().raw_decode(text, start)
    except json.JSONDecodeError as error:
        rest = text[error.pos :].rstrip()
        return error.msg.startswith("Unterminated string") or bool(_BEGINNING.fullmatch(rest))
    except (ValueError, RecursionError):
        return False
    return False
