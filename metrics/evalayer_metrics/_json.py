"""Equality of JSON values."""

from __future__ import annotations

from evalayer import Completion, JSONValue


def json_equal(left: JSONValue, right: JSONValue) -> bool:
    """Compare two values as JSON does: 1 is 1.0, but neither is true; the order of an object's keys is nothing.

    >>> json_equal({"a": 1, "b": [True]}, {"b": [True], "a": 1.0})
    True
    >>> json_equal(1, True)
    False
    """
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(json_equal(value, right[key]) for key, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(json_equal, left, right))
    return left == right


def is_bare_json(completion: Completion) -> bool:
    """Return whether the answer is JSON with no prose around it."""
    return completion.is_json and "prose" not in completion.wrapping


def text_of(value: JSONValue) -> str | None:
    """Return text as it is and a number or truth value as JSON spells it; None for anything else.

    >>> text_of(True)
    'true'
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, int | float) else None
