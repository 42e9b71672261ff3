"""Equality of numbers."""

from __future__ import annotations

import math
import re
from typing import Final, NamedTuple

from evalayer import Completion, InvalidMetric, Metric, Score, Unscored
from evalayer_metrics._numbers import NUMBER, parse_number

_SIGNED: Final = re.compile(
    rf"(?<![a-zA-Z0-9_])(?P<sign>(?<![\w)\]])[-+−–])?(?:[$€£¥]\s?)?(?P<number>{NUMBER})(?P<percent>\s?[%٪％])?"
)


class numeric_match(Metric):  # noqa: N801 (called like the functions beside it)
    """Whether the last number of the answer is the last number of the gold.

    1.0 where they differ by at most `absolute`, or by at most `relative` times the larger magnitude (the rule of
    Python's `math.isclose`); otherwise, and for an answer without a number, 0.0. Reads separators of thousands,
    decimal commas, a leading minus of any kind, currency signs, exponents and percent: where only one of the two has
    a percent sign, 12% is both 12 and 0.12. Unscored for a gold without a number. Source: the last number as the
    answer follows the evaluation of GSM8K, Cobbe et al. 2021.

    Args:
        relative: the relative tolerance.
        absolute: the absolute tolerance.
        name: what it reports under.

    Raises:
        InvalidMetric: a tolerance is negative or not finite.

    >>> numeric_match().score(Completion("", "That makes 1,234.50 dollars.", "#### 1234.5"))
    1.0
    """

    def __init__(self, *, relative: float = 1e-6, absolute: float = 0.0, name: str = "numeric_match") -> None:
        super().__init__(name)
        for tolerance in (relative, absolute):
            if not 0.0 <= tolerance < math.inf:
                raise InvalidMetric(f"{name}: {tolerance} is not a tolerance: use a finite number of at least 0")
        self.relative = relative
        self.absolute = absolute

    def score(self, completion: Completion) -> Score:
        """Score one completion."""
        gold = _last_number(completion.gold)
        if gold is None:
            return Unscored("the gold has no number")
        answer = _last_number(completion.text)
        if answer is None:
            return 0.0
        readings = [answer.value]
        if answer.percent != gold.percent:
            readings.append(answer.value / 100 if answer.percent else answer.value * 100)
        return float(any(math.isclose(r, gold.value, rel_tol=self.relative, abs_tol=self.absolute) for r in readings))


class _Number(NamedTuple):
    value: float
    percent: bool


def _last_number(text: str) -> _Number | None:
    last = None
    for last in _SIGNED.finditer(text):  # noqa: B007 (the last is what is wanted)
        pass
    spelled = parse_number(last["number"]) if last else None
    if last is None or spelled is None:
        return None
    value = float(spelled)
    if math.isinf(value):
        return None
    return _Number(-value if last["sign"] in {"-", "−", "–"} else value, percent=last["percent"] is not None)
