from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import fisher_exact, norm, pearson3, skew
from tests.growth import assert_within

from evalayer_lab.statistics import FailingSegments, MetadataKey, find_failing_segments, wilson_interval

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Floats]


def search(values: Floats, keys: list[MetadataKey], **settings: float) -> FailingSegments:
    return find_failing_segments(values, np.ones(len(values), dtype=np.bool_), keys, **settings)  # type: ignore[arg-type]


def random_keys(generator: np.random.Generator, n: int, *sizes: int) -> list[MetadataKey]:
    return [
        MetadataKey(f"k{place}", tuple("abcdefgh"[:size]), generator.integers(0, size, size=n))
        for place, size in enumerate(sizes)
    ]


def slow_p_values(values: Floats, keys: list[MetadataKey], min_rows: int, *, binary: bool) -> dict[str, float]:
    """The p-value of every slice with enough rows, by scipy, one by one."""
    found = {}
    for size in (1, 2, 3):
        for chosen in combinations(keys, size):
            for codes in product(*(range(len(key.values)) for key in chosen)):
                inside = np.logical_and.reduce([key.codes == code for key, code in zip(chosen, codes, strict=True)])
                own, rest = values[inside], values[~inside]
                if len(own) < min_rows:
                    continue
                name = " ".join(key.name + key.values[code] for key, code in zip(chosen, codes, strict=True))
                if binary:
                    table = np.array([[np.sum(own == 0), np.sum(own == 1)], [np.sum(rest == 0), np.sum(rest == 1)]])
                    found[name] = float(fisher_exact(table, alternative="greater").pvalue)
                    continue
                n, part = len(values), len(own)
                deviation = np.sqrt(values.var() * part * (n - part) / (n - 1))
                z = (part * values.mean() - own.sum()) / deviation if deviation else 0.0
                third = -np.mean((values - values.mean()) ** 3) * part * (n - part) * (n - 2 * part)
                lean = third / ((n - 1) * (n - 2)) / deviation**3 if deviation else 0.0
                found[name] = float(pearson3.sf(z, lean) if lean > 1e-3 else norm.sf(z))
    return found


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), binary=st.booleans())
def test_equals_the_definition(seed: int, *, binary: bool) -> None:
    generator = np.random.default_rng(seed)
    keys = random_keys(generator, 120, 3, 2, 2)
    chance = 0.9 - 0.6 * (keys[0].codes == 1)
    values = (generator.random(120) < chance).astype(float)
    if not binary:
        values *= 0.5 + 0.5 * generator.random(120)
    expected = slow_p_values(values, keys, 10, binary=binary)
    result = search(values, keys, min_rows=10)
    assert result.n_searched == len(expected)
    ranked = sorted(expected.values())
    passing = [place for place, p in enumerate(ranked) if p <= 0.05 * (place + 1) / len(ranked)]
    assert result.n_significant == (max(passing) + 1 if passing else 0)
    for found in result.found:
        inside = np.logical_and.reduce(
            [
                key.codes == key.values.index(value)
                for name, value in found.conditions
                for key in keys
                if key.name == name
            ]
        )
        p = expected[" ".join(name + value for name, value in found.conditions)]
        assert found.p_value == pytest.approx(p, rel=1e-7, abs=1e-12)
        place = ranked.index(min(ranked, key=lambda each: abs(each - p)))
        steps = [min(1.0, each * len(ranked) / (at + 1)) for at, each in enumerate(ranked)]
        assert found.adjusted_p_value == pytest.approx(min(steps[place:]), rel=1e-7)
        lost = 1 - values
        assert found.n == inside.sum()
        assert found.estimate.value == pytest.approx(values[inside].mean(), abs=1e-9)
        assert found.rest == pytest.approx(values[~inside].mean(), abs=1e-9)
        assert found.share_of_errors == pytest.approx(lost[inside].sum() / lost.sum(), abs=1e-9)
        gone = (lost[inside].sum() - inside.sum() * lost[~inside].mean()) / lost.sum()
        assert found.share_explained == pytest.approx(gone, abs=1e-9)


def test_the_shrunk_rate_is_that_of_the_moments() -> None:
    generator = np.random.default_rng(0)
    (key,) = random_keys(generator, 2000, 8)
    values = (generator.random(2000) < 0.9 - 0.05 * key.codes).astype(float)
    result = search(values, [key])
    n = np.bincount(key.codes)
    rate = np.bincount(key.codes, weights=values) / n
    whole = values.mean()
    within = whole * (1 - whole)
    share = (np.sum(n * (rate - whole) ** 2) - 8 * within) / (within * np.sum(n - 1))
    strength = 1 / share - 1
    assert result.found
    for found in result.found:
        at = key.values.index(found.conditions[0][1])
        assert found.shrunk == pytest.approx((n[at] * rate[at] + strength * whole) / (n[at] + strength), abs=1e-9)
        assert rate[at] < found.shrunk < whole


def test_one_bad_conjunction_is_found_and_nothing_else() -> None:
    generator = np.random.default_rng(0)
    keys = random_keys(generator, 6000, 4, 4, 4, 4)
    bad = (keys[0].codes == 1) & (keys[2].codes == 3)
    values = (generator.random(6000) < np.where(bad, 0.4, 0.9)).astype(float)
    result = search(values, keys)
    assert [found.conditions for found in result.found] == [(("k0", "b"), ("k2", "d"))]
    assert result.n_significant > 5  # its parts, and what it is part of
    assert result.found[0].estimate == wilson_interval(int(values[bad].sum()), int(bad.sum()))
    assert result.share_of_errors == result.found[0].share_of_errors
    assert result.share_of_rows == bad.mean()


def test_two_causes_are_listed_each_once() -> None:
    generator = np.random.default_rng(1)
    keys = random_keys(generator, 12000, 4, 4, 4, 4)
    bad = (keys[0].codes == 1) & (keys[2].codes == 3)
    values = (generator.random(12000) < 0.92 - 0.5 * bad - 0.1 * (keys[3].codes == 0)).astype(float)
    result = search(values, keys)
    assert {found.conditions for found in result.found} == {(("k0", "b"), ("k2", "d")), (("k3", "a"),)}
    assert result.found[0].share_explained is not None
    assert result.found[1].share_explained is not None
    assert result.found[0].share_explained > result.found[1].share_explained
    assert result.share_of_rows == pytest.approx((bad | (keys[3].codes == 0)).mean())


def test_a_worse_part_is_listed_beside_what_it_is_part_of() -> None:
    generator = np.random.default_rng(2)
    keys = random_keys(generator, 12000, 4, 4)
    wide, narrow = keys[0].codes == 0, (keys[0].codes == 0) & (keys[1].codes == 2)
    values = (generator.random(12000) < 0.95 - 0.25 * wide - 0.5 * narrow).astype(float)
    found = {each.conditions for each in search(values, keys).found}
    assert found == {(("k0", "a"),), (("k0", "a"), ("k1", "c"))}


def test_two_names_of_the_same_rows_are_listed_once() -> None:
    generator = np.random.default_rng(3)
    (key,) = random_keys(generator, 2000, 4)
    values = (generator.random(2000) < 0.9 - 0.5 * (key.codes == 0)).astype(float)
    result = search(values, [key, MetadataKey("twin", key.values, key.codes)])
    assert len(result.found) == 1


def test_many_names_of_the_same_rows_do_not_crowd_out_another_cause() -> None:
    generator = np.random.default_rng(4)
    key, other = random_keys(generator, 4000, 4, 4)
    twins = [MetadataKey(f"twin{place}", key.values, key.codes) for place in range(30)]
    values = (generator.random(4000) < 0.95 - 0.5 * (key.codes == 0) - 0.2 * (other.codes == 1)).astype(float)
    found = search(values, [*twins, other], max_conditions=1).found
    assert len(found) == 2
    assert found[1].conditions == (("k1", "b"),)


@pytest.mark.parametrize(
    "draw",
    [
        lambda generator, n: (generator.random(n) < 0.9).astype(float),
        lambda generator, n: np.where(generator.random(n) < 0.7, 1.0, generator.random(n)),
        lambda generator, n: -generator.exponential(size=n),
        lambda generator, n: -np.exp(1.5 * generator.normal(size=n)),
    ],
    ids=["zero or one", "mostly one", "skewed", "heavy tail"],
)
def test_on_shuffled_labels_little_is_found(draw: Draw) -> None:
    generator = np.random.default_rng(0)
    keys = random_keys(generator, 300, 3, 3, 3)
    values = draw(generator, 300)
    found = significant = 0
    for _ in range(1000):
        result = search(generator.permutation(values), keys, min_rows=10)
        found += bool(result.found)
        significant += bool(result.n_significant)
    assert found / 1000 <= 0.05
    assert significant / 1000 <= 0.05


def test_a_rare_failure_is_not_a_segment() -> None:
    """Where the normal distribution of a mean is far off, its tail would call chance a finding."""
    values = np.full(3000, 0.95)
    values[:60:2] = 0.0
    generator = np.random.default_rng(0)
    keys = random_keys(generator, 3000, 8, 8)
    assert abs(skew(values)) > 5
    alarms = sum(bool(search(generator.permutation(values), keys).found) for _ in range(200))
    assert alarms / 200 <= 0.05


def test_outliers_either_way_are_not_segments() -> None:
    """Where outliers balance there is no skewness, and a tail as thin as the normal one would call each a finding."""
    generator = np.random.default_rng(0)
    keys = [MetadataKey("k", tuple(map(str, range(100))), np.repeat(np.arange(100), 40))]
    alarms = sum(bool(search(generator.standard_t(2, size=4000), keys).found) for _ in range(200))
    assert alarms / 200 <= 0.05


def test_unscored_rows_are_left_out() -> None:
    values = np.array([0.0] * 40 + [1.0] * 160 + [np.nan] * 50)
    key = MetadataKey("k", ("a", "b"), np.repeat([0, 1, 0], [40, 160, 50]))
    result = find_failing_segments(values, ~np.isnan(values), [key])
    assert [(found.n, found.estimate.value, found.rest) for found in result.found] == [(40, 0.0, 1.0)]
    assert result.whole == wilson_interval(160, 200, n_unscored=50)


def test_lower_is_better_looks_for_high_values() -> None:
    generator = np.random.default_rng(0)
    (key,) = random_keys(generator, 800, 4)
    seconds = generator.exponential(size=800) + 2.0 * (key.codes == 2)
    result = search(seconds, [key], higher_is_better=False)
    assert [found.conditions for found in result.found] == [(("k0", "c"),)]
    assert result.method == "pearson-iii"
    assert result.share_of_errors is None
    assert result.found[0].share_of_errors is None
    assert search(seconds, [key]).found[0].conditions != (("k0", "c"),)


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0, 7.0])
def test_a_constant_has_no_segment(value: float) -> None:
    result = search(np.full(200, value), random_keys(np.random.default_rng(0), 200, 2, 2))
    assert (result.found, result.n_significant, result.n_searched, result.share_of_rows) == ((), 0, 8, 0.0)


@pytest.mark.parametrize("n", [0, 1, 20])
def test_too_few_rows(n: int) -> None:
    result = search(np.ones(n), random_keys(np.random.default_rng(0), n, 2, 2))
    assert (result.n_searched, result.found) == (0, ())


def test_a_million_rows_are_quick() -> None:
    generator = np.random.default_rng(0)
    keys = random_keys(generator, 1_000_000, 8, 8, 8, 8, 8, 8)
    values = (generator.random(1_000_000) < 0.9 - 0.3 * ((keys[0].codes == 1) & (keys[3].codes == 2))).astype(float)
    results: list[FailingSegments] = []
    assert_within(lambda: results.append(search(values, keys)), 40, len(values))
    assert (("k0", "b"), ("k3", "c")) in {found.conditions for found in results[0].found}


def test_bad_arguments() -> None:
    values, scored = np.zeros(3), np.ones(3, dtype=np.bool_)
    with pytest.raises(ValueError, match="one length"):
        find_failing_segments(values, np.ones(4, dtype=np.bool_), [])
    with pytest.raises(ValueError, match="min_rows must be at least 2 and max_conditions at least 1, not 1, 3"):
        find_failing_segments(values, scored, [], min_rows=1)
    with pytest.raises(ValueError, match="not 30, 0"):
        find_failing_segments(values, scored, [], max_conditions=0)
    with pytest.raises(ValueError, match="false_discovery_rate must lie between 0 and 1, not 5"):
        find_failing_segments(values, scored, [], false_discovery_rate=5)
    with pytest.raises(ValueError, match="level"):
        find_failing_segments(values, scored, [], level=95)
    with pytest.raises(ValueError, match="the codes of 'k' must be from -1 to 0"):
        find_failing_segments(values, scored, [MetadataKey("k", ("a",), np.array([0, 1, 0]))])
    with pytest.raises(ValueError, match="finite"):
        find_failing_segments(np.array([1.0, np.nan, 0.0]), scored, [])
