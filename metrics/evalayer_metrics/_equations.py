"""Equations that a text states, worked out again."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

from evalayer_metrics._numbers import parse_number

_REST: Final = r"\d{0,14}+(?:[.,]\d{1,15}+){0,4}+"
_TERM: Final = rf"[-−]?\d{_REST}"
_EQUATION: Final = re.compile(
    rf"\d(?<![\w.,]\d){_REST}(?P<rest>(?:\s?[-+*/−–×·÷x]\s?{_TERM}){{1,8}}+)\s?=\s?(?P<right>{_TERM})(?![\w%])"
)
_STEP: Final = re.compile(rf"(?P<operator>[-+*/−–×·÷x])\s?(?P<term>{_TERM})")


def right_equations(text: str) -> float:
    """Return the share of equations in `text` that are right to the digits given; 1.0 where it states none.

    An equation is two to nine numbers joined by + - * / (or × · ÷ x), an equals sign and a number. Times and divided
    by bind first. Exact: no floating point. The tail of a longer expression, as in 2y - 3 + 5 = 8, is none.

    >>> right_equations("3 racks of 12 make 3 * 12 = 36, and 10 / 3 = 3.33, but 2 + 2 = 5.")
    0.6666666666666666
    """
    if "=" not in text:
        return 1.0
    verdicts: list[bool] = []
    for found in _EQUATION.finditer(text):
        sign = _sign_before(text[max(0, found.start() - 8) : found.start()])
        if sign:
            first = text[found.start() : found.start("rest")]
            verdicts.append(_is_right(sign * _number(first)[0], found["rest"], found["right"]))
    return sum(verdicts) / len(verdicts) if verdicts else 1.0


def _sign_before(lead: str) -> int:
    # 1 or -1, or 0 where the number goes on with something that stands before it.
    before = lead.rstrip(" ")
    if not before.endswith(("-", "−", "+", "*", "/", "–", "×", "·", "÷")):
        return 1
    is_joined = before == lead
    outside = before[:-1]
    if is_joined and before[-1] in "-−" and (not outside or outside[-1] in " \n\t(=:"):
        return -1
    return int(not is_joined and before[-1] in "-–*" and not outside.strip(" ").rpartition("\n")[2])


def _is_right(first: Fraction | int, rest: str, right: str) -> bool:
    total: Fraction | int = 0
    product = first
    for found in _STEP.finditer(rest):
        operator, term = found["operator"], _number(found["term"])[0]
        if operator in {"*", "×", "·", "x"}:
            product *= term
        elif operator in {"/", "÷"}:
            if not term:
                return False
            product = Fraction(product) / term
        else:
            total += product
            product = -term if operator in {"-", "−", "–"} else term
    stated, decimals = _number(right)
    return bool(-1 <= 2 * 10**decimals * (total + product - stated) <= 1)


def _number(term: str) -> tuple[Fraction | int, int]:
    spelled = parse_number(term.lstrip("-−")) or "0"
    value = int(spelled) if spelled.isdigit() else Fraction(spelled)
    return (value if term[0].isdigit() else -value), len(spelled.partition(".")[2])
