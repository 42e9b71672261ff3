"""What a model wrote, without what it wrapped around it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple, NoReturn, TypeAlias

JSONValue: TypeAlias = "dict[str, JSONValue] | list[JSONValue] | str | int | float | bool | None"
Wrapping: TypeAlias = Literal["solution_markers", "reasoning", "code_fence", "prose"]

_BEGIN_SOLUTION: Final = "<|begin_of_solution|>"
_END_SOLUTION: Final = "<|end_of_solution|>"
_REASONING: Final = (
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<reasoning>", "</reasoning>"),
)
# Possessive: no text makes these backtrack. A string that is never closed matches too, with an empty group.
_STRING_OR_BRACE: Final = re.compile(r'"(?:[^"\\]++|\\.)*+("?)|[{}]', re.DOTALL)
_BRACE: Final = re.compile(r"[{}]")
_MAX_DEPTH: Final = 100
_MAX_STARTS: Final = 32  # places in prose where an object is looked for: bounds the work at 32 times the text


class Unwrapped(NamedTuple):
    """An answer's text and what was taken off to get to it, outermost first."""

    text: str
    wrapping: tuple[Wrapping, ...]


class Parsed(NamedTuple):
    """What was found when a text was parsed as JSON.

    Attributes:
        value: the value; None if there is none, or if it is null.
        span: where it stands in the text, as the start and the end of a slice; None if there is none.
        in_prose: whether something stands around it.
        unclosed: where an object begins that the text ends before closing; None if there is none.
    """

    value: JSONValue
    span: tuple[int, int] | None
    in_prose: bool
    unclosed: int | None


def unwrap(output: str) -> Unwrapped:
    """Take off solution markers, a reasoning block before the answer, and a code fence around all of it.

    A block that was opened and never closed (the answer was cut off) is taken off as well: an unfinished
    reasoning block leaves nothing.

    >>> unwrap("<think>easy</think><|begin_of_solution|>yes<|end_of_solution|>")
    Unwrapped(text='yes', wrapping=('solution_markers', 'reasoning'))
    """
    text = output.strip()
    wrapping: list[Wrapping] = []
    before, marker, solution = text.rpartition(_BEGIN_SOLUTION)
    if marker:
        wrapping.append("solution_markers")
        if before.strip():
            wrapping.append("reasoning")
        text = solution.partition(_END_SOLUTION)[0].strip()
    elif text.endswith(_END_SOLUTION):
        wrapping.append("solution_markers")
        text = text.removesuffix(_END_SOLUTION).rstrip()
    answer = _without_reasoning(text)
    if answer is not None:
        if "reasoning" not in wrapping:
            wrapping.append("reasoning")
        text = answer
    body = _without_fence(text)
    if body is not None:
        wrapping.append("code_fence")
        text = body
    return Unwrapped(text, tuple(wrapping))


def _without_reasoning(text: str) -> str | None:
    if "<" not in text:
        return None
    for opening, closing in _REASONING:
        if text.startswith(opening):
            return text.partition(closing)[2].strip()
        # A chat template may have written the opening tag into the prompt: then only the closing one is here.
        before, tag, after = text.partition(closing)
        if tag and opening not in before and not before.lstrip().startswith(("{", "[", "`")):
            return after.strip()
    return None


def _without_fence(text: str) -> str | None:
    if not text.startswith("```"):
        return None
    first, newline, body = text.partition("\n")
    if not newline:  # ```{"class": "network"}``` on one line
        inner = first.strip("`").strip()
        return inner.removeprefix("json").strip() if first.endswith("```") and len(first) > 6 else None
    if not first[3:].strip().replace("+", "").replace("-", "").isalnum() and first[3:].strip():
        return None
    body = body.rstrip()
    if body.endswith("```"):
        body = body[:-3]
    if "```" in body:  # several blocks: the fence is not around all of it
        return None
    return body.strip()


def parse_json(text: str) -> Parsed:
    """Parse `text` as JSON, or else the longest JSON object that stands in it.

    Numbers that are not finite (NaN, Infinity, 1e999) and nesting beyond 100 levels are not JSON here.
    An object that is broken, or cut off by the end of the text, is not searched for smaller ones inside it.

    >>> parse_json('Sure: {"class": "network"}. Anything else?')
    Parsed(value={'class': 'network'}, span=(6, 26), in_prose=True, unclosed=None)
    """
    bare = text.strip(" \t\n\r")
    whole = _decoded(bare)
    if whole is not None or text.strip() == "null":
        start = text.index(bare)
        return Parsed(whole, (start, start + len(bare)), in_prose=False, unclosed=None)
    best: JSONValue = None
    span: tuple[int, int] | None = None
    unclosed: int | None = None
    longest = 0
    end = 0
    for _ in range(_MAX_STARTS):
        start = text.find("{", end)
        if start < 0:
            break
        end = closing(text, start)
        if end < 0:
            unclosed = start
            break
        if end - start > longest:
            value = _decoded(text[start:end])
            if value is not None:
                best, span, longest = value, (start, end), end - start
    return Parsed(best, span, in_prose=span is not None, unclosed=unclosed)


def _decoded(text: str) -> JSONValue:
    """Return the value that `text` is in JSON; None if it is none, or null."""
    try:
        value, end = _DECODER.raw_decode(text) if _is_shallow(text) else (None, len(text))
    except (ValueError, RecursionError):
        return None
    return value if end == len(text) else None


def closing(text: str, start: int) -> int:
    """Return the index after the brace that closes the one at `start`; -1 if the text ends first."""
    depth = 0
    for found in _marks(text, start):
        mark = found[0]
        if mark == "{":
            depth += 1
        elif mark == "}":
            depth -= 1
            if not depth:
                return found.end()
    return -1


def _marks(text: str, start: int) -> Iterator[re.Match[str]]:
    """Yield strings and braces in one pass; a string that is never closed is text, and so is every quote after it."""
    for found in _STRING_OR_BRACE.finditer(text, start):
        if found[1] == "":
            yield from _BRACE.finditer(text, found.start())
            return
        yield found


def _refuse(text: str) -> NoReturn:
    raise ValueError("not JSON")


def _is_shallow(text: str) -> bool:
    if text.count("{") + text.count("[") <= _MAX_DEPTH:
        return True
    depth = 0
    in_string = escaped = False
    for character in text:
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "{[":
            depth += 1
            if depth > _MAX_DEPTH:
                return False
        elif character in "}]":
            depth -= 1
    return True


def _finite(text: str) -> float:
    value = float(text)
    return value if value - value == 0.0 else _refuse(text)


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)
