from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from evalayer_lab.statistics import mean_interval, prediction_powered_mean

LABELLED = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=30)


def variance(values: list[float]) -> float:
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values) / (len(values) - 1)


@given(rows=LABELLED, others=st.lists(st.floats(0, 1), min_size=2, max_size=60))
def test_equals_the_formula_written_out(rows: list[tuple[float, float]], others: list[float]) -> None:
    y, f = ([row[part] for row in rows] for part in (0, 1))
    n, m = len(y), len(others)
    y_mean, f_mean = sum(y) / n, sum(f) / n
    covariance = sum((a - y_mean) * (b - f_mean) for a, b in rows) / (n - 1)
    spread = variance(f + others)
    result = prediction_powered_mean(y, f, others, level=0.9, n_unscored=2)
    if spread > 1e-9:
        weight = min(1.0, max(0.0, covariance / ((1 + n / m) * spread)))
        assert result.weight == pytest.approx(weight, abs=1e-6)
    weight = result.weight
    mean = weight * sum(others) / m + y_mean - weight * f_mean
    error = (variance([a - weight * b for a, b in rows]) / n + weight**2 * variance(others) / m) ** 0.5
    half = scipy.stats.t.ppf(0.95, n - 1) * error
    estimate = result.estimate
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((mean, mean - half, mean + half), abs=1e-9)
    assert (estimate.method, estimate.n, estimate.n_unscored, result.n_unlabelled) == ("prediction-powered", n, 2, m)


def test_a_weight_of_zero_is_the_mean_of_the_labels() -> None:
    y, f = np.random.default_rng(0).random((2, 20))
    plain = mean_interval(y)
    for result in (
        prediction_powered_mean(y, f, f, weight=0.0),
        prediction_powered_mean(y, np.full(20, 0.5), np.full(9, 0.5)),
        prediction_powered_mean(y, f, []),
        prediction_powered_mean(y, -y, -f),
    ):
        assert result.weight == 0.0
        assert (result.estimate.low, result.estimate.high) == pytest.approx((plain.low, plain.high), abs=1e-12)


def test_good_predictions_narrow_the_interval_and_bad_ones_hardly_widen_it() -> None:
    generator = np.random.default_rng(0)
    truth = generator.random(2100)
    width = {}
    for name, noise in (("good", 0.05), ("bad", 50.0)):
        predictions = truth + generator.normal(0.3, noise, size=2100)
        estimate = prediction_powered_mean(truth[:100], predictions[:100], predictions[100:]).estimate
        assert estimate.low is not None
        assert estimate.high is not None
        width[name] = estimate.high - estimate.low
    plain = mean_interval(truth[:100])
    assert plain.low is not None
    assert plain.high is not None
    assert width["good"] < 0.4 * (plain.high - plain.low)
    assert width["bad"] < 1.02 * (plain.high - plain.low)


def test_few_rows() -> None:
    none = prediction_powered_mean([], [], [0.1, 0.2])
    assert (none.estimate.value, none.estimate.low, none.estimate.n, none.n_unlabelled) == (None, None, 0, 2)
    one = prediction_powered_mean([1.0], [0.9], [0.1, 0.2])
    assert (one.estimate.value, one.estimate.low, one.weight) == (1.0, None, 0.0)


@pytest.mark.parametrize(
    ("n", "others", "correlation", "least", "most"),
    [(20, 200, 0.9, 0.925, 0.96), (100, 300, 0.8, 0.935, 0.965), (200, 2000, 0.3, 0.935, 0.965)],
)
def test_covers(n: int, others: int, correlation: float, least: float, most: float) -> None:
    generator = np.random.default_rng(0)
    trials, covered = 2000, 0
    for _ in range(trials):
        predictions = generator.normal(size=n + others)
        labels = 0.5 + correlation * predictions[:n] + (1 - correlation**2) ** 0.5 * generator.normal(size=n)
        estimate = prediction_powered_mean(labels, predictions[:n], predictions[n:]).estimate
        assert estimate.low is not None
        assert estimate.high is not None
        covered += estimate.low <= 0.5 <= estimate.high
    assert least <= covered / trials <= most


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="one value for each of the 2 labelled rows, not 1"):
        prediction_powered_mean([1.0, 0.0], [0.5], [0.5])
    with pytest.raises(ValueError, match="predictions_on_unlabelled must be finite"):
        prediction_powered_mean([1.0], [0.5], [float("inf")])
    with pytest.raises(ValueError, match="weight must lie between 0 and 1, not 2"):
        prediction_powered_mean([1.0], [0.5], [0.5], weight=2)
