"""Reading single values as the AWS SDK's pydantic models read them: text from bytes, numbers from text, and so on.

A reader takes a value and returns what the model holds, or raises a ValueError whose message goes on where the
field's name ends: `is a list; it must be text`. No message quotes a value, because values are rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from enum import Enum
from typing import Any, Final, TypeAlias

Reader: TypeAlias = Callable[[Any], Any]
Fault: TypeAlias = tuple[tuple[str, ...], str]

_SHOWN_FAULTS: Final = 10
_KEY_LENGTH: Final = 60
_TWO_HUNDRED: Final = re.compile(r"\+?(0_?)*2_?0_?0(\.0+)?")
_KINDS: Final[Mapping[type, str]] = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "an object",
}


class ValidationError(ValueError):
    """A payload that breaks the contract of the evaluation container.

    Attributes:
        model: the name of the payload's class.
        faults: for each fault, the path of the field and what is wrong with it.
    """

    def __init__(self, model: str, faults: Sequence[Fault]) -> None:
        self.model = model
        self.faults = tuple(faults)
        shown = [f"{'.'.join(path)} {text}" for path, text in faults[:_SHOWN_FAULTS]]
        if len(faults) > _SHOWN_FAULTS:
            shown.append(f"and {len(faults) - _SHOWN_FAULTS} more")
        super().__init__(f"{model}: {'; '.join(shown)}")


def kind(value: object) -> str:
    """Say what a value is without showing it."""
    return _KINDS.get(type(value), f"of type {type(value).__name__}")


def key(name: str) -> str:
    """Show the name of a field that was not expected, as ASCII and cut to a bounded length."""
    name = name.encode("ascii", "backslashreplace").decode()
    return name if len(name) <= _KEY_LENGTH else f"{name[:_KEY_LENGTH]}…"


def text(value: Any) -> str:
    """Read text: a string, UTF-8 bytes, or the value of an enum's member.

    Raises:
        ValueError: it is none of these.
    """
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bytes | bytearray):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise ValueError("holds bytes that are not UTF-8 text") from None
    raise ValueError(f"is {kind(value)}; it must be text")


def optional_text(value: Any) -> str | None:
    """Read text or None."""
    return None if value is None else text(value)


def metric_value(value: Any) -> float | int:
    """Read the value of a metric: an int stays an int, all else that is or reads as a number becomes a float.

    NaN and the infinities pass, as they do in the AWS SDK.

    Raises:
        ValueError: it does not read as a number.
    """
    value = _member_value(value)
    return value if type(value) is int else _float(value)


def status_code(value: Any) -> int:
    """Read a status code, which can only be 200.

    Raises:
        ValueError: it is not 200.
    """
    value = _member_value(value)
    if isinstance(value, str | bytes):
        is_200 = _TWO_HUNDRED.fullmatch(_stripped(value)) is not None
    else:
        is_200 = _float(value) == 200
    if not is_200:
        raise ValueError("must be 200")
    return 200


def _member_value(value: Any) -> Any:
    return value.value if isinstance(value, Enum) and not isinstance(value, int | float) else value


def _float(value: Any) -> float:
    with suppress(Exception):  # whatever a foreign __float__ raises, the value is no number
        if isinstance(value, str | bytes):
            return float(_ungrouped(_stripped(value)))
        if hasattr(type(value), "__float__") or hasattr(type(value), "__index__"):
            return float(value)
    raise ValueError(f"is {kind(value)}; it must be a number")


def _stripped(value: str | bytes) -> str:
    stripped = text(value).strip()
    return stripped if stripped.isascii() else ""


def _ungrouped(number: str) -> str:
    misplaced = number.startswith("_") or number.endswith("_") or "__" in number
    return "" if misplaced else number.replace("_", "")
