"""Python literals in text columns: `repr` of what JSON can hold, read without evaluating anything."""

from __future__ import annotations

import json
import re
from typing import Final, NoReturn

from evalayer import JSONValue

MAX_LENGTH: Final = 1 << 20  # characters of one literal
MAX_DEPTH: Final = 100

# Possessive quantifiers: no text makes these backtrack. A string that is never closed matches with an empty last group.
_TOKEN: Final = re.compile(
    r"""'((?:[^'\\\n]++|\\.)*+)('?)|"((?:[^"\\\n]++|\\.)*+)("?)|\b(?:True|False|None)\b""", re.DOTALL
)
_BRACKET_OR_STRING: Final = re.compile(r'[\[\]{}]|"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_NAMED_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", "'": "'", '"': '"'}
_WORDS: Final = {"True": "true", "False": "false", "None": "null"}


def parse_literal(text: str, *, max_length: int = MAX_LENGTH) -> JSONValue:
    r"""Parse the `repr` of a value that JSON can hold: dicts with text keys, lists, text, finite numbers, True, None.

    The text is translated to JSON and parsed as such, so JSON itself is understood too. Tuples, sets, bytes, NaN and
    infinities are not (a number beyond a double, `1e999`, is an infinity, as in Python).

    Raises:
        ValueError: the text is something else, longer than `max_length`, or nested deeper than `MAX_DEPTH`.

    >>> parse_literal("{'it\\'s': [1.5, None]}")
    {"it's": [1.5, None]}
    """
    if len(text) > max_length:
        raise ValueError(f"longer than {max_length} characters")
    if "\\" not in text and '"' not in text:  # most rows of most jobs
        translated = text.replace("'", '"')
        if "True" in translated or "False" in translated or "None" in translated:
            translated = _TOKEN.sub(_to_json, text)
    else:
        translated = _TOKEN.sub(_to_json, text)
    if translated.count("{") + translated.count("[") > MAX_DEPTH:
        _require_shallow(translated)
    try:
        value: JSONValue = _DECODER.decode(translated)
    except ValueError:
        raise ValueError("no Python literal of dicts, lists, text and finite numbers") from None
    return value


def _to_json(token: re.Match[str]) -> str:
    single, single_end, double, double_end = token.groups()
    content = double if single is None else single
    if content is None:
        return _WORDS[token[0]]
    if not (single_end or double_end):
        raise ValueError("a text in quotes is not closed")
    if "\\" in content:
        content = _ESCAPE.sub(_unescaped, content)
    return _quoted(content)


def _unescaped(escape: re.Match[str]) -> str:
    two, four, eight, other = escape.groups()
    if other is not None:
        if other not in _NAMED_ESCAPES:
            raise ValueError("an escape that repr does not write")
        return _NAMED_ESCAPES[other]
    code = int(two or four or eight, 16)
    if code > 0x10FFFF:
        raise ValueError("an escape beyond Unicode")
    return chr(code)


def _require_shallow(translated: str) -> None:
    depth = 0
    for token in _BRACKET_OR_STRING.finditer(translated):
        if token[0] in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
        elif token[0] in "]}":
            depth -= 1


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


_quoted: Final = json.JSONEncoder(ensure_ascii=False).encode
_DECODER: Final = json.JSONDecoder(parse_constant=_refuse)
