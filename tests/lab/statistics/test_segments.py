from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from evalayer_lab.statistics import mean_interval, segment_table, wilson_interval

Rows = NDArray[np.intp]


def rows(start: int, stop: int) -> Rows:
    return np.arange(start, stop, dtype=np.intp)


def every(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.ones(len(values), dtype=np.bool_)


def test_ranked_by_the_upper_end_and_small_ones_left_out() -> None:
    values = np.array([1.0] * 9 + [0.0] + [1.0] * 50 + [0.0] * 50 + [0.0] * 9)
    segments = {
        ("size", "few"): rows(0, 10),
        ("size", "many"): rows(10, 110),
        ("size", "too few"): rows(110, 119),
    }
    table = segment_table(values, every(values), segments)
    assert [(segment.value, segment.n) for segment in table.ranked] == [("many", 100), ("few", 10)]
    assert table.n_small == 1
    assert table.ranked[0].estimate == wilson_interval(50, 100)
    assert table.whole == wilson_interval(59, 119)


def test_unscored_rows_do_not_count_as_zero() -> None:
    values = np.zeros(30)
    values[:15] = 1.0
    scored = every(values)
    scored[15:20] = False
    table = segment_table(values, scored, {("a", "x"): rows(0, 20), ("a", "y"): rows(15, 24)}, min_scored=2)
    by_value = {segment.value: segment for segment in table.ranked}
    assert by_value["x"].estimate == wilson_interval(15, 15, n_unscored=5)
    assert by_value["x"].n == 20
    assert by_value["y"].estimate == wilson_interval(0, 4, n_unscored=5)
    assert table.whole == wilson_interval(15, 25, n_unscored=5)


def test_a_bad_segment_stands_out_and_a_good_one_does_not() -> None:
    values = np.ones(300)
    values[:60] = 0.0
    table = segment_table(values, every(values), {("domain", "bad"): rows(0, 60), ("domain", "good"): rows(60, 300)})
    assert [(segment.value, segment.stands_out) for segment in table.ranked] == [("bad", True), ("good", False)]


def test_lower_is_better_turns_the_ranking_round() -> None:
    values = np.concatenate([np.linspace(5, 6, 20), np.linspace(1, 2, 20)])
    segments = {("k", "slow"): rows(0, 20), ("k", "fast"): rows(20, 40)}
    table = segment_table(values, every(values), segments, higher_is_better=False)
    assert [(segment.value, segment.stands_out) for segment in table.ranked] == [("slow", True), ("fast", False)]
    assert table.ranked[0].estimate == mean_interval(values[:20])
    assert [segment.value for segment in segment_table(values, every(values), segments).ranked] == ["fast", "slow"]


def test_one_method_for_all_segments() -> None:
    values = np.concatenate([np.ones(12), np.full(12, 0.25)])
    table = segment_table(values, every(values), {("k", "ones"): rows(0, 12), ("k", "rest"): rows(12, 24)})
    assert {segment.estimate.method for segment in table.ranked} == {"student-t"}


def test_a_segment_without_spread_does_not_stand_out() -> None:
    values = np.concatenate([np.full(12, 0.9), np.linspace(0.95, 1.0, 200)])
    assert not segment_table(values, every(values), {("k", "flat"): rows(0, 12)}).ranked[0].stands_out


def test_segments_of_noise_rarely_stand_out() -> None:
    generator = np.random.default_rng(0)
    alarms = 0
    for _ in range(400):
        values = generator.binomial(1, 0.7, size=400).astype(np.float64)
        order = generator.permutation(400).astype(np.intp)
        segments = {("k", str(index)): part for index, part in enumerate(np.array_split(order, 16))}
        table = segment_table(values, every(values), segments)
        alarms += any(segment.stands_out for segment in table.ranked)
    assert alarms / 400 <= 0.05


def test_no_segments() -> None:
    table = segment_table(np.zeros(3), np.zeros(3, dtype=np.bool_), {})
    assert (table.ranked, table.n_small, table.whole.value) == ((), 0, None)


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="one length"):
        segment_table(np.zeros(3), np.ones(4, dtype=np.bool_), {})
    with pytest.raises(ValueError, match="min_scored must be at least 2, not 1"):
        segment_table(np.zeros(3), np.ones(3, dtype=np.bool_), {}, min_scored=1)
