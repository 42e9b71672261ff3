"""The cells of a details row: texts that hold Python literals, or columns that are nested already."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final

import orjson

from evalayer_lab.inputs import parse_literal
from evalayer_lab.output import METRIC_PREFIX, clean

Pairs = tuple[tuple[str, str], ...]

_NUMBERS: Final = frozenset({float, int, bool})
_MAX_CELL: Final = 64 << 20  # characters; log probabilities of 32,768 tokens with 20 alternatives take 25 million
_MAX_CACHED: Final = 1 << 12  # characters
_MAX_PAIRS: Final = 256
_NUMPY: Final = re.compile(r"\bnp\.(?:float|int)[0-9]+\(([^()'\"]*)\)")
_ARRAY: Final = re.compile(r"array\((.*?)(?:, dtype=[\w'<>.]+)?\)", re.DOTALL)
# One text in quotes, or minus infinity. Possessive quantifiers: no text makes these backtrack.
_TOKEN: Final = re.compile(r"""'((?:[^'\\\n]++|\\.)*+)'|"((?:[^"\\\n]++|\\.)*+)"|-inf\b""", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(['\"\\nrt]))|\"")
_NAMED: Final = {"n": "\\n", "r": "\\r", "t": "\\t", "\\": "\\\\", "'": "'", '"': '\\"'}


def digest(*parts: str | None) -> bytes:
    """16 bytes that stand for a sequence of texts."""
    hashed = blake2b(digest_size=16)
    for part in parts:
        if part is None:
            hashed.update(b"-")
        else:
            content = part.encode("utf-8", "backslashreplace")
            hashed.update(b"%d:" % len(content))
            hashed.update(content)
    return hashed.digest()


def plain_name(key: str) -> str:
    """The name a handler reported under, from the key that the container made of it.

    >>> plain_name("lambda_class.correct")
    'class.correct'
    """
    return _column_text(key.removeprefix(METRIC_PREFIX) or key)


def parse_scores(cell: object) -> Mapping[str, float]:
    """The reported numbers of a row by key, groups of them taken in; other values of the container are left out.

    Raises:
        ValueError: it is not a dict, or a value that a Lambda function reported is not a finite number.
    """
    value = _parsed(cell)
    if not isinstance(value, dict):
        raise ValueError("not a dict of numbers")
    scores: Mapping[str, float] = value if _NUMBERS.issuperset(map(type, value.values())) else _flattened(value)
    for key, number in scores.items():
        if not _is_finite(number):
            raise ValueError(f"{clean(key)} is not a finite number")
    return scores


@lru_cache(maxsize=256)
def name_columns(keys: tuple[str, ...]) -> tuple[tuple[int, str], ...]:
    """The values to keep and their plain names; of two keys with one name, that with `lambda_` stays."""
    columns: dict[str, int] = {}
    for index, key in enumerate(keys):
        name = plain_name(key)
        if name not in columns or key != name:
            columns[name] = index
    return tuple((index, name) for name, index in columns.items())


def parse_prompt(cell: object) -> str | None:
    """The user's text: the last message of the user where the cell holds messages, else the cell."""
    value = _nested(cell)
    if isinstance(value, list):
        texts = [
            message["content"]
            for message in value
            if isinstance(message, dict) and message.get("role") == "user" and isinstance(message.get("content"), str)
        ]
        if texts:
            return clean(texts[-1])
    return None if cell is None else clean(cell if isinstance(cell, str) else json.dumps(cell))


def parse_answer(cell: object) -> str | None:
    """The first prediction of a list of them, an array, or the text itself."""
    if cell is None:
        return None
    value: object = cell
    if isinstance(cell, str):
        array = _ARRAY.fullmatch(cell) if cell.startswith("array(") else None
        value = _nested(array[1] if array else cell)
        if not _holds_text(value):
            return clean(cell)
    while isinstance(value, list):
        value = value[0] if value else None
    return clean(value) if isinstance(value, str) else None


def parse_gold(cell: object) -> str | None:
    """The expected answer: the text itself, or the one text of what is the `repr` of a list."""
    if isinstance(cell, list):
        cell = cell[0] if len(cell) == 1 else json.dumps(cell)
    if isinstance(cell, str) and cell.startswith(("['", '["')):
        value = _nested(cell)
        if isinstance(value, list) and len(value) == 1 and repr(value) == cell:
            cell = value[0]
    return clean(cell) if isinstance(cell, str) else None


def parse_positions(cell: object) -> Sequence[Mapping[str, float]]:
    """The log probabilities of the first prediction by position and token; empty where there are none.

    Raises:
        ValueError: the cell is something else.
    """
    value = _logprobs(cell) if isinstance(cell, str) else cell
    if isinstance(value, list) and value and (value[0] is None or isinstance(value[0], list)):
        value = value[0]
    if not value:
        return ()
    if not isinstance(value, list):
        raise ValueError("not a list of positions")
    positions: list[Mapping[str, float]] = []
    for position in value:
        if not isinstance(position, dict):
            raise ValueError("a position is not a dict of tokens and log probabilities")
        known = position
        if not _NUMBERS.issuperset(map(type, position.values())):
            # A nested column has every token of the file at every position, most without a number.
            known = {token: number for token, number in position.items() if number is not None}
            if not _NUMBERS.issuperset(map(type, known.values())):
                raise ValueError("a log probability is not a number")
        positions.append(known)
    return positions


def parse_metadata_text(text: str) -> Pairs | None:
    """The keys and values of metadata, in order of key; None if it is not a JSON object. Nested values are left out."""
    return _parse_short_metadata(text) if len(text) <= _MAX_CACHED else _parse_metadata_text(text)


def _parse_metadata_text(text: str) -> Pairs | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return _pairs(value) if isinstance(value, dict) else None


_parse_short_metadata: Final = lru_cache(maxsize=4096)(_parse_metadata_text)


def parse_metadata(cell: object) -> Pairs | None:
    """The metadata of a row's `specifics`: empty where it has none, None where it is not a JSON object.

    Raises:
        ValueError: the cell is not a dict.
    """
    specifics = _parsed(cell) if cell else {}
    if not isinstance(specifics, dict):
        raise ValueError("not a dict")
    metadata = specifics.get("metadata")
    if metadata is None or metadata == "":
        return ()
    if isinstance(metadata, dict):
        return _pairs(metadata)
    return parse_metadata_text(metadata) if isinstance(metadata, str) else None


def _column_text(name: str) -> str:
    """A name as it can stand in a query: without NUL and halves of surrogate pairs."""
    return clean(name).replace("\0", "\\0")


def _pairs(value: Mapping[str, Any]) -> Pairs:
    scalars = (
        (_column_text(key), clean(item if isinstance(item, str) else json.dumps(item)))
        for key, item in value.items()
        if isinstance(item, str | int | float)
    )
    return tuple(sorted(dict(scalars).items())[:_MAX_PAIRS])


def _parsed(cell: object) -> object:
    if not isinstance(cell, str | None):
        return cell
    try:
        return parse_literal(cell or "")
    except ValueError:
        if cell and "np." in cell:
            return parse_literal(_NUMPY.sub(r"\1", cell))
        raise


def _nested(cell: object) -> object:
    """What a text that may be a literal holds; None if it is not one."""
    if not isinstance(cell, str):
        return cell
    if not cell.startswith("["):
        return None
    try:
        return parse_literal(cell, max_length=_MAX_CELL)
    except ValueError:
        return None


def _holds_text(value: object) -> bool:
    while isinstance(value, list) and value:
        value = value[0]
    return isinstance(value, str) or value == []


def _flattened(value: Mapping[str, object]) -> Mapping[str, float]:
    """Take in the values of dicts one level down: some tasks of the container put a group's name around them."""
    flat: dict[str, float] = {}
    for key, group in value.items():
        for name, number in group.items() if isinstance(group, dict) else ((key, group),):
            if isinstance(number, int | float):
                flat[name] = number
            elif name.startswith(METRIC_PREFIX):
                raise ValueError(f"{clean(name)} is a {type(number).__name__}, not a number")
    return flat


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # an int beyond a double
        return False


def _logprobs(text: str) -> object:
    """What `parse_literal` does, several times as fast, and for longer texts."""
    if len(text) > _MAX_CELL:
        raise ValueError(f"longer than {_MAX_CELL} characters")
    if not text or text == "[]":
        return None
    translated = text.replace("'", '"') if "\\" not in text and '"' not in text else None
    if translated is None or "inf" in translated:
        translated = _TOKEN.sub(_to_json, text)
    try:
        return orjson.loads(translated)
    except ValueError:  # also half a surrogate pair, which the slower parser understands
        return _parsed(text)


def _to_json(token: re.Match[str]) -> str:
    single, double = token.groups()
    content = double if single is None else single
    if content is None:
        return "-1e308"  # its exponential is 0, as is that of minus infinity
    if "\\" not in content:
        return '"' + content.replace('"', '\\"') + '"'
    return f'"{_ESCAPE.sub(_json_escape, content)}"'


def _json_escape(escape: re.Match[str]) -> str:
    two, four, eight, other = escape.groups()
    if escape[0] == '"':
        return '\\"'
    if other is not None:
        return _NAMED[other]
    if eight is not None:
        return json.dumps(chr(int(eight, 16)))[1:-1] if int(eight, 16) <= 0x10FFFF else "\\u"
    return f"\\u{four or '00' + two}"
