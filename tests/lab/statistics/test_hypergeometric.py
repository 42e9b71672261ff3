from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom

from evalayer_lab.statistics._hypergeometric import hypergeometric_tail


def exact(hits: int, population: int, successes: int, draws: int) -> float:
    ways = sum(
        comb(successes, x) * comb(population - successes, draws - x) for x in range(hits, min(successes, draws) + 1)
    )
    return float(Fraction(ways, comb(population, draws)))


def tail(*test: int) -> float:
    return float(hypergeometric_tail(*(np.array([number]) for number in test))[0])


@given(st.data(), st.integers(3, 300))
def test_it_is_the_exact_sum(data: st.DataObject, population: int) -> None:
    successes = data.draw(st.integers(1, population - 1))
    draws = data.draw(st.integers(1, population - 1))
    above = successes * draws // population + 1
    if above > min(successes, draws):
        return
    hits = data.draw(st.integers(above, min(successes, draws)))
    test = (hits, population, successes, draws)
    assert tail(*test) == pytest.approx(exact(*test), rel=1e-12)


def test_it_is_that_of_scipy_for_many_rows() -> None:
    random = np.random.default_rng(0)
    for population in (20_000, 1_000_000):
        successes, draws = random.integers(1, population, (2, 2000))
        mean = successes * draws / population
        deviation = np.sqrt(mean * (1 - successes / population) * (population - draws) / (population - 1))
        hits = (mean + deviation * random.uniform(1, 8, 2000)).astype(np.int64) + 1
        possible = hits <= np.minimum(successes, draws)
        test = hits[possible], np.full(possible.sum(), population), successes[possible], draws[possible]
        expected = hypergeom.sf(test[0] - 1, *test[1:])
        assert hypergeometric_tail(*test) == pytest.approx(expected, rel=1e-9)


def test_more_hits_than_there_can_be_are_impossible() -> None:
    assert tail(5, 10, 4, 8) == 0.0
    assert tail(5, 10, 8, 4) == 0.0
