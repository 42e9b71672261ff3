from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar as mcnemar_of_table

from evalayer_lab.statistics import (
    clustered_standard_error,
    mcnemar,
    mean_interval,
    paired_difference,
    permutation_test,
)

ZERO_ONE = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=60)
SCORES = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=12)


@given(rows=ZERO_ONE)
def test_mcnemar_equals_statsmodels(rows: list[tuple[int, int]]) -> None:
    a, b = (np.array(column) for column in zip(*rows, strict=True))
    table = [[np.sum(a & b), np.sum(a & ~b & 1)], [np.sum(~a & 1 & b), np.sum((1 - a) & (1 - b))]]
    test = mcnemar(a, b, n_unscored=2)
    differing = int(np.sum(a != b))
    expected = mcnemar_of_table(table, exact=True).pvalue if differing else 1.0
    assert test.p_value == pytest.approx(expected, abs=1e-12)
    assert (test.n, test.n_unscored, test.n_a_higher, test.n_b_higher) == (len(a), 2, table[0][1], table[1][0])
    mid = mcnemar(a, b, mid_p=True)
    tie = scipy.stats.binom.pmf(min(test.n_a_higher, test.n_b_higher), differing, 0.5)
    both = 2 * scipy.stats.binom.cdf(min(test.n_a_higher, test.n_b_higher), differing, 0.5)
    assert mid.p_value == pytest.approx(both - tie, abs=1e-12)
    assert (test.method, mid.method) == ("mcnemar-exact", "mcnemar-mid-p")


def test_mcnemar_of_a_million_rows_and_of_none() -> None:
    a, b = np.zeros(1_000_000), np.zeros(1_000_000)
    a[:5000], b[5000:10_400] = 1, 1
    assert mcnemar(a, b).p_value == pytest.approx(scipy.stats.binomtest(5000, 10_400).pvalue, rel=1e-9)
    assert mcnemar([], []).p_value is None
    assert mcnemar([1, 1], [1, 1]).p_value == 1.0


@given(rows=SCORES)
def test_few_differences_are_enumerated(rows: list[tuple[float, float]]) -> None:
    a, b = (np.array(column) for column in zip(*rows, strict=True))
    difference = (b - a)[b != a]
    far = abs(difference.sum()) - 1e-12 * np.abs(difference).sum()
    patterns = [abs(np.dot(signs, difference)) >= far for signs in product([-1, 1], repeat=len(difference))]
    test = permutation_test(a, b)
    assert test.p_value == pytest.approx(np.mean(patterns), abs=1e-12)
    assert (test.method, test.seed, test.resamples) == ("sign-flip-exact", None, None)


def test_few_differences_equal_scipy() -> None:
    a, b = np.random.default_rng(0).normal(size=(2, 11))
    expected = scipy.stats.permutation_test((b - a,), np.sum, permutation_type="samples", n_resamples=2**11)
    assert permutation_test(a, b).p_value == pytest.approx(expected.pvalue, abs=1e-12)


def test_many_differences_are_drawn() -> None:
    generator = np.random.default_rng(0)
    a = generator.normal(size=200)
    for b in (a + generator.normal(0.1, 1.0, size=200), a + generator.choice([-1.0, 1.0], p=[0.43, 0.57], size=200)):
        test = permutation_test(a, b, resamples=20_000, seed=3, n_unscored=1)
        difference = b - a
        if len(np.unique(np.abs(difference).round(9))) == 1:
            expected = scipy.stats.binomtest(int(np.sum(difference > 0)), 200).pvalue
        else:
            expected = 2 * scipy.stats.norm.sf(abs(difference.sum()) / np.sqrt(np.sum(difference**2)))
        assert test.p_value == pytest.approx(expected, abs=0.012)
        assert (test.method, test.seed, test.resamples, test.n_unscored) == ("sign-flip", 3, 20_000, 1)
        assert permutation_test(a, b, resamples=20_000, seed=3) != permutation_test(a, b, resamples=20_000, seed=4)
    assert permutation_test(np.zeros(30), np.ones(30), resamples=99).p_value == 0.01


def test_a_million_rows_of_few_values() -> None:
    generator = np.random.default_rng(0)
    a, b = generator.integers(0, 5, size=(2, 1_000_000)) / 4
    difference = b - a
    expected = 2 * scipy.stats.norm.sf(abs(difference.sum()) / np.sqrt(np.sum(difference**2)))
    assert permutation_test(a, b).p_value == pytest.approx(expected, abs=0.03)


def test_clusters_flip_together() -> None:
    a, b = np.zeros(40), np.repeat([0.5, 0.3, -0.1, 0.2], 10)
    clusters = np.repeat(["w", "x", "y", "z"], 10).tolist()
    assert permutation_test(a, b, clusters=clusters).p_value == permutation_test(np.zeros(4), b[::10]).p_value == 0.25
    test = permutation_test(a, b, clusters=clusters)
    assert (test.n, test.n_a_higher, test.n_b_higher) == (40, 10, 30)


def test_rows_that_all_agree_and_no_rows() -> None:
    assert permutation_test([0.5, 0.7], [0.5, 0.7]).p_value == 1.0
    assert permutation_test([], []).p_value is None
    result = paired_difference([], [])
    assert (result.estimate.value, result.standard_error, result.sd) == (None, None, None)
    alike = paired_difference([1, 0, 1, 1], [1, 0, 1, 1])
    assert alike.estimate.value == 0.0
    assert alike.estimate.high is not None
    assert alike.estimate.high == -(alike.estimate.low or 0.0) > 0
    assert paired_difference([0.5], [1.0]).standard_error is None


@given(rows=ZERO_ONE)
def test_difference_of_zero_one_scores(rows: list[tuple[int, int]]) -> None:
    a, b = (np.array(column) for column in zip(*rows, strict=True))
    n = len(a)
    u, v = (np.sum(a > b) + 1) / (n + 2), (np.sum(b > a) + 1) / (n + 2)
    half = scipy.stats.norm.ppf(0.95) * np.sqrt((u + v - (v - u) ** 2) / (n + 2))
    estimate = paired_difference(a, b, level=0.9, n_unscored=4).estimate
    assert estimate.value == pytest.approx(np.mean(b) - np.mean(a), abs=1e-12)
    assert (estimate.low, estimate.high) == pytest.approx((max(-1, v - u - half), min(1, v - u + half)), abs=1e-9)
    assert (estimate.method, estimate.n, estimate.n_unscored) == ("bonett-price", n, 4)


def test_difference_of_other_scores() -> None:
    a, b = np.random.default_rng(0).normal(size=(2, 60))
    result = paired_difference(a, b)
    expected = scipy.stats.ttest_rel(b, a)
    interval = expected.confidence_interval(0.95)
    assert (result.estimate.low, result.estimate.high) == pytest.approx((interval.low, interval.high), abs=1e-9)
    assert result.standard_error == pytest.approx(scipy.stats.sem(b - a), abs=1e-12)
    assert result.sd == pytest.approx(np.std(b - a, ddof=1), abs=1e-12)
    clusters = np.arange(60) // 4
    clustered = paired_difference(a, b, clusters=clusters)
    assert clustered.estimate == mean_interval(b - a, clusters=clusters)
    assert clustered.standard_error == clustered_standard_error(b - a, clusters, finite_clusters=True)
    assert paired_difference(a, b, clusters=["all"] * 60).standard_error is None


@pytest.mark.parametrize(
    ("n", "differing", "difference", "least", "most"),
    [
        (200, 0.2, 0.05, 0.935, 0.965),
        (1000, 0.02, 0.0, 0.935, 0.975),
        (30, 0.5, 0.2, 0.935, 0.975),
        (50, 0.1, 0.0, 0.95, 1),
    ],
)
def test_difference_of_zero_one_scores_covers(
    n: int, differing: float, difference: float, least: float, most: float
) -> None:
    generator = np.random.default_rng(0)
    only_a, trials, covered = (differing - difference) / 2, 2000, 0
    for draw in generator.random((trials, n)):
        estimate = paired_difference(draw < only_a, (draw >= only_a) & (draw < differing)).estimate
        assert estimate.low is not None
        assert estimate.high is not None
        covered += estimate.low <= difference <= estimate.high
    assert least <= covered / trials <= most


def test_a_run_sampled_again_rarely_differs() -> None:
    generator = np.random.default_rng(0)
    trials = 1000
    tests = ("interval", "mcnemar", "mid-p", "sign-flip", "interval of scores", "sign-flip of clusters")
    called = dict.fromkeys(tests, 0)
    for seed in range(trials):
        share = generator.beta(4, 1, size=120)  # each row's chance to be right; a model is asked twice
        a, b = generator.random((2, 120)) < share
        estimate = paired_difference(a, b).estimate
        assert estimate.low is not None
        assert estimate.high is not None
        called["interval"] += not estimate.low <= 0 <= estimate.high
        called["mcnemar"] += (mcnemar(a, b).p_value or 0) <= 0.05
        called["mid-p"] += (mcnemar(a, b, mid_p=True).p_value or 0) <= 0.05
        scores = share + generator.normal(0, 0.1, size=(2, 120))
        called["sign-flip"] += (permutation_test(*scores, resamples=199, seed=seed).p_value or 0) <= 0.05
        estimate = paired_difference(*scores).estimate
        assert estimate.low is not None
        assert estimate.high is not None
        called["interval of scores"] += not estimate.low <= 0 <= estimate.high
        clusters = np.arange(120) // 6
        scores[1] += generator.normal(0, 0.1, size=20)[clusters]
        test = permutation_test(*scores, clusters=clusters, resamples=199, seed=seed)
        called["sign-flip of clusters"] += (test.p_value or 0) <= 0.05
    # At most 5% by construction; 1.2 points are two standard errors of 1,000 trials.
    assert called["mcnemar"] <= 0.05 * trials
    assert called["interval"] <= 0.05 * trials
    assert max(called.values()) <= 0.062 * trials, called


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="same rows, not 1 and 2"):
        paired_difference([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="b must be finite"):
        permutation_test([1.0], [float("nan")])
    with pytest.raises(ValueError, match="a and b must be 0 or 1 on every row"):
        mcnemar([0.5], [1.0])
    with pytest.raises(ValueError, match="resamples must be at least 1"):
        permutation_test([1.0], [0.0], resamples=0)
    with pytest.raises(ValueError, match="n_unscored=-1"):
        mcnemar([1.0], [0.0], n_unscored=-1)
    with pytest.raises(ValueError, match="level"):
        paired_difference([1.0], [0.0], level=0)
