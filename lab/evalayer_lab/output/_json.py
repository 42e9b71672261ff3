"""JSON as fast as it can be had, and any text that a model may write."""

from __future__ import annotations

import json
from typing import Any

import orjson


def encode(value: object) -> bytes:
    """Encode as one line. Text with half of a surrogate pair, which orjson refuses, is escaped."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value).encode("ascii")


def decode(line: bytes) -> Any:
    """Decode a line of `encode`.

    Raises:
        ValueError: it is not JSON.
    """
    try:
        return orjson.loads(line)
    except ValueError:
        return json.loads(line)
