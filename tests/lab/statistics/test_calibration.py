from __future__ import annotations

import math
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from evalayer_lab.statistics import (
    Estimate,
    debiased_l2_calibration_error,
    expected_calibration_error,
    l2_calibration_error,
    maximum_calibration_error,
    mean_interval,
    reliability_curve,
    wilson_interval,
)

Rows = list[tuple[float, int]]

CONFIDENCES = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.1, 0.2, 1 / 3, 0.6, 0.7, 0.8, 0.9, 1.0]))
ROWS = st.lists(st.tuples(CONFIDENCES, st.integers(0, 1)), max_size=60)
BINS = st.integers(1, 20)


def columns(rows: Rows) -> tuple[list[float], list[int]]:
    return [confidence for confidence, _ in rows], [correct for _, correct in rows]


def width_bins(rows: Rows, bins: int) -> list[Rows]:
    parts: list[Rows] = [[] for _ in range(bins)]
    for confidence, correct in rows:
        parts[max(0, math.ceil(confidence * bins) - 1)].append((confidence, correct))
    return parts


def mass_bins(rows: Rows, bins: int) -> list[Rows]:
    ranked = sorted(rows, key=lambda row: row[0])
    return [[ranked[index] for index in part] for part in np.array_split(np.arange(len(ranked)), bins)]


def gaps(parts: list[Rows]) -> list[tuple[float, float, int]]:
    """Mean confidence minus accuracy, accuracy, and rows of every bin that has rows."""
    found = []
    for part in parts:
        if part:
            accuracy = sum(correct for _, correct in part) / len(part)
            found.append((math.fsum(confidence for confidence, _ in part) / len(part) - accuracy, accuracy, len(part)))
    return found


def noise(accuracy: float, size: int) -> float:
    return accuracy * (1 - accuracy) / (size - 1)


@given(rows=ROWS, bins=BINS, mass=st.booleans())
def test_equals_the_definitions(rows: Rows, bins: int, *, mass: bool) -> None:
    scheme: Literal["width", "mass"] = "mass" if mass else "width"
    found = gaps(mass_bins(rows, bins) if mass else width_bins(rows, bins))
    n = max(1, len(rows))
    debiased = sum(size * (gap**2 - noise(accuracy, size)) for gap, accuracy, size in found if size > 1) / n
    expected: list[tuple[Callable[..., Estimate], float]] = [
        (expected_calibration_error, sum(size * abs(gap) for gap, _, size in found) / n),
        (maximum_calibration_error, max((abs(gap) for gap, _, _ in found), default=0.0)),
        (l2_calibration_error, sum(size * gap**2 for gap, _, size in found) / n),
        (debiased_l2_calibration_error, max(0.0, debiased)),
    ]
    for function, value in expected:
        estimate = function(*columns(rows), bins=bins, scheme=scheme)
        assert estimate.n == len(rows)
        if not rows:
            assert estimate.value is None
            continue
        assert estimate.value is not None
        is_root = "l2" in function.__name__  # the root of a rounding error is large, so its square is compared
        assert (estimate.value**2 if is_root else estimate.value) == pytest.approx(value, abs=1e-9)


@given(rows=ROWS, bins=BINS, mass=st.booleans())
def test_the_curve_equals_the_definition(rows: Rows, bins: int, *, mass: bool) -> None:
    curve = reliability_curve(*columns(rows), bins=bins, scheme="mass" if mass else "width", n_unscored=3)
    parts = [part for part in mass_bins(rows, bins) if part] if mass else width_bins(rows, bins)
    assert len(curve.bins) == len(parts)
    assert (curve.n, curve.n_unscored) == (len(rows), 3)
    for index, (each, part) in enumerate(zip(curve.bins, parts, strict=True)):
        assert each.accuracy == wilson_interval(sum(correct for _, correct in part), len(part))
        assert each.n == len(part)
        if part:
            assert each.mean_confidence == pytest.approx(math.fsum(row[0] for row in part) / len(part), abs=1e-9)
        else:
            assert each.mean_confidence is None
        confidences = [confidence for confidence, _ in part]
        expected = (min(confidences), max(confidences)) if mass else (index / bins, (index + 1) / bins)
        assert (each.low, each.high) == expected
    if not mass:
        assert all(left.high == right.low for left, right in pairwise(curve.bins))


def test_rounded_confidences_stand_at_the_closed_end() -> None:
    curve = reliability_curve([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [1] * 6, bins=5)
    assert [each.n for each in curve.bins] == [2, 1, 1, 1, 1]


@pytest.mark.parametrize("correct", [0, 1])
def test_all_alike(correct: int) -> None:
    estimate = expected_calibration_error([0.75] * 8, [correct] * 8, resamples=50)
    gap = abs(0.75 - correct)
    assert estimate == Estimate(gap, gap, gap, 0.95, "basic-bootstrap", 8, 0, 0, 50)
    assert maximum_calibration_error([0.75] * 8, [correct] * 8).value == gap


def test_one_row_has_no_interval() -> None:
    assert expected_calibration_error([0.25], [1], resamples=10) == Estimate(0.75, None, None, 0.95, "none", 1, 0)


def sample(generator: np.random.Generator, n: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Overconfident by confidence - confidence ** 1.5."""
    confidence = generator.beta(4, 1.5, size=n)
    return confidence, generator.random(n) < confidence**1.5


def test_the_intervals_cover() -> None:
    generator = np.random.default_rng(0)
    confidence = generator.beta(4, 1.5, size=1_000_000)
    index = np.clip(np.ceil(confidence * 15).astype(int) - 1, 0, None)
    gap = np.bincount(index, weights=confidence - confidence**1.5) / np.bincount(index)
    weight = np.bincount(index) / len(index)
    truth: dict[Callable[..., Estimate], float] = {
        expected_calibration_error: float(weight @ np.abs(gap)),
        debiased_l2_calibration_error: math.sqrt(weight @ gap**2),
    }
    covered = dict.fromkeys(truth, 0)
    for seed in range(300):
        rows = sample(generator, 1000)
        for function, value in truth.items():
            estimate = function(*rows, scheme="width", resamples=200, seed=seed)
            assert estimate.low is not None
            assert estimate.high is not None
            covered[function] += estimate.low <= value <= estimate.high
    assert 0.86 <= covered[expected_calibration_error] / 300 <= 0.98
    assert 0.92 <= covered[debiased_l2_calibration_error] / 300 <= 0.99


def test_the_spread_within_a_bin_counts() -> None:
    confidence = np.random.default_rng(0).random(400)
    estimate = expected_calibration_error(confidence, np.ones(400), bins=1, resamples=4000)
    expected = mean_interval(1 - confidence)
    assert estimate.value == pytest.approx(expected.value, abs=1e-9)
    assert (estimate.low, estimate.high) == pytest.approx((expected.low, expected.high), abs=0.002)


def test_the_debiased_error_is_nearer_where_the_model_is_calibrated() -> None:
    generator = np.random.default_rng(3)
    plain, debiased = [], []
    for _ in range(100):
        confidence = generator.random(300)
        correct = generator.random(300) < confidence
        plain.append(l2_calibration_error(confidence, correct).value)
        debiased.append(debiased_l2_calibration_error(confidence, correct).value)
    assert np.mean(np.array(debiased, dtype=float) ** 2) < 0.4 * np.mean(np.array(plain, dtype=float) ** 2)


@settings(max_examples=20)
@given(seed=st.integers(0, 5))
def test_resampling_is_seeded(seed: int) -> None:
    rows = sample(np.random.default_rng(1), 200)
    first, again = (expected_calibration_error(*rows, resamples=40, seed=seed) for _ in range(2))
    assert first == again
    assert (first.seed, first.resamples) == (seed, 40)
    assert first != expected_calibration_error(*rows, resamples=40, seed=seed + 1)


def test_a_million_rows_are_quick() -> None:
    rows = sample(np.random.default_rng(0), 1_000_000)
    times = []
    for _ in range(5):
        start = time.process_time()
        expected_calibration_error(*rows)
        times.append(time.process_time() - start)
    assert min(times) < 0.05  # a few ms on an idle machine


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match=r"confidence must lie in \[0, 1\], and row 1 has nan: leave rows without"):
        expected_calibration_error([0.5, float("nan")], [1, 0])
    with pytest.raises(ValueError, match=r"row 0 has 1\.5"):
        expected_calibration_error([1.5], [1])
    with pytest.raises(ValueError, match="correct must be 0 or 1, and row 1 has nan: leave rows without a verdict"):
        reliability_curve([0.5, 0.5], [1, float("nan")])
    with pytest.raises(ValueError, match="correct must be 0 or 1, and row 0 has 2"):
        reliability_curve([0.5], [2])
    with pytest.raises(ValueError, match=r"vectors of one length, not \(1,\) and \(2,\)"):
        maximum_calibration_error([0.5], [1, 0])
    with pytest.raises(ValueError, match="bins must be at least 1, not 0"):
        reliability_curve([0.5], [1], bins=0)
    with pytest.raises(ValueError, match="scheme must be 'width' or 'mass', not 'equal'"):
        reliability_curve([0.5], [1], scheme="equal")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="level must lie between 0 and 1, not 95"):
        expected_calibration_error([0.5], [1], level=95)
    with pytest.raises(ValueError, match="resamples and seed must not be negative: -1, 0"):
        expected_calibration_error([0.5], [1], resamples=-1)
    with pytest.raises(ValueError, match="n_unscored=-1"):
        l2_calibration_error([0.5], [1], n_unscored=-1)
