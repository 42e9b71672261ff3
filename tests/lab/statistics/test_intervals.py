from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import scipy.stats
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from statsmodels.stats.proportion import proportion_confint

from evalayer_lab.statistics import (
    Estimate,
    clopper_pearson_interval,
    clustered_standard_error,
    jeffreys_interval,
    mean_interval,
    score_interval,
    wilson_interval,
)

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
    largest = np.finfo(np.float64).max
    assert mean_interval([largest] * 3).value == largest


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


@given(n=st.integers(1, 5000), share=st.floats(0, 1), level=LEVELS)
def test_clopper_pearson_equals_scipy(n: int, share: float, level: float) -> None:
    successes = round(share * n)
    estimate = clopper_pearson_interval(successes, n, level=level, n_unscored=3)
    expected = scipy.stats.binomtest(successes, n).proportion_ci(level, method="exact")
    assert (estimate.low, estimate.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert (estimate.value, estimate.method, estimate.n_unscored) == (successes / n, "clopper-pearson", 3)


@given(n=st.integers(2, 5000), share=st.floats(0, 1), level=LEVELS)
def test_jeffreys_equals_statsmodels(n: int, share: float, level: float) -> None:
    successes = round(share * n)
    estimate = jeffreys_interval(successes, n, level=level)
    low, high = proportion_confint(successes, n, alpha=1 - level, method="jeffreys")
    assert estimate.low == (0.0 if successes == 0 else pytest.approx(low, abs=1e-12))
    assert estimate.high == (1.0 if successes == n else pytest.approx(high, abs=1e-12))
    assert (estimate.value, estimate.method) == (successes / n, "jeffreys")


def test_exact_intervals_without_rows_and_with_very_many() -> None:
    for interval in (clopper_pearson_interval, jeffreys_interval):
        assert (interval(0, 0).value, interval(0, 0).low) == (None, None)
        many, wilson = interval(9 * 10**8, 10**9), wilson_interval(9 * 10**8, 10**9)
        assert (many.low, many.high) == pytest.approx((wilson.low, wilson.high), abs=1e-8)
        with pytest.raises(ValueError, match="successes must be from 0 to n=1, not 2"):
            interval(2, 1)


@given(rows=st.lists(st.tuples(st.floats(-100, 100), st.integers(0, 5)), min_size=2, max_size=60))
def test_clustered_errors_equal_statsmodels(rows: list[tuple[float, int]]) -> None:
    values, clusters = (np.array(column) for column in zip(*rows, strict=True))
    if len(np.unique(clusters)) == 1:
        return
    for finite in (False, True):
        fit = sm.OLS(values, np.ones(len(values))).fit(
            cov_type="cluster", cov_kwds={"groups": clusters, "use_correction": finite}
        )
        error = clustered_standard_error(values, clusters, finite_clusters=finite)
        assert error == pytest.approx(float(fit.bse[0]), rel=1e-9, abs=1e-9)
    names = [f"text {cluster}" for cluster in clusters]
    assert clustered_standard_error(values, names) == pytest.approx(clustered_standard_error(values, clusters))
    estimate = mean_interval(values, clusters=clusters)
    assert estimate.high is not None
    assert estimate.value is not None
    half = scipy.stats.t.ppf(0.975, len(np.unique(clusters)) - 1) * error
    assert estimate.high - estimate.value == pytest.approx(half, rel=1e-9, abs=1e-9)


def test_clustered_error_as_double_sum() -> None:
    generator = np.random.default_rng(0)
    values, clusters = generator.normal(size=40), generator.integers(0, 8, size=40)
    rest = values - values.mean()
    together = sum(rest[i] * rest[j] for i in range(40) for j in range(40) if i != j and clusters[i] == clusters[j])
    expected = math.sqrt((rest @ rest + together) / 40**2)
    assert clustered_standard_error(values, clusters) == pytest.approx(expected, rel=1e-12)


def test_clusters_of_one_row_are_rows() -> None:
    values = np.random.default_rng(0).normal(size=30)
    clustered, rows = mean_interval(values, clusters=np.arange(30)), mean_interval(values)
    assert (clustered.low, clustered.high) == pytest.approx((rows.low, rows.high), abs=1e-12)
    assert clustered.method == "student-t-clustered"


def test_one_cluster_has_no_interval() -> None:
    estimate = mean_interval([1.0, 2.0, 4.5], clusters=["a", "a", "a"])
    assert (estimate.value, estimate.low, estimate.high) == (2.5, None, None)
    with pytest.raises(ValueError, match="clusters has one cluster"):
        clustered_standard_error([1.0, 2.0], [0, 0], finite_clusters=True)
    with pytest.raises(ValueError, match="values has no row"):
        clustered_standard_error([], [])
    with pytest.raises(ValueError, match="one cluster for each of the 2 rows, not 1"):
        clustered_standard_error([1.0, 2.0], [0])


def coverage(ends: list[tuple[float, float]], share: float) -> float:
    """Exact coverage of an interval of proportions: no simulation."""
    n = len(ends) - 1
    inside = np.array([low <= share <= high for low, high in ends])
    return float(scipy.stats.binom.pmf(np.arange(n + 1), n, share) @ inside)


@pytest.mark.parametrize(
    ("interval", "n", "mean", "least", "most"),
    [
        (wilson_interval, 20, (0.945, 0.96), 0.92, 0.98),
        (wilson_interval, 200, (0.945, 0.955), 0.935, 0.97),
        (jeffreys_interval, 20, (0.94, 0.955), 0.89, 0.99),
        (jeffreys_interval, 200, (0.945, 0.955), 0.935, 0.96),
        (clopper_pearson_interval, 20, (0.96, 0.98), 0.95, 1.0),
        (clopper_pearson_interval, 200, (0.95, 0.965), 0.95, 1.0),
    ],
)
def test_proportions_cover(
    interval: Callable[[int, int], Estimate], n: int, mean: tuple[float, float], least: float, most: float
) -> None:
    estimates = [interval(successes, n) for successes in range(n + 1)]
    ends = [(one.low, one.high) for one in estimates if one.low is not None and one.high is not None]
    covered = [coverage(ends, share) for share in np.linspace(0.05, 0.95, 181)]
    assert mean[0] <= np.mean(covered) <= mean[1]
    assert least <= min(covered) <= max(covered) <= most


@pytest.mark.parametrize(("groups", "least", "most"), [(10, 0.915, 0.95), (100, 0.935, 0.965)])
def test_clustered_means_cover(groups: int, least: float, most: float) -> None:
    generator = np.random.default_rng(0)
    covered, trials = 0, 2000
    for _ in range(trials):
        clusters = np.repeat(np.arange(groups), generator.integers(1, 12, size=groups))
        values: NDArray[np.float64] = generator.normal(size=groups)[clusters] + generator.normal(size=len(clusters))
        estimate = mean_interval(values, clusters=clusters)
        assert estimate.low is not None
        assert estimate.high is not None
        covered += estimate.low <= 0.0 <= estimate.high
    assert least <= covered / trials <= most


def test_student_t_covers() -> None:
    samples = np.random.default_rng(0).normal(3.0, 2.0, size=(3000, 8))
    covered = 0
    for sample in samples:
        estimate = mean_interval(sample, level=0.9)
        assert estimate.low is not None
        assert estimate.high is not None
        covered += estimate.low <= 3.0 <= estimate.high
    assert 0.88 <= covered / len(samples) <= 0.92
