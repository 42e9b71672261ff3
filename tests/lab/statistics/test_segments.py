from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from evalayer_lab.statistics import (
    Estimate,
    MetadataKey,
    Segment,
    mean_interval,
    score_interval,
    segment_table,
    wilson_interval,
)

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Floats]
Conditions = tuple[tuple[str, str], ...]
Wanted = tuple[int, Estimate, Estimate | None, float | None]


def key(name: str, **rows_of: list[int] | range) -> MetadataKey:
    """A key with these values on these rows, of as many rows as the greatest index says."""
    codes = np.full(max(max(rows) for rows in rows_of.values()) + 1, -1)
    for code, rows in enumerate(rows_of.values()):
        codes[list(rows)] = code
    return MetadataKey(name, tuple(rows_of), codes)


def every(values: Floats) -> NDArray[np.bool_]:
    return np.ones(len(values), dtype=np.bool_)


def test_ranked_by_the_upper_end_and_small_ones_left_out() -> None:
    values = np.array([1.0] * 9 + [0.0] + [1.0] * 50 + [0.0] * 50 + [0.0] * 9)
    size = key("size", few=range(10), many=range(10, 110), small=range(110, 119))
    table = segment_table(values, every(values), [size])
    assert [(segment.key, segment.value, segment.n) for segment in table.ranked] == [
        ("size", "many", 100),
        ("size", "few", 10),
    ]
    assert (table.n_small, table.pairs) == (1, ())
    assert table.ranked[0].estimate == wilson_interval(50, 100)
    assert table.whole == wilson_interval(59, 119)


def test_unscored_rows_do_not_count_as_zero() -> None:
    values = np.zeros(25)
    values[:15] = 1.0
    scored = every(values)
    scored[15:20] = False
    values[15:20] = np.nan
    table = segment_table(values, scored, [key("a", x=range(20), y=range(20, 25))], min_scored=2)
    by_value = {segment.value: segment for segment in table.ranked}
    assert by_value["x"].estimate == wilson_interval(15, 15, n_unscored=5)
    assert by_value["x"].n == 20
    assert by_value["y"].estimate == wilson_interval(0, 5)
    assert table.whole == wilson_interval(15, 20, n_unscored=5)


def test_a_bad_segment_stands_out_and_a_good_one_does_not() -> None:
    values = np.ones(300)
    values[:60] = 0.0
    table = segment_table(values, every(values), [key("domain", bad=range(60), good=range(60, 300))])
    assert [(segment.value, segment.stands_out) for segment in table.ranked] == [("bad", True), ("good", False)]


def test_lower_is_better_turns_the_ranking_round() -> None:
    values = np.concatenate([np.linspace(5, 6, 20), np.linspace(1, 2, 20)])
    keys = [key("k", slow=range(20), fast=range(20, 40))]
    table = segment_table(values, every(values), keys, confidence=np.full(40, 0.5), higher_is_better=False)
    assert [(segment.value, segment.stands_out) for segment in table.ranked] == [("slow", True), ("fast", False)]
    assert [segment.quadrant for segment in table.ranked] == ["overconfident", "sound"]
    assert table.ranked[0].calibration_gap is None
    assert [segment.value for segment in segment_table(values, every(values), keys).ranked] == ["fast", "slow"]


def test_one_method_for_all_segments() -> None:
    values = np.concatenate([np.ones(12), np.full(12, 0.25)])
    table = segment_table(values, every(values), [key("k", ones=range(12), rest=range(12, 24))])
    assert {segment.estimate.method for segment in table.ranked} == {"student-t"}


def test_a_segment_without_spread_can_stand_out() -> None:
    values = np.concatenate([np.full(12, 0.9), np.linspace(0.95, 1.0, 200)])
    flat, rest = segment_table(values, every(values), [key("k", flat=range(12), rest=range(12, 212))]).ranked
    assert (flat.stands_out, rest.stands_out) == (True, False)


@pytest.mark.parametrize(
    ("draw", "higher_is_better"),
    [
        (lambda generator, n: (generator.random(n) < 0.97).astype(float), True),
        (lambda generator, n: np.exp(1.5 * generator.normal(size=n)), True),
        (lambda generator, n: generator.standard_t(2, size=n), False),
    ],
    ids=["rare errors", "skewed", "heavy tails"],
)
def test_small_segments_of_noise_rarely_stand_out(draw: Draw, *, higher_is_better: bool) -> None:
    generator = np.random.default_rng(0)
    keys = [MetadataKey("k", tuple(map(str, range(60))), np.repeat(np.arange(60), 15))]
    alarms = 0
    for _ in range(200):
        values = draw(generator, 900)
        table = segment_table(values, every(values), keys, higher_is_better=higher_is_better)
        alarms += any(segment.stands_out for segment in table.ranked)
    assert alarms / 200 <= 0.05


@pytest.mark.parametrize("pairs", [False, True])
def test_segments_of_noise_rarely_stand_out(*, pairs: bool) -> None:
    generator = np.random.default_rng(0)
    alarms = 0
    for _ in range(300):
        values = generator.binomial(1, 0.7, size=400).astype(np.float64)
        keys = [MetadataKey(name, tuple("abcdefgh"), generator.integers(0, 8, size=400)) for name in "kl"]
        table = segment_table(values, every(values), keys, pairs=pairs, min_scored=2)
        alarms += any(segment.stands_out for segment in table.ranked + table.pairs)
    assert alarms / 300 <= 0.05


def close(found: Estimate | None, expected: Estimate) -> bool:
    if found is None:
        return expected.value is None
    ends = [(found.value, expected.value), (found.low, expected.low), (found.high, expected.high)]
    return (found.level, found.method, found.n, found.n_unscored) == (
        expected.level,
        expected.method,
        expected.n,
        expected.n_unscored,
    ) and all(left is right or left == pytest.approx(right, abs=1e-9) for left, right in ends)


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), n=st.integers(0, 80), binary=st.booleans(), confident=st.booleans())
def test_equals_the_definition(seed: int, n: int, *, binary: bool, confident: bool) -> None:
    generator = np.random.default_rng(seed)
    values = generator.integers(0, 2, size=n).astype(float) if binary else generator.random(n)
    scored = generator.random(n) < 0.8
    confidence = np.where(generator.random(n) < 0.8, generator.random(n), np.nan)
    keys = [MetadataKey(name, ("a", "b", "c"), generator.integers(-1, 3, size=n)) for name in ("x", "y", "z")]
    table = segment_table(values, scored, keys, confidence=confidence if confident else None, pairs=True, min_scored=2)
    method = score_interval(values[scored]).method

    def expected(*conditions: tuple[int, int]) -> Wanted | None:
        inside = np.logical_and.reduce([keys[place].codes == code for place, code in conditions])
        own = values[inside & scored]
        if len(own) < 2:
            return None
        left_out = int(inside.sum()) - len(own)
        if method == "wilson":
            estimate = wilson_interval(int(own.sum()), len(own), n_unscored=left_out)
        else:
            estimate = mean_interval(own, n_unscored=left_out)
        both = inside & scored & ~np.isnan(confidence)
        if not confident or not both.any():
            return int(inside.sum()), estimate, None, None
        gap = mean_interval((confidence - values)[both], n_unscored=int(inside.sum() - both.sum()))
        return int(inside.sum()), estimate, gap, float(confidence[both].mean())

    def compare(segments: tuple[Segment, ...], candidates: dict[Conditions, Wanted | None]) -> None:
        wanted = {conditions: each for conditions, each in candidates.items() if each is not None}
        assert {segment.conditions for segment in segments} == set(wanted)
        for segment in segments:
            rows, estimate, gap, mean = wanted[segment.conditions]
            assert segment.n == rows
            assert close(segment.estimate, estimate)
            assert close(segment.calibration_gap, gap) if gap else segment.calibration_gap is None
            assert segment.mean_confidence == (mean and pytest.approx(mean, abs=1e-9))
            assert (segment.quadrant is None) == (mean is None)

    compare(
        table.ranked, {((keys[at].name, "abc"[code]),): expected((at, code)) for at in range(3) for code in range(3)}
    )
    compare(
        table.pairs,
        {
            ((keys[left].name, "abc"[one]), (keys[right].name, "abc"[two])): expected((left, one), (right, two))
            for left, right in combinations(range(3), 2)
            for one in range(3)
            for two in range(3)
        },
    )
    present = sum(bool(np.any(each.codes == code)) for each in keys for code in range(3))
    assert table.n_small == present - len(table.ranked)


def test_quadrants() -> None:
    accuracy = [0.2, 0.2, 0.9, 0.9]
    values = np.concatenate([np.repeat([1.0, 0.0], [round(20 * share), round(20 * (1 - share))]) for share in accuracy])
    confidence = np.repeat([0.3, 0.95, 0.3, 0.95], 20)
    keys = [key("k", a=range(20), b=range(20, 40), c=range(40, 60), d=range(60, 80))]
    table = segment_table(values, every(values), keys, confidence=confidence)
    quadrants = {segment.value: segment.quadrant for segment in table.ranked}
    assert quadrants == {"a": "critical", "b": "overconfident", "c": "conservative", "d": "sound"}
    assert (table.confidence_cut, table.value_cut) == pytest.approx((0.625, 0.55))
    strict = segment_table(values, every(values), keys, confidence=confidence, value_cut=0.95, confidence_cut=0.2)
    assert {segment.quadrant for segment in strict.ranked} == {"overconfident"}


def test_the_gap_is_above_zero_where_the_model_is_overconfident() -> None:
    values = np.tile([1.0, 0.0], 20)
    table = segment_table(values, every(values), [key("k", a=range(40))], confidence=np.full(40, 0.9))
    gap = table.ranked[0].calibration_gap
    assert gap is not None
    assert gap.value == pytest.approx(0.4)


def test_pairs_of_keys_with_very_many_values() -> None:
    n = 6000
    left, right = np.arange(n) // 3, np.arange(n) % 3000
    right[:3] = 0
    keys = [MetadataKey(name, tuple(map(str, range(3000))), codes) for name, codes in (("l", left), ("r", right))]
    table = segment_table(np.ones(n), np.ones(n, dtype=np.bool_), keys, pairs=True, min_scored=2)
    assert [(segment.key, segment.value, segment.n) for segment in table.pairs] == [("l & r", "0 & 0", 3)]


def test_no_segments() -> None:
    table = segment_table(np.zeros(3), np.zeros(3, dtype=np.bool_), [])
    assert (table.ranked, table.pairs, table.n_small, table.whole.value) == ((), (), 0, None)


def test_bad_arguments() -> None:
    values, scored = np.zeros(3), np.ones(3, dtype=np.bool_)
    with pytest.raises(ValueError, match="one length"):
        segment_table(values, np.ones(4, dtype=np.bool_), [])
    with pytest.raises(ValueError, match="min_scored must be at least 2, not 1"):
        segment_table(values, scored, [], min_scored=1)
    with pytest.raises(ValueError, match=r"confidence must have one number in \[0, 1\] for each row, or NaN"):
        segment_table(values, scored, [], confidence=np.full(3, 2.0))
    with pytest.raises(ValueError, match=r"the codes of 'k' must have shape \(3,\), not \(2,\)"):
        segment_table(values, scored, [MetadataKey("k", ("a",), np.zeros(2, dtype=np.intp))])
    with pytest.raises(ValueError, match="the codes of 'k' must be from -1 to 0"):
        segment_table(values, scored, [MetadataKey("k", ("a",), np.array([0, 1, 0]))])
    with pytest.raises(ValueError, match="keys has 'k' twice"):
        segment_table(values, scored, [MetadataKey("k", ("a",), np.zeros(3, dtype=np.intp))] * 2)
    with pytest.raises(ValueError, match="finite"):
        segment_table(np.array([1.0, np.nan, 0.0]), scored, [])
