"""Numbers as a report writes them: never a false 0 or 1, and ends of an interval are seen to differ."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalayer_lab.report import write
from evalayer_lab.statistics import wilson_interval


@given(st.floats(-1e300, 1e300))
def test_numbers_never_round_to_a_false_end(value: float) -> None:
    shown = write.number(value).replace(",", "")
    if not shown.startswith(("almost", "-almost")):
        assert float(shown) == pytest.approx(value, rel=6e-3, abs=5.1e-4)
        assert (abs(float(shown)) == 1) == (abs(value) == 1) or not 0.9 < abs(value) < 1.1
        assert (float(shown) == 0) == (abs(value) < 1e-12)


@given(st.floats(0, 1))
def test_percents_never_round_to_a_false_end(value: float) -> None:
    shown = write.percent(value)
    assert (shown == "100%") == (value * 100 == 100)
    assert (shown == "0%") == (value == 0)


def test_intervals_in_words() -> None:
    whole = wilson_interval(8, 10)
    assert write.interval(whole) == "0.490 to 0.943"
    assert write.interval(replace(whole, low=None)) == "at most 0.943"
    assert write.interval(replace(whole, high=None)) == "at least 0.490"
    assert write.interval(wilson_interval(0, 0)) == "-"


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_ends_of_an_interval_are_seen_to_differ(successes: int, n: int) -> None:
    whole = wilson_interval(min(successes, n), n)
    shown = [*write.interval(whole).split(" to "), write.value(whole)]
    low, high, value = (float(text.removeprefix("almost ")) for text in shown)
    assert low < high
    assert low <= value <= high
