"""The exact test of slices of 0 and 1, beside exact sums and scipy."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import hypergeom

from evalayer_lab.statistics import MetadataKey, find_failing_segments


def p_value(hits: int, population: int, successes: int, draws: int) -> float:
    """Of a slice of `draws` rows with `hits` of the errors, the only one that is tested."""
    values = np.ones(population)
    values[:hits] = values[draws : draws + successes - hits] = 0.0
    key = MetadataKey("part", ("slice",), np.where(np.arange(population) < draws, 0, -1))
    scored = np.ones(population, dtype=np.bool_)
    (found,) = find_failing_segments(values, scored, [key], min_rows=2, false_discovery_rate=0.999).found
    return found.p_value


def is_beyond(hits: int, population: int, successes: int, draws: int) -> bool:
    """Whether there are more hits than expected by a standard deviation: others are not tested."""
    share = draws / population
    deviation = (share * (1 - share) * successes * (population - successes) / (population - 1)) ** 0.5
    return bool(hits - successes * share > 1.001 * deviation)


@given(st.data(), st.integers(5, 300))
def test_it_is_the_exact_sum(data: st.DataObject, population: int) -> None:
    successes = data.draw(st.integers(1, population - 1))
    draws = data.draw(st.integers(2, population - 1))
    fewest, most = max(0, draws - population + successes), min(successes, draws)
    hits = data.draw(st.integers(fewest, most))
    assume(is_beyond(hits, population, successes, draws))
    ways = sum(comb(successes, x) * comb(population - successes, draws - x) for x in range(hits, most + 1))
    exact = float(Fraction(ways, comb(population, draws)))
    assert p_value(hits, population, successes, draws) == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize(("population", "tests"), [(20_000, 40), (1_000_000, 4)])
def test_it_is_that_of_scipy_for_many_rows(population: int, tests: int) -> None:
    random = np.random.default_rng(0)
    for _ in range(tests):
        successes, draws = random.integers(population // 10, population // 2, 2).tolist()
        mean = successes * draws / population
        deviation = (mean * (1 - successes / population) * (population - draws) / (population - 1)) ** 0.5
        hits = int(mean + deviation * random.uniform(1.1, 8)) + 1
        expected = hypergeom.sf(hits - 1, population, successes, draws)
        assert p_value(hits, population, successes, draws) == pytest.approx(expected, rel=1e-9)
