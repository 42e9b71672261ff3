from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import beta, binom

from evalayer_lab.statistics import Gate, gate_threshold, smallest_gate

Floats = NDArray[np.float64]


def slow_gate(
    confidence: list[float], correct: list[int], max_risk: float, level: float, min_coverage: float
) -> tuple[float, int, int] | None:
    """The definition, written out: threshold, accepted rows and errors."""
    n = len(confidence)
    ranked = sorted(confidence, reverse=True)
    found = None
    percent = min_coverage * 100
    while True:
        percent = min(percent, 100.0)
        k = min(n, int(np.ceil(percent * n / 100 - 1e-9)))
        threshold = ranked[k] if k < n else 0.0
        passing = [right for each, right in zip(confidence, correct, strict=True) if each > threshold]
        accepted, errors = len(passing), passing.count(0)
        if accepted and (1 - max_risk) ** accepted <= 1 - level:
            if beta.ppf(level, errors + 1, accepted - errors) > max_risk if errors < accepted else True:
                return found
            found = (threshold, accepted, errors)
        if percent == 100.0:
            return found
        percent += 1


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(0, 300),
    decimals=st.sampled_from([1, 2, 9]),
    max_risk=st.sampled_from([0.03, 0.1, 0.3]),
    level=st.sampled_from([0.8, 0.95]),
    min_coverage=st.sampled_from([0.1, 0.25, 1.0]),
)
def test_equals_the_definition(
    seed: int, n: int, decimals: int, max_risk: float, level: float, min_coverage: float
) -> None:
    generator = np.random.default_rng(seed)
    confidence = generator.beta(4, 1.2, size=n).round(decimals)
    correct = (generator.random(n) < confidence**0.4).astype(int)
    gate = gate_threshold(confidence, correct, max_risk, level=level, min_coverage=min_coverage)
    expected = slow_gate(confidence.tolist(), correct.tolist(), max_risk, level, min_coverage)
    found = None if gate.threshold is None else (gate.threshold, gate.n_accepted, gate.n_errors)
    assert found == expected


def test_the_order_of_the_rows_does_not_matter() -> None:
    generator = np.random.default_rng(0)
    confidence = generator.random(500).round(2)
    correct = generator.random(500) < confidence**0.1
    order = generator.permutation(500)
    gate = gate_threshold(confidence, correct, 0.1)
    assert gate.threshold is not None
    assert gate == gate_threshold(confidence[order], correct[order], 0.1)


def test_the_bound_is_that_of_one_side() -> None:
    gate = gate_threshold([0.9] * 100, [0] + [1] * 99, 0.05)
    assert (gate.n_accepted, gate.n_errors, gate.coverage, gate.threshold) == (100, 1, 1.0, 0.0)
    assert gate.risk_upper == pytest.approx(beta.ppf(0.95, 2, 99), abs=1e-12)
    assert gate.risk.level == 0.9


def test_rows_at_the_threshold_do_not_pass() -> None:
    gate = gate_threshold([0.9] * 70 + [0.5] * 30, [1] * 70 + [0] * 30, 0.05)
    assert (gate.threshold, gate.n_accepted) == (0.5, 70)


@pytest.mark.parametrize(
    ("confidence", "correct", "first"),
    [
        ([], [], (0, 0)),
        ([0.9] * 58, [1] * 58, (0, 0)),
        ([0.9] * 59 + [0.2] * 531, [1] * 58 + [0] + [1] * 531, (59, 1)),
        ([0.9] * 100, [0] * 100, (100, 100)),
        ([0.0] * 100, [1] * 100, (0, 0)),
    ],
)
def test_no_threshold(confidence: list[float], correct: list[int], first: tuple[int, int]) -> None:
    gate = gate_threshold(confidence, correct, 0.05)
    assert gate.threshold is None
    assert gate.risk_upper is None
    assert (gate.coverage, gate.n_accepted, gate.n_errors, gate.risk.value) == (0.0, 0, 0, None)
    assert (gate.n_first, gate.n_first_errors) == first


@given(max_risk=st.floats(0.001, 0.999), level=st.floats(0.51, 0.999))
def test_the_smallest_gate_is_the_smallest(max_risk: float, level: float) -> None:
    n = smallest_gate(max_risk, level=level)
    assert binom.cdf(0, n, max_risk) <= 1 - level
    assert n == 1 or binom.cdf(0, n - 1, max_risk) > 1 - level


def atoms(name: str) -> tuple[Floats, Floats, Floats]:
    """Confidences from high to low, their shares and their error rates, of a world whose risks are known exactly."""
    at = np.linspace(1.0, 0.001, 1000)
    weight = beta.pdf(at - 0.0005, 4, 1.2)
    if name == "calibrated":
        error = 1 - at
    elif name == "overconfident":
        error = 1 - 0.93 * at
    elif name == "just too risky":
        error = np.full(1000, 0.101)
    elif name == "the most confident are wrong":
        error = np.where(at > 0.97, 0.35, np.where(at > 0.8, 0.04, 0.3))
    elif name == "crosses the limit twice":
        error = np.where(at > 0.95, 0.13, np.where(at > 0.9, 0.06, np.where(at > 0.8, 0.13, 0.1)))
    elif name == "three values":
        at, weight, error = np.array([1.0, 0.9, 0.8]), np.array([0.2, 0.3, 0.5]), np.array([0.11, 0.095, 0.2])
    else:
        at = np.arange(20, 0, -1) / 20
        weight, error = beta.pdf(at - 0.025, 4, 1.2), 1 - at**0.6
    return at, weight / weight.sum(), error


@pytest.mark.parametrize(
    "world",
    [
        "calibrated",
        "overconfident",
        "just too risky",
        "the most confident are wrong",
        "crosses the limit twice",
        "three values",
        "rounded",
    ],
)
@pytest.mark.parametrize("n", [40, 150, 600])
def test_the_true_risk_rarely_exceeds_the_limit(world: str, n: int) -> None:
    at, weight, error = atoms(world)
    above = np.append(0.0, np.cumsum(weight * error)) / np.append(1.0, np.cumsum(weight))
    generator = np.random.default_rng(1)
    broken = 0
    for _ in range(2000):
        drawn = np.searchsorted(np.cumsum(weight), generator.random(n)).clip(0, len(at) - 1)
        correct = generator.random(n) >= error[drawn]
        gate = gate_threshold(at[drawn], correct, 0.1)
        if gate.threshold is not None:
            broken += above[np.searchsorted(-at, -gate.threshold)] > 0.1
    assert broken / 2000 <= 0.05


def test_a_gate_is_found_where_there_is_one() -> None:
    at, weight, error = atoms("rounded")
    generator = np.random.default_rng(2)
    coverages = []
    for _ in range(50):
        drawn = generator.choice(len(at), p=weight, size=5000)
        coverages.append(gate_threshold(at[drawn], generator.random(5000) >= error[drawn], 0.1).coverage)
    best = np.cumsum(weight)[np.cumsum(weight * error) / np.cumsum(weight) <= 0.1].max()
    assert np.mean(coverages) > 0.8 * best


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="max_risk must lie between 0 and 1, not 5"):
        gate_threshold([0.5], [1], 5)
    with pytest.raises(ValueError, match="max_risk must lie between 0 and 1, not 0"):
        smallest_gate(0.0)
    with pytest.raises(ValueError, match=r"level must be above 0\.5, not 0\.05"):
        gate_threshold([0.5], [1], 0.1, level=0.05)
    with pytest.raises(ValueError, match="min_coverage must lie above 0 and be at most 1, not 10"):
        gate_threshold([0.5], [1], 0.1, min_coverage=10)
    with pytest.raises(ValueError, match="row 1 has nan: leave rows without a confidence out"):
        gate_threshold([0.5, float("nan")], [1, 1], 0.1)
    with pytest.raises(ValueError, match="negative"):
        gate_threshold([0.5], [1], 0.1, n_unscored=-1)


def test_unscored_rows_are_carried() -> None:
    gate: Gate = gate_threshold([0.5], [1], 0.1, n_unscored=7)
    assert (gate.n, gate.n_unscored) == (1, 7)
