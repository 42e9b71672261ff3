from __future__ import annotations

import math
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from evalayer_lab.statistics import aurc, risk_coverage_curve, wilson_interval

ROWS = st.lists(
    st.tuples(st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.2, 0.6, 1.0])), st.integers(0, 1)),
    min_size=1,
    max_size=40,
)


@given(rows=ROWS)
def test_the_curve_equals_its_definition(rows: list[tuple[float, int]]) -> None:
    curve = risk_coverage_curve(*map(list, zip(*rows, strict=True)), level=0.9, n_unscored=4)
    assert curve.threshold.tolist() == sorted({confidence for confidence, _ in rows}, reverse=True)
    for index, threshold in enumerate(curve.threshold):
        accepted = [correct for confidence, correct in rows if confidence >= threshold]
        expected = wilson_interval(accepted.count(0), len(accepted), level=0.9)
        assert (curve.n_accepted[index], curve.n_errors[index]) == (len(accepted), accepted.count(0))
        assert curve.coverage[index] == len(accepted) / len(rows)
        assert [curve.risk[index], curve.low[index], curve.high[index]] == pytest.approx(
            [expected.value, expected.low, expected.high], abs=1e-12
        )
    assert (curve.n, curve.n_unscored) == (len(rows), 4)


def area_in_order(correct: tuple[int, ...]) -> float:
    return sum(correct[:k].count(0) / k for k in range(1, len(correct) + 1)) / len(correct)


@given(rows=st.lists(st.tuples(st.sampled_from([0.1, 0.5, 0.9]), st.integers(0, 1)), min_size=1, max_size=6))
def test_ties_count_in_expectation(rows: list[tuple[float, int]]) -> None:
    orders = [
        area_in_order(tuple(correct for _, correct in order))
        for order in permutations(rows)
        if all(left[0] >= right[0] for left, right in pairwise(order))
    ]
    best = area_in_order(tuple(sorted((correct for _, correct in rows), reverse=True)))
    found = aurc(*map(list, zip(*rows, strict=True)))
    assert found.area.value == pytest.approx(np.mean(orders), abs=1e-9)
    assert found.excess.value == pytest.approx(np.mean(orders) - best, abs=1e-9)


def slow_influence(confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> tuple[float, float]:
    """Standard errors by the influence of each row, without ties, from the definition in terms of sums over pairs."""
    n = len(confidence)
    error = (~correct).astype(float)
    rank = [int(np.sum(confidence >= each)) for each in confidence]
    weight = [sum(1 / k for k in range(each, n + 1)) for each in rank]
    below = [sum(error[j] / rank[j] for j in range(n) if confidence[j] <= each) for each in confidence]
    influence = error * weight - below
    excess = influence + error * math.log1p(-error.mean())
    return math.sqrt(np.sum((influence - influence.mean()) ** 2)) / n, math.sqrt(
        np.sum((excess - excess.mean()) ** 2)
    ) / n


def test_the_interval_is_that_of_the_influence() -> None:
    generator = np.random.default_rng(0)
    confidence = generator.random(50)
    correct = generator.random(50) < confidence
    area, excess = slow_influence(confidence, correct)
    found = aurc(confidence, correct, level=0.5)
    assert found.area.value is not None
    assert found.area.high is not None
    assert found.area.high - found.area.value == pytest.approx(0.6744897501960817 * area, abs=1e-9)
    assert found.excess.value is not None
    assert found.excess.high is not None
    assert found.excess.high - found.excess.value == pytest.approx(0.6744897501960817 * excess, abs=1e-9)


@pytest.mark.parametrize("decimals", [1, 9])
def test_the_intervals_cover(decimals: int) -> None:
    generator = np.random.default_rng(0)

    def sample(n: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        confidence = generator.beta(4, 1.5, size=n)
        return confidence.round(decimals), generator.random(n) < confidence

    truth = aurc(*sample(1_000_000))
    covered = np.zeros(2)
    for _ in range(1000):
        found = aurc(*sample(400))
        for index, (estimate, true) in enumerate(((found.area, truth.area), (found.excess, truth.excess))):
            assert estimate.low is not None
            assert estimate.high is not None
            assert true.value is not None
            covered[index] += estimate.low <= true.value <= estimate.high
    assert np.all((covered / 1000 >= 0.92) & (covered / 1000 <= 0.97))


def test_the_order_of_the_rows_does_not_matter() -> None:
    generator = np.random.default_rng(1)
    confidence, correct = generator.random(300).round(1), generator.random(300) < 0.7
    order = generator.permutation(300)
    assert aurc(confidence, correct) == aurc(confidence[order], correct[order])


@pytest.mark.parametrize(("correct", "area"), [([1, 1, 1], 0.0), ([0, 0, 0], 1.0)])
def test_all_alike(correct: list[int], area: float) -> None:
    found = aurc([0.9, 0.5, 0.5], correct)
    assert (found.area.value, found.area.low, found.excess.value) == (area, None, 0.0)


def test_no_rows() -> None:
    found = aurc([], [], n_unscored=2)
    assert (found.area.value, found.excess.value, found.n, found.n_unscored) == (None, None, 0, 2)
    curve = risk_coverage_curve([], [])
    assert len(curve.threshold) == len(curve.coverage) == 0


def test_bad_arguments() -> None:
    for function in (aurc, risk_coverage_curve):
        with pytest.raises(ValueError, match="row 0 has nan"):
            function([float("nan")], [1])
        with pytest.raises(ValueError, match="level"):
            function([0.5], [1], level=0)
        with pytest.raises(ValueError, match="n_unscored=-1"):
            function([0.5], [1], n_unscored=-1)
