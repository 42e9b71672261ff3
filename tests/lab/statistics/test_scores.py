from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as sklearn_log_loss

from evalayer_lab.statistics import brier_decomposition, brier_score, log_loss, mean_interval

ROWS = st.lists(
    st.tuples(st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.2, 0.6, 1.0])), st.integers(0, 1)),
    min_size=1,
    max_size=60,
)


@given(rows=ROWS)
def test_equals_scikit_learn(rows: list[tuple[float, int]]) -> None:
    confidence, correct = map(list, zip(*rows, strict=True))
    expected = brier_score_loss(correct, confidence, labels=[0, 1])
    assert brier_score(confidence, correct).value == pytest.approx(expected, abs=1e-9)
    expected = sklearn_log_loss(correct, confidence, labels=[0, 1])
    assert log_loss(confidence, correct).value == pytest.approx(expected, abs=1e-9)


@given(rows=ROWS, bins=st.integers(1, 20), mass=st.booleans())
def test_the_parts_equal_their_definitions(rows: list[tuple[float, int]], bins: int, *, mass: bool) -> None:
    confidence, correct = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    if mass:
        parts = np.array_split(np.argsort(confidence, kind="stable"), bins)
    else:
        index = np.maximum(np.ceil(confidence * bins) - 1, 0)
        parts = [np.flatnonzero(index == bin_) for bin_ in range(bins)]
    reliability = resolution = within = 0.0
    for part in filter(len, parts):
        c, y = confidence[part], correct[part]
        weight = len(part) / len(rows)
        reliability += weight * (c.mean() - y.mean()) ** 2
        resolution += weight * (y.mean() - correct.mean()) ** 2
        within += weight * (np.mean((c - c.mean()) ** 2) - 2 * np.mean((c - c.mean()) * (y - y.mean())))
    found = brier_decomposition(confidence, correct, bins=bins, scheme="mass" if mass else "width")
    assert found.reliability.value == pytest.approx(reliability, abs=1e-9)
    assert found.resolution.value == pytest.approx(resolution, abs=1e-9)
    assert found.uncertainty.value == pytest.approx(correct.mean() * (1 - correct.mean()), abs=1e-9)
    assert found.within_bins.value == pytest.approx(within, abs=1e-9)
    assert found.brier == brier_score(confidence, correct)


def test_the_interval_is_that_of_a_mean() -> None:
    confidence, correct = np.array([0.2, 0.9, 0.7, 1.0]), np.array([0, 1, 0, 1])
    expected = mean_interval((confidence - correct) ** 2, level=0.9, n_unscored=2)
    assert brier_score(confidence, correct, level=0.9, n_unscored=2) == expected


def test_the_parts_have_intervals_when_asked_for() -> None:
    generator = np.random.default_rng(0)
    confidence = generator.random(500)
    found = brier_decomposition(confidence, generator.random(500) < confidence, resamples=200)
    for part in (found.reliability, found.resolution, found.uncertainty):
        assert part.low is not None
        assert part.high is not None
        assert part.low < part.high
        assert (part.resamples, part.seed) == (200, 0)
    assert found.resolution.low is not None
    assert found.resolution.low > 0.03
    assert found.within_bins.low is None


def test_a_certain_error_is_finite() -> None:
    assert log_loss([1.0], [0]).value == pytest.approx(52 * np.log(2), abs=1e-9)
    assert log_loss([1.0, 0.0], [1, 0]).value == 0.0


def test_no_rows() -> None:
    assert brier_score([], []).value is None
    assert log_loss([], []).value is None
    found = brier_decomposition([], [], resamples=10)
    assert [found.brier.value, found.reliability.value, found.within_bins.value, found.n] == [None, None, None, 0]


def test_bad_arguments() -> None:
    for function in (brier_score, log_loss, brier_decomposition):
        with pytest.raises(ValueError, match="confidence must lie in"):
            function([float("nan")], [1])
        with pytest.raises(ValueError, match="level"):
            function([0.5], [1], level=0)
