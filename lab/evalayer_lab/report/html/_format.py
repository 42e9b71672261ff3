"""How numbers are written, everywhere in the report."""

from __future__ import annotations

from typing import Final

from evalayer_lab.report._document import Estimate

NONE: Final = "–"
_MINUS: Final = "\u2212"
_MOST_DECIMALS: Final = 6


def number(value: float | None, *, sign: bool = False, width: float = 0.0) -> str:
    """Write a number with three decimals, with fewer from 10 on, with more where three would show a false 0 or 1.

    With the width of its interval, it has so many decimals that the ends of the interval are seen to differ.

    >>> number(0.81818), number(12.345), number(1234567.0), number(0.99996), number(None)
    ('0.818', '12.35', '1,234,567', '0.99996', '–')
    >>> number(-0.0123, sign=True), number(0.5, sign=True), number(0.81818, width=0.0008)
    ('−0.012', '+0.500', '0.8182')
    """
    if value is None:
        return NONE
    size = abs(value)
    decimals = 3 if size < 10 else 2 if size < 100 else 1 if size < 1000 else 0
    while decimals < _MOST_DECIMALS and 0 < width < 2 * 10**-decimals:
        decimals += 1
    shown = _decimals(size, decimals, one=1.0)
    return (_MINUS if value < 0 else "+" if sign and value > 0 else "") + shown


def percent(value: float | None) -> str:
    """Write a share in percent with one decimal, with more where one would show a false 0 or 100.

    >>> percent(0.6136), percent(1.0), percent(0.99996), percent(None)
    ('61.4%', '100%', '99.996%', '–')
    """
    if value is None:
        return NONE
    size = abs(value) * 100
    return f"{_MINUS if value < 0 else ''}{_decimals(size, 0 if size in {0.0, 100.0} else 1, one=100.0)}%"


def count(value: int | None) -> str:
    """Write a number of rows.

    >>> count(1000000), count(None)
    ('1,000,000', '–')
    """
    return NONE if value is None else f"{value:,}".replace("-", _MINUS)


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


def rows(value: int) -> str:
    """Write a number of rows with its noun.

    >>> rows(1), rows(2500)
    ('1 row', '2,500 rows')
    """
    return f"{count(value)} row" if value == 1 else f"{count(value)} rows"


def value(estimate: Estimate, *, sign: bool = False) -> str:
    """Write the value of an estimate, as finely as its interval needs it."""
    return number(estimate.value, sign=sign, width=_width(estimate))


def interval(estimate: Estimate, *, sign: bool = False) -> str:
    """Write the interval of an estimate, as "0.762 to 0.863"."""
    low, high = (number(end, sign=sign, width=_width(estimate)) for end in (estimate.low, estimate.high))
    if estimate.low is None:
        return NONE if estimate.high is None else f"at most {high}"
    return f"at least {low}" if estimate.high is None else f"{low} to {high}"


def level(value: float) -> str:
    """Write a confidence level, as "95%".

    >>> level(0.95), level(0.999)
    ('95%', '99.9%')
    """
    return f"{value * 100:.4g}%"


def p_value(value: float | None) -> str:
    """Write a p-value; below 0.001 only that it is below.

    >>> p_value(0.0421), p_value(1e-9), p_value(None)
    ('0.042', '<0.001', '–')
    """
    return NONE if value is None else "<0.001" if 0 <= value < 0.001 else number(value)


def _decimals(size: float, decimals: int, *, one: float) -> str:
    """Write a size with so many decimals, or with as many more as it takes not to be rounded to 0 or `one`."""
    if size >= 1e15 or 0 < size < 10**-_MOST_DECIMALS:
        return f"{size:.2e}".replace("-", _MINUS)
    for more in range(decimals, _MOST_DECIMALS + 1):
        shown = f"{size:,.{more}f}"
        if size in {0.0, one} or float(shown.replace(",", "")) not in {0.0, one}:
            return shown
    return f"almost {one:g}"


def _width(estimate: Estimate) -> float:
    return 0.0 if estimate.low is None or estimate.high is None else estimate.high - estimate.low
