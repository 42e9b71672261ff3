"""What a table's cell becomes in a dataset."""

from __future__ import annotations

import math
from datetime import date, datetime, time
from decimal import Decimal
from typing import Final

import orjson

_BROKEN: Final = "has half of a character (\\ud800 to \\udfff), which is valid in pairs only"


class UnusableCell(ValueError):
    """A cell that cannot be written; the message says why."""


def as_text(value: object) -> str | None:
    """A cell as text: None for nothing; numbers, lists and objects as JSON; times and decimals as they are written.

    Raises:
        UnusableCell: binary data, a number that JSON has not, or a broken character.
    """
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise UnusableCell(_BROKEN) from error
        return value
    if value is None:
        return None
    if isinstance(value, Decimal | date | datetime | time):
        return value.isoformat() if not isinstance(value, Decimal) else str(value)
    return to_json(value).decode()


def to_json(value: object) -> bytes:
    """A value as one line of JSON.

    Raises:
        UnusableCell: as for `as_text`.
    """
    try:
        return orjson.dumps(_plain(value))
    except (orjson.JSONEncodeError, RecursionError) as error:
        reason = str(error)
        raise UnusableCell(_BROKEN if "surrogates" in reason else reason) from error


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise UnusableCell("is not a finite number")
    if isinstance(value, bytes | memoryview):
        raise UnusableCell("is binary data, not text")
    if isinstance(value, Decimal):
        return str(value)
    return value
