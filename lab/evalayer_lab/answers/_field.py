"""Where the value of a field stands in an answer, by character."""

from __future__ import annotations

import json
import re
from typing import Final, Literal, NamedTuple, TypeAlias

from evalayer import Completion, JSONValue

NoValue: TypeAlias = Literal["not_json", "no_field", "empty_value"]

_BEGIN_SOLUTION: Final = "<|begin_of_solution|>"
_END_SOLUTION: Final = "<|end_of_solution|>"
_SPACE: Final = re.compile(r"[ \t\n\r]*+")
_decode: Final = json.JSONDecoder().raw_decode


class FieldValue(NamedTuple):
    """A value in an answer: `answer[start:end]`, without the quotes of a JSON string.

    Attributes:
        start: the index of its first character.
        end: the index after its last character.
        after: what may follow the value: a closing quote, or what separates numbers from what comes next.
        is_json: whether it is spelled as JSON, with escapes.
    """

    start: int
    end: int
    after: str
    is_json: bool


def find_field(answer: str, field: str | None) -> FieldValue | NoValue:
    """Return where the value stands that `Completion` reads under `field`; without a field, the whole text.

    Of a key that is repeated the last value counts, as in `json.loads`. `a.b` is the key `b` of the object under
    `a`, unless the object has a key `a.b`.
    """
    completion = Completion("", answer, "")
    text = completion.text
    if not text:
        return "not_json" if field is not None else "empty_value"
    start = _text_start(answer, text)
    if field is None:
        return FieldValue(start, start + len(text), " \t\n\r", is_json=False)
    found = completion.json_span
    if found is None or not isinstance(completion.json, dict):
        return "not_json"
    span = _member(answer, start + found[0], field)
    if span is None:
        return "no_field"
    at, end = span
    if answer[at] != '"':
        return FieldValue(at, end, " \t\n\r,]}", is_json=True)
    return FieldValue(at + 1, end - 1, '"', is_json=True) if end - at > 2 else "empty_value"


def read_field(value: JSONValue, field: str) -> JSONValue:
    """Return what a parsed answer holds under `field`, by the same rules as `find_field`; None where it is absent."""
    while isinstance(value, dict):
        if field in value:
            return value[field]
        head, dot, field = field.partition(".")
        if not dot:
            return None
        value = value.get(head)
    return None


def _text_start(answer: str, text: str) -> int:
    # The text is one piece of the answer, and nothing but white space, a fence or the end marker follows it.
    if len(text) == len(answer):
        return 0
    start = answer.rfind(_BEGIN_SOLUTION) + 1
    if start:
        start += len(_BEGIN_SOLUTION) - 1
        end = answer.find(_END_SOLUTION, start)
    else:
        end = len(answer.rstrip()) - len(_END_SOLUTION) if answer.rstrip().endswith(_END_SOLUTION) else -1
    return answer.rfind(text, start, end if end >= 0 else len(answer))


def _member(text: str, opening: int, field: str) -> tuple[int, int] | None:
    """Return the span of the value under `field` in the valid JSON object that opens at `opening`."""
    head = field.partition(".")[0]
    whole = inner = None
    at = _skip(text, opening + 1)
    while text[at] == '"':
        key, at = _decode(text, at)
        at = _skip(text, _skip(text, at) + 1)
        _, end = _decode(text, at)
        if key == field:
            whole = at, end
        elif key == head:
            inner = at, end
        at = _skip(text, end)
        if text[at] != ",":
            break
        at = _skip(text, at + 1)
    if whole or not inner or text[inner[0]] != "{":
        return whole
    return _member(text, inner[0], field[len(head) + 1 :])


def _skip(text: str, at: int) -> int:
    if text[at] not in " \t\n\r":
        return at
    found = _SPACE.match(text, at)
    return found.end() if found else at
