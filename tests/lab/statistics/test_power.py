from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from statsmodels.stats.power import NormalIndPower

from evalayer_lab.statistics import (
    paired_difference,
    sample_size,
    sd_of_zero_one_differences,
    smallest_detectable_difference,
)


@given(
    difference=st.floats(0.001, 1),
    sd=st.floats(0.01, 2),
    power=st.floats(0.3, 0.99),
    alpha=st.floats(0.001, 0.2),
)
def test_formula_and_inverse(difference: float, sd: float, power: float, alpha: float) -> None:
    n = sample_size(difference, sd, power=power, alpha=alpha)
    exact = ((norm.ppf(1 - alpha / 2) + norm.ppf(power)) * sd / difference) ** 2
    assert n == max(2, math.ceil(exact)) or abs(exact - n) < 1e-6
    assert sample_size(-difference, sd, power=power, alpha=alpha) == n
    smallest = smallest_detectable_difference(n, sd, power=power, alpha=alpha)
    assert smallest <= difference * (1 + 1e-9)
    if n > 2:
        assert smallest_detectable_difference(n - 1, sd, power=power, alpha=alpha) >= difference * (1 - 1e-9)


def test_equals_statsmodels() -> None:
    # With ratio=0 the second group is the whole population: a one-sample z test.
    rows = NormalIndPower().solve_power(effect_size=0.1 / 0.7, alpha=0.05, power=0.9, ratio=0)
    assert sample_size(0.1, 0.7, power=0.9) == math.ceil(rows)
    effect = NormalIndPower().solve_power(nobs1=400, alpha=0.01, power=0.8, ratio=0)
    assert smallest_detectable_difference(400, 0.7, alpha=0.01) == pytest.approx(effect * 0.7, rel=1e-5)


@given(rows=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=40))
def test_sd_of_zero_one_differences(rows: list[tuple[int, int]]) -> None:
    a, b = (np.array(column) for column in zip(*rows, strict=True))
    sd = sd_of_zero_one_differences(float(np.mean(a != b)), float(np.mean(b - a)))
    assert sd == pytest.approx(np.std(b - a), abs=1e-7)


def test_the_power_is_reached() -> None:
    generator = np.random.default_rng(0)
    difference, differing, trials, shown = 0.06, 0.2, 1000, 0
    n = sample_size(difference, sd_of_zero_one_differences(differing, difference))
    only_a = (differing - difference) / 2
    for draw in generator.random((trials, n)):
        low = paired_difference(draw < only_a, (draw >= only_a) & (draw < differing)).estimate.low
        shown += low is not None and low > 0
    assert 0.77 <= shown / trials <= 0.83


def test_bad_arguments() -> None:
    for difference in (0.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="difference must be a finite number other than 0"):
            sample_size(difference, 1.0)
    with pytest.raises(ValueError, match="sd must be finite and not negative, not -1"):
        sample_size(0.1, -1.0)
    for difference in (1e-300, 1e-200, 1e-12):
        with pytest.raises(ValueError, match="is too small beside sd=2"):
            sample_size(difference, 2.0)
    with pytest.raises(ValueError, match=r"power must lie between alpha=0.05 and 1, not 80"):
        sample_size(0.1, 1.0, power=80)
    with pytest.raises(ValueError, match="alpha must lie between 0 and 1, not 5"):
        smallest_detectable_difference(10, 1.0, alpha=5)
    with pytest.raises(ValueError, match="n must be at least 1"):
        smallest_detectable_difference(0, 1.0)
    with pytest.raises(ValueError, match="discordant must be a share"):
        sd_of_zero_one_differences(10)
    with pytest.raises(ValueError, match=r"difference must be at most discordant=0.1 either way, not -0.2"):
        sd_of_zero_one_differences(0.1, -0.2)
    assert sample_size(0.1, 0.0) == 2
