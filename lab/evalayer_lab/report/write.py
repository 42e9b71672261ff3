"""How numbers and names are written: on a terminal, in sentences and in HTML alike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from evalayer_lab.statistics import Estimate

MISSING: Final = "-"
_LONGEST: Final = 60  # characters of a name or label
_MOST_DECIMALS: Final = 6
_ROUNDING: Final = 1e-12


def number(value: float | None, *, sign: bool = False, width: float = 0.0) -> str:
    """Write a number with three decimals, with fewer from 10 on, with more where three would show a false 0 or 1.

    With the width of its interval, it has so many decimals that the ends of the interval are seen to differ.

    >>> number(0.81818), number(12.345), number(1234567.0), number(0.99996), number(None)
    ('0.818', '12.35', '1,234,567', '0.99996', '-')
    >>> number(-0.0123, sign=True), number(0.5, sign=True), number(0.81818, width=0.0008)
    ('-0.012', '+0.500', '0.8182')
    """
    if value is None:
        return MISSING
    size = abs(value)
    if size < _ROUNDING:
        value = size = 0.0  # what is left of a sum that is 0
    decimals = 3 if size < 10 else 2 if size < 100 else 1 if size < 1000 else 0
    while decimals < _MOST_DECIMALS and 0 < width < 2 * 10**-decimals:
        decimals += 1
    return ("-" if value < 0 else "+" if sign else "") + _decimals(size, decimals, one=1.0)


def value(estimate: Estimate, *, sign: bool = False) -> str:
    """Write the value of an estimate, as finely as its interval needs it."""
    return number(estimate.value, sign=sign, width=_width(estimate))


def interval(estimate: Estimate, *, sign: bool = False) -> str:
    """Write the interval of an estimate, as "0.762 to 0.863"."""
    low, high = (number(end, sign=sign, width=_width(estimate)) for end in (estimate.low, estimate.high))
    if estimate.low is None:
        return MISSING if estimate.high is None else f"at most {high}"
    return f"at least {low}" if estimate.high is None else f"{low} to {high}"


def percent(share: float | None) -> str:
    """Write a share in percent with one decimal, a whole one without, with more where one shows a false 0 or 100.

    >>> percent(0.6136), percent(0.05), percent(1.0), percent(0.99996), percent(None)
    ('61.4%', '5%', '100%', '99.996%', '-')
    """
    if share is None:
        return MISSING
    shown = _decimals(abs(share) * 100, 1, one=100.0).removesuffix(".0")
    return f"{'-' if share < 0 else ''}{shown}%"


def level(share: float) -> str:
    """Write a share that was given, as a confidence level, as exactly as it was given.

    >>> level(0.95), level(0.9975)
    ('95%', '99.75%')
    """
    return f"{share * 100:.4g}%"


def confidence(value: float) -> str:
    """Write a confidence with four decimals, or with as many as tell it from 0 and from 1.

    >>> confidence(0.6), confidence(0.87654), confidence(0.99999987)
    ('0.6', '0.8765', '0.99999987')
    """
    room = min(value, 1 - value)
    decimals = 4 if room <= 0 else max(4, 2 - math.floor(math.log10(room)))
    return f"{value:.{decimals}f}".rstrip("0").rstrip(".")


def threshold(value: float, above: float) -> str:
    """Write a threshold in as few digits, from six on, as tell it from the next confidence `above` it.

    >>> threshold(0.6, 0.9), threshold(0.999999997, 0.999999998)
    ('0.6', '0.999999997')
    """
    digits = next(digits for digits in range(6, 18) if value <= float(f"{value:.{digits}g}") < above)
    return f"{value:.{digits}g}"


def p_value(value: float | None) -> str:
    """Write a p-value; below 0.001 only that it is below.

    >>> p_value(0.0421), p_value(1e-9), p_value(None)
    ('0.042', '<0.001', '-')
    """
    return MISSING if value is None else "<0.001" if 0 <= value < 0.001 else number(value)


def count(value: int | None) -> str:
    """Write how many there are.

    >>> count(1000000), count(None)
    ('1,000,000', '-')
    """
    return MISSING if value is None else f"{value:,}"


def rows(value: int) -> str:
    """Write a number of rows with its noun.

    >>> rows(1), rows(2500)
    ('1 row', '2,500 rows')
    """
    return f"{value:,} row" if value == 1 else f"{value:,} rows"


def better(*, higher: bool | None) -> str:
    """Write which way is good."""
    return {True: "higher", False: "lower", None: MISSING}[higher]


def are(value: int) -> str:
    """The verb of a number of things."""
    return "is" if value == 1 else "are"


def have(value: int) -> str:
    """The verb of a number of things."""
    return "has" if value == 1 else "have"


def short_count(value: int) -> str:
    """Write a number of rows in at most four characters, for labels within a chart.

    >>> [short_count(value) for value in (7, 999, 1234, 81_900, 812_345, 999_999, 1_234_567, 45_000_000)]
    ['7', '999', '1k', '82k', '812k', '1.0M', '1.2M', '45M']
    """
    for unit, letter, decimals in ((1e9, "G", 1), (1e6, "M", 1), (1e3, "k", 0)):
        if abs(value) >= unit * 0.9995:
            scaled = value / unit
            return f"{scaled:.{decimals if abs(scaled) < 9.95 else 0}f}{letter}"
    return str(value)


def tick_count(value: float) -> str:
    """Write a number of rows at a tick of an axis, exactly; nothing at a fraction of a row.

    >>> [tick_count(value) for value in (0, 0.2, 500, 1500, 200_000, 2_500_000)]
    ['0', '', '500', '1.5k', '200k', '2.5M']
    """
    if value != round(value):
        return ""
    return next(
        (f"{value / unit:g}{letter}" for unit, letter in ((1e6, "M"), (1e3, "k")) if value >= unit), f"{value:g}"
    )


def one_line(text: str, most: int | None = _LONGEST) -> str:
    r"""A text of the data fit for one line: at most `most` characters long, control characters replaced.

    >>> one_line("a\x1bb")
    'a�b'
    """
    if most is not None and len(text) > most:
        text = text[: most - 1] + "…"
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def conditions(given: Mapping[str, str]) -> str:
    """Write the values of metadata keys that hold, for a sentence."""
    return " and ".join(f"{key} = {value}" for key, value in given.items())


def words(name: str) -> str:
    """Write a name of ours in words, as that of a kind of error.

    >>> words("not_json"), words("schema: minLength"), words("f1_macro")
    ('not JSON', 'schema: minLength', 'f1 macro')
    """
    return name if ":" in name else name.replace("_", " ").replace("json", "JSON")


def _decimals(size: float, decimals: int, *, one: float) -> str:
    """Write a size with so many decimals, or with as many more as it takes not to be rounded to 0 or `one`."""
    if size >= 1e15 or 0 < size < 10**-_MOST_DECIMALS:
        return f"{size:.2e}"
    for more in range(decimals, _MOST_DECIMALS + 1):
        shown = f"{size:,.{more}f}"
        if size in {0.0, one} or float(shown.replace(",", "")) not in {0.0, one}:
            return shown
    return f"almost {one:g}"


def _width(estimate: Estimate) -> float:
    return 0.0 if estimate.low is None or estimate.high is None else estimate.high - estimate.low
