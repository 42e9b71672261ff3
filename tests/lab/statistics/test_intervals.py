from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from evalayer_lab.statistics import mean_interval, score_interval, wilson_interval

LEVELS = st.sampled_from([0.5, 0.9, 0.95, 0.99])


@given(n=st.integers(1, 5000), share=st.floats(0, 1), level=LEVELS)
def test_wilson_equals_scipy(n: int, share: float, level: float) -> None:
    successes = round(share * n)
    estimate = wilson_interval(successes, n, level=level, n_unscored=3)
    expected = scipy.stats.binomtest(successes, n).proportion_ci(level, method="wilson")
    assert estimate.low == pytest.approx(expected.low, abs=1e-12)
    assert estimate.high == pytest.approx(expected.high, abs=1e-12)
    assert estimate.value == successes / n
    assert (estimate.level, estimate.method, estimate.n, estimate.n_unscored) == (level, "wilson", n, 3)


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=50), level=LEVELS)
def test_mean_equals_scipy(values: list[float], level: float) -> None:
    estimate = mean_interval(values, level=level)
    mean, sem = np.mean(values), scipy.stats.sem(values)
    assert estimate.value == pytest.approx(mean, abs=1e-9)
    assert estimate.low is not None
    assert estimate.high is not None
    if sem > 1e-6:  # scipy gives NaN for no spread
        low, high = scipy.stats.t.interval(level, len(values) - 1, loc=mean, scale=sem)
        assert estimate.low == pytest.approx(low, rel=1e-9, abs=1e-6)
        assert estimate.high == pytest.approx(high, rel=1e-9, abs=1e-6)


@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30))
def test_mean_of_any_finite_values_has_no_infinity(values: list[float]) -> None:
    estimate = mean_interval(values)
    assert estimate.value is not None
    assert math.isfinite(estimate.value)
    assert min(values) <= estimate.value * (1 + 1e-12) + 1e-300 or math.isclose(min(values), estimate.value)
    for end in (estimate.low, estimate.high):
        assert end is None or math.isfinite(end)


def test_wilson_has_width_at_both_ends() -> None:
    none, every = wilson_interval(0, 20), wilson_interval(20, 20)
    assert (none.low, every.high) == (0.0, 1.0)
    assert none.high == pytest.approx(0.1611, abs=1e-4)
    assert every.low == pytest.approx(1 - 0.1611, abs=1e-4)


def test_no_rows_have_no_value() -> None:
    for estimate in (wilson_interval(0, 0, n_unscored=7), mean_interval([], n_unscored=7)):
        assert (estimate.value, estimate.low, estimate.high) == (None, None, None)
        assert (estimate.n, estimate.n_unscored) == (0, 7)


def test_one_value_has_no_interval() -> None:
    estimate = mean_interval([0.25])
    assert (estimate.value, estimate.low, estimate.high, estimate.n) == (0.25, None, None, 1)


def test_equal_values_have_zero_width() -> None:
    estimate = mean_interval([0.1] * 10)
    assert estimate.low == estimate.value == estimate.high == 0.1


def test_the_mean_is_exact() -> None:
    assert mean_interval([1e16, 1.0, -1e16, 1.0]).value == 0.5


@pytest.mark.parametrize(
    ("values", "method"),
    [([0, 1, 1], "wilson"), ([1, 1], "wilson"), ([], "wilson"), ([0, 0.5], "student-t"), ([2, 2], "student-t")],
)
def test_zero_and_one_are_a_proportion(values: list[float], method: str) -> None:
    assert score_interval(values).method == method


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="successes must be from 0 to n=3, not 4"):
        wilson_interval(4, 3)
    with pytest.raises(ValueError, match="successes"):
        wilson_interval(-1, 3)
    with pytest.raises(ValueError, match="negative: n=-1"):
        wilson_interval(0, -1)
    with pytest.raises(ValueError, match="level must lie between 0 and 1, not 95"):
        wilson_interval(1, 3, level=95)
    with pytest.raises(ValueError, match="n_unscored=-1"):
        mean_interval([1.0, 2.0], n_unscored=-1)
    with pytest.raises(ValueError, match="finite"):
        mean_interval([1.0, float("nan")])
    with pytest.raises(ValueError, match=r"one-dimensional, not of shape \(1, 2\)"):
        score_interval([[1.0, 2.0]])


@pytest.mark.parametrize(("share", "n"), [(0.05, 60), (0.5, 30), (0.9, 220)])
def test_wilson_covers(share: float, n: int) -> None:
    draws = np.random.default_rng(0).binomial(n, share, size=4000)
    covered = {}
    for successes in np.unique(draws):
        estimate = wilson_interval(int(successes), n)
        assert estimate.low is not None
        assert estimate.high is not None
        covered[successes] = estimate.low <= share <= estimate.high
    assert 0.93 <= np.mean([covered[successes] for successes in draws]) <= 0.985


def test_student_t_covers() -> None:
    samples = np.random.default_rng(0).normal(3.0, 2.0, size=(3000, 8))
    covered = 0
    for sample in samples:
        estimate = mean_interval(sample, level=0.9)
        assert estimate.low is not None
        assert estimate.high is not None
        covered += estimate.low <= 3.0 <= estimate.high
    assert 0.88 <= covered / len(samples) <= 0.92
