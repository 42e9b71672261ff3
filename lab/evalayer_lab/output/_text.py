"""JSON as fast as it can be had, and any text that a model may write."""

from __future__ import annotations

import json
from typing import Any


def encode(value: object) -> bytes:
    """Encode as one line. Text with half of a surrogate pair, which orjson refuses, is escaped."""
    import orjson  # here, because whoever only looks for files does not need it

    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value).encode("ascii")


def decode(line: bytes) -> Any:
    """Decode a line of `encode`.

    Raises:
        ValueError: it is not JSON.
    """
    import orjson

    try:
        return orjson.loads(line)
    except ValueError:
        return json.loads(line)


def clean(text: str) -> str:
    r"""Write halves of surrogate pairs, which no file in UTF-8 holds, as `\ud800`.

    >>> clean("\ud800")
    '\\ud800'
    """
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")
