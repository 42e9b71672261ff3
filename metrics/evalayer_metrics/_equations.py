"""Equations that a text states, worked out again."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

from evalayer_metrics._numbers import parse_number

_TERM: Final = r"[-−]?\d{1,15}+(?:[.,]\d{1,15}+){0,4}+"
_EQUATION: Final = re.compile(
    rf"(?<![\w.,])(?P<left>{_TERM}(?:\s?[-+*/−–×·÷x]\s?{_TERM}){{1,8}}+)\s?=\s?(?P<right>{_TERM})(?![\w%])"
)
_TOKEN: Final = re.compile(rf"(?P<operator>[-+*/−–×·÷x])?\s?(?P<term>{_TERM})")


def right_equations(text: str) -> float:
    """Return the share of equations in `text` that are right to the digits given; 1.0 where it states none.

    An equation is two to nine numbers joined by + - * / (or × · ÷ x), an equals sign and a number. Times and divided
    by bind first. Exact: no floating point.

    >>> right_equations("3 racks of 12 make 3 * 12 = 36, and 10 / 3 = 3.33, but 2 + 2 = 5.")
    0.6666666666666666
    """
    if "=" not in text:
        return 1.0
    verdicts = [_is_right(found["left"], found["right"]) for found in _EQUATION.finditer(text)]
    return sum(verdicts) / len(verdicts) if verdicts else 1.0


def _is_right(left: str, right: str) -> bool:
    total = Fraction(0)
    product = Fraction(0)
    for found in _TOKEN.finditer(left):
        operator, term = found["operator"], _number(found["term"])[0]
        if operator in {"*", "×", "·", "x"}:
            product *= term
        elif operator in {"/", "÷"}:
            if not term:
                return False
            product /= term
        else:
            total += product
            product = -term if operator in {"-", "−", "–"} else term
    stated, decimals = _number(right)
    return bool(abs(total + product - stated) * 2 <= Fraction(1, 10**decimals))


def _number(term: str) -> tuple[Fraction, int]:
    spelled = parse_number(term.lstrip("-−")) or "0"
    value = Fraction(spelled)
    return (value if term[0].isdigit() else -value), len(spelled.partition(".")[2])
