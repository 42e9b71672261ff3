"""How a report writes numbers and names on a terminal and in sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from evalayer_lab.report._document import Estimate

_LONGEST: Final = 60  # characters of a name or label
_MISSING: Final = "-"
_ROUNDING: Final = 1e-12


def number(value: float | None, *, signed: bool = False) -> str:
    """A figure with three decimals, or significant digits where these are too few or too many; a dash for None.

    >>> number(0.64051), number(12345.0), number(None), number(0.02, signed=True), number(0.00012)
    ('0.641', '1.234e+04', '-', '+0.020', '0.00012')
    """
    if value is None:
        return _MISSING
    sign = "+" if signed else ""
    if abs(value) < _ROUNDING:
        value = 0.0  # never -0.000
    elif abs(value) < 0.0005:
        return f"{value:{sign}.2g}"
    return f"{value:{sign}.3f}" if abs(value) < 1000 else f"{value:{sign}.4g}"


def confidence(value: float) -> str:
    """A confidence with four decimals, or with as many as tell it from 0 and from 1.

    >>> confidence(0.6), confidence(0.87654), confidence(0.99999987)
    ('0.6', '0.8765', '0.99999987')
    """
    room = min(value, 1 - value)
    decimals = 4 if room <= 0 else max(4, 2 - math.floor(math.log10(room)))
    return f"{value:.{decimals}f}".rstrip("0").rstrip(".")


def share(value: float | None) -> str:
    """A share in percent with one decimal, a whole one without.

    >>> share(0.12345), share(0.05)
    ('12.3 %', '5 %')
    """
    return _MISSING if value is None else f"{100 * value:.1f}".removesuffix(".0") + " %"


def interval(estimate: Estimate, *, signed: bool = False) -> str:
    """Both ends, or a dash where the data give none."""
    if estimate.low is None or estimate.high is None:
        return _MISSING
    return f"{number(estimate.low, signed=signed)} to {number(estimate.high, signed=signed)}"


def level_of(estimate: Estimate) -> str:
    """The confidence level in percent."""
    return f"{100 * estimate.level:g} %"


def shown(text: str, limit: int | None = _LONGEST) -> str:
    r"""A text of the data fit for one line: not longer than `limit`, control characters replaced.

    >>> shown("a\x1bb")
    'a�b'
    """
    if limit is not None and len(text) > limit:
        text = text[: limit - 1] + "…"
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def conditions_of(conditions: Mapping[str, str]) -> str:
    """The values of metadata keys that hold, for a sentence."""
    return " and ".join(f"{key} = {value}" for key, value in conditions.items())


def kind_of(error: str) -> str:
    """The name of a kind of error in words.

    >>> kind_of("not_json"), kind_of("schema: minLength")
    ('not JSON', 'schema: minLength')
    """
    return error if ":" in error else error.replace("_", " ").replace("json", "JSON")
