from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from evalayer_lab.statistics import (
    Recalibration,
    cross_fit,
    expected_calibration_error,
    fit_isotonic,
    fit_platt,
    fit_temperature,
)

Floats = NDArray[np.float64]
Fit = Callable[[ArrayLike, ArrayLike], Recalibration]

FITS: list[Fit] = [fit_temperature, fit_platt, fit_isotonic]
GRID = np.linspace(0, 1, 301)


def sample(seed: int, n: int, decimals: int = 9) -> tuple[Floats, NDArray[np.bool_]]:
    generator = np.random.default_rng(seed)
    confidence = generator.beta(4, 1.5, size=n).round(decimals)
    return confidence, generator.random(n) < confidence**1.5


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), n=st.sampled_from([20, 200]), decimals=st.sampled_from([1, 9]))
def test_isotonic_equals_scikit_learn(seed: int, n: int, decimals: int) -> None:
    rows = sample(seed, n, decimals)
    expected = IsotonicRegression(out_of_bounds="clip").fit(*rows).predict(GRID)
    assert fit_isotonic(*rows)(GRID) == pytest.approx(expected, abs=1e-9)


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), decimals=st.sampled_from([2, 9]))
def test_platt_equals_scikit_learn(seed: int, decimals: int) -> None:
    confidence, correct = sample(seed, 300, decimals)
    logits = logit(confidence.clip(2**-52, 1 - 2**-52))
    model = LogisticRegression(C=np.inf, tol=1e-12, max_iter=1000, solver="newton-cholesky")
    model.fit(logits[:, None], correct)
    fitted = fit_platt(confidence, correct)
    assert not fitted.smoothed
    assert (fitted.slope, fitted.intercept) == pytest.approx((model.coef_[0, 0], model.intercept_[0]), abs=1e-9)


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), n=st.sampled_from([30, 300]), decimals=st.sampled_from([1, 9]))
def test_temperature_is_the_best(seed: int, n: int, decimals: int) -> None:
    confidence, correct = sample(seed, n, decimals)
    margin = logit(confidence.clip(2**-52, 1 - 2**-52)) * np.where(correct, 1, -1)

    def loss(inverse: float) -> float:
        return float(np.logaddexp(0, -inverse * margin).sum())

    best = minimize_scalar(loss, bounds=(0.01, 100), method="bounded", options={"xatol": 1e-10})
    fitted = fit_temperature(confidence, correct)
    assert 1 / fitted.temperature == pytest.approx(best.x, rel=1e-6)
    assert loss(1 / fitted.temperature) <= best.fun + 1e-9
    inverse = 1 / fitted.temperature
    assert np.sum(margin / (1 + np.exp(inverse * margin))) == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize(
    ("confidence", "correct", "temperature"),
    [
        ([0.9, 0.8], [1, 1], 0.01),
        ([0.9, 0.8], [0, 0], 100.0),
        ([0.5, 0.5], [1, 0], 1.0),
        ([1.0, 0.0], [1, 0], 0.01),
        ([1.0], [0], 100.0),
        ([0.6, 0.9, 0.2], [1, 0, 1], 100.0),
    ],
)
def test_temperature_stays_within_bounds(confidence: list[float], correct: list[int], temperature: float) -> None:
    assert fit_temperature(confidence, correct).temperature == temperature


@pytest.mark.parametrize(
    ("confidence", "correct"),
    [([0.9, 0.8], [1, 1]), ([0.9, 0.8], [0, 0]), ([0.9, 0.8, 0.8, 0.3], [1, 1, 0, 0]), ([0.2, 0.9], [1, 0])],
)
def test_platt_smooths_where_rows_can_be_told_apart(confidence: list[float], correct: list[int]) -> None:
    fitted = fit_platt(confidence, correct)
    assert fitted.smoothed
    right = correct.count(1)
    targets = [(right + 1) / (right + 2) if each else 1 / (len(correct) - right + 2) for each in correct]
    residual = np.array(targets) - fitted(confidence)
    assert residual.sum() == pytest.approx(0, abs=1e-9)
    assert residual @ logit(confidence) == pytest.approx(0, abs=1e-9)


def test_platt_of_a_constant_keeps_the_order() -> None:
    fitted = fit_platt([0.9] * 4, [1, 0, 0, 0])
    assert (fitted.slope, fitted.smoothed) == (1.0, False)
    assert fitted([0.9]).tolist() == pytest.approx([0.25], abs=1e-12)


@pytest.mark.parametrize("extreme", [0.0, 1.0])
def test_certainty_is_finite(extreme: float) -> None:
    for fit in FITS:
        mapped = fit([extreme] * 50 + [0.4, 0.6], [1, 0] * 25 + [0, 1])([0.0, extreme, 1.0])
        assert np.all((mapped >= 0) & (mapped <= 1))


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("correct", [0, 1])
def test_one_row(fit: Fit, correct: int) -> None:
    mapped = fit([0.7], [correct])([0.7])
    assert abs(mapped[0] - correct) < 0.51


@pytest.mark.parametrize("fit", FITS)
def test_a_map_is_json(fit: Fit) -> None:
    document = json.loads(json.dumps(fit(*sample(0, 50)).to_json()))
    assert document["method"] == fit.__name__.removeprefix("fit_")
    assert document["n"] == 50
    if document["method"] == "isotonic":
        mapped = np.interp(GRID, document["confidence"], document["accuracy"])
        assert mapped.tolist() == fit(*sample(0, 50))(GRID).tolist()


@pytest.mark.parametrize("fit", FITS)
def test_cross_fitting_is_by_the_other_folds(fit: Fit) -> None:
    confidence, correct = sample(1, 103)
    mapped = cross_fit(fit, confidence, correct, folds=4, seed=7)
    fold = np.random.Generator(np.random.PCG64(7)).permutation(103) % 4
    for part in range(4):
        inside = fold == part
        expected = fit(confidence[~inside], correct[~inside])(confidence[inside])
        assert mapped[inside].tolist() == expected.tolist()


@pytest.mark.parametrize("fit", FITS)
def test_recalibration_helps_on_rows_that_were_not_seen(fit: Fit) -> None:
    confidence, correct = sample(2, 5000)
    before = expected_calibration_error(confidence, correct).value
    after = expected_calibration_error(cross_fit(fit, confidence, correct), correct).value
    assert before is not None
    assert after is not None
    assert after < 0.75 * before


def test_bad_arguments() -> None:
    for fit in FITS:
        with pytest.raises(ValueError, match="confidence has no row: there is nothing to fit"):
            fit([], [])
        with pytest.raises(ValueError, match="row 0 has nan"):
            fit([float("nan")], [1])
        with pytest.raises(ValueError, match=r"row 1 has -0\.1"):
            fit([0.5], [1])([0.5, -0.1])
    with pytest.raises(ValueError, match="folds must be from 2 to the number of rows, 3, not 5"):
        cross_fit(fit_platt, [0.5] * 3, [1] * 3)
    with pytest.raises(ValueError, match="seed must not be negative"):
        cross_fit(fit_platt, [0.5] * 9, [1] * 9, seed=-1)
