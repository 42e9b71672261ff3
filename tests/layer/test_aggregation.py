"""Aggregation: the same bits for every partition and order, and the right ones."""

import math
import random
import struct
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalayer import Aggregator, IllegalAggregation

FUNCTIONS = ("average", "sum", "min", "max")
EXTREMES = [0.0, -0.0, 1.0, -1.0, 1e308, -1e308, 1.7976931348623157e308, 5e-324, -5e-324, 2.2e-308, 1e16, 1.0 + 2**-52]
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(EXTREMES) | st.integers(-3, 3).map(float)
rows = st.lists(st.dictionaries(st.sampled_from(["a", "b", "c.part"]), numbers, max_size=3), max_size=30)


def bits(values: dict[str, float]) -> dict[str, bytes]:
    return {name: struct.pack("<d", value) for name, value in values.items()}


def folded(function: str, data: list[dict[str, float]]) -> Aggregator:
    aggregator = Aggregator(function)
    for row in data:
        aggregator.add(row)
    return aggregator


def reference(function: str, values: list[float]) -> float:
    """The value by rational arithmetic, rounded once for a sum and once more for its quotient."""
    if function in {"min", "max"}:
        return {"min": min, "max": max}[function](values) + 0.0
    exact = sum(map(Fraction, values), Fraction())
    try:
        total = float(exact)
    except OverflowError:
        return float(exact / len(values)) if function == "average" else math.inf if exact > 0 else -math.inf
    return total / len(values) if function == "average" else total


@given(rows, st.randoms(use_true_random=False), st.integers(1, 7))
@pytest.mark.parametrize("function", FUNCTIONS)
def test_any_partition_and_order_gives_the_same_bits(
    function: str, data: list[dict[str, float]], shuffler: random.Random, shards: int
) -> None:
    whole = folded(function, data)
    mixed = list(data)
    shuffler.shuffle(mixed)
    parts = [folded(function, mixed[shard::shards]) for shard in range(shards)]
    shuffler.shuffle(parts)
    merged = Aggregator(function)
    for part in parts:
        merged.merge(part)
    assert bits(merged.values()) == bits(whole.values())
    assert merged.rows == whole.rows == len(data)
    assert [merged.count(name) for name in "abc"] == [whole.count(name) for name in "abc"]


@given(st.lists(rows, min_size=3, max_size=3))
@pytest.mark.parametrize("function", FUNCTIONS)
def test_merging_is_associative(function: str, parts: list[list[dict[str, float]]]) -> None:
    left, right = folded(function, parts[0]), folded(function, parts[1])
    left.merge(folded(function, parts[1]))
    left.merge(folded(function, parts[2]))
    right.merge(folded(function, parts[2]))
    outer = folded(function, parts[0])
    outer.merge(right)
    assert bits(left.values()) == bits(outer.values())


@given(st.lists(numbers, min_size=1, max_size=40))
@pytest.mark.parametrize("function", FUNCTIONS)
def test_values_are_those_of_rational_arithmetic(function: str, values: list[float]) -> None:
    aggregator = folded(function, [{"x": value} for value in values])
    expected = reference(function, values)
    assert aggregator.values()["x"] == expected
    assert aggregator.count("x") == len(values)


@given(st.lists(st.floats(-1e300, 1e300) | st.sampled_from([5e-324, -5e-324, 1e-310, -0.0]), min_size=1, max_size=60))
def test_sum_is_fsum_and_average_is_its_quotient(values: list[float]) -> None:
    data = [{"x": value} for value in values]
    assert folded("sum", data).values()["x"] == math.fsum(values)
    assert folded("average", data).values()["x"] == math.fsum(values) / len(values)


def test_sums_beyond_the_largest_double() -> None:
    data = [{"x": 1e308}, {"x": 1e308}, {"x": 5e-324}]
    assert folded("sum", data).values() == {"x": math.inf}
    assert folded("average", data[:2]).values() == {"x": 1e308}
    assert folded("sum", [{"x": -1e308}] * 2).values() == {"x": -math.inf}
    assert folded("sum", [*data, {"x": -1e308}, {"x": -1e308}]).values() == {"x": 5e-324}


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("order", [[0.0, -0.0], [-0.0, 0.0], [-0.0]])
def test_there_is_one_zero(function: str, order: list[float]) -> None:
    value = folded(function, [{"x": zero} for zero in order]).values()["x"]
    assert math.copysign(1.0, value) == 1.0


def test_names_are_counted_by_themselves_and_reported_in_order() -> None:
    aggregator = folded("average", [{"b": 1.0, "a": 3.0}, {"a": 1.0}, {}])
    assert list(aggregator.values().items()) == [("a", 2.0), ("b", 1.0)]
    assert (aggregator.rows, aggregator.count("a"), aggregator.count("b"), aggregator.count("c")) == (3, 2, 1, 0)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_number_that_is_not_finite_is_refused_and_leaves_no_trace(function: str, bad: float) -> None:
    aggregator = folded(function, [{"x": 1.0}])
    with pytest.raises(ValueError, match="y is"):
        aggregator.add({"x": 2.0, "y": bad})
    assert aggregator.values() == {"x": 1.0}
    assert aggregator.rows == 1


def test_unknown_aggregation_names_the_near_match() -> None:
    with pytest.raises(IllegalAggregation, match=r"unknown aggregation 'avrage'; did you mean average\?"):
        Aggregator("avrage")


def test_different_aggregations_do_not_merge() -> None:
    with pytest.raises(IllegalAggregation, match="cannot merge sum into average"):
        Aggregator("average").merge(Aggregator("sum"))


def test_merging_leaves_the_other_as_it_was() -> None:
    one, other = folded("sum", [{"x": 1.0}]), folded("sum", [{"x": 2.0}])
    one.merge(other)
    one.add({"x": 4.0})
    assert (one.values(), other.values()) == ({"x": 7.0}, {"x": 2.0})
