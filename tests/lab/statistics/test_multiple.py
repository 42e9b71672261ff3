from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from evalayer_lab.statistics import benjamini_hochberg


@given(p_values=st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_equals_scipy_and_statsmodels(p_values: list[float]) -> None:
    adjusted = benjamini_hochberg(p_values)
    assert adjusted == pytest.approx(scipy.stats.false_discovery_control(p_values), abs=1e-12)
    assert adjusted == pytest.approx(multipletests(p_values, method="fdr_bh")[1], abs=1e-12)


def test_tests_that_were_not_made_do_not_count() -> None:
    adjusted = benjamini_hochberg([None, 0.02, math.nan, 0.01])
    assert np.isnan(adjusted).tolist() == [True, False, True, False]
    assert adjusted[[1, 3]].tolist() == benjamini_hochberg([0.02, 0.01]).tolist() == [0.02, 0.02]


def test_no_test_and_the_input_stays() -> None:
    assert benjamini_hochberg([]).tolist() == []
    given_values = np.array([0.04, 0.01])
    benjamini_hochberg(given_values)
    assert given_values.tolist() == [0.04, 0.01]


def test_false_discoveries_are_few() -> None:
    generator = np.random.default_rng(0)
    shares = []
    for _ in range(500):
        p_values = generator.random(40)
        p_values[:10] = scipy.stats.norm.sf(generator.normal(3, 1, size=10))
        called = benjamini_hochberg(p_values) <= 0.1
        shares.append(called[10:].sum() / max(1, called.sum()))
    assert 0.06 <= np.mean(shares) <= 0.09  # 0.1 times the share of true nulls, 0.75


def test_bad_values() -> None:
    for p_values in ([0.5, 1.5], [-0.1]):
        with pytest.raises(ValueError, match="p_values must lie between 0 and 1"):
            benjamini_hochberg(p_values)
    with pytest.raises(ValueError, match="p_values must be a vector"):
        benjamini_hochberg(np.zeros((2, 2)))
