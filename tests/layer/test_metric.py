"""Metrics: what a decorator records, and what counts as a score."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evalayer import (
    Completion,
    CorpusMetric,
    InvalidMetric,
    Metric,
    Score,
    Task,
    Unscored,
    label_of,
    label_part,
    metric,
)

ROW = Completion("prompt", "answer", "gold")


def exact(completion: Completion) -> Score:
    """Whether the answer is the gold.

    More words.
    """
    return completion.text == completion.gold


def score_of(value: Any, parts: tuple[str, ...] = ()) -> Mapping[str, float]:
    @metric(name="m", parts=parts)
    def returns(completion: Completion) -> Score:
        return value  # type: ignore[no-any-return]

    return Task("t", metrics=[returns]).score(ROW).values


def failure_of(value: Any, parts: tuple[str, ...] = ()) -> str:
    @metric(name="m", parts=parts)
    def returns(completion: Completion) -> Score:
        return value  # type: ignore[no-any-return]

    scores = Task("t", metrics=[returns]).score(ROW)
    assert scores.values["m.unscored"] == 1.0
    error = scores.errors["m"]
    assert isinstance(error, InvalidMetric)
    return str(error)


def test_the_decorator_gives_the_same_function_back() -> None:
    assert metric(exact) is exact
    assert metric(name="other", higher_is_better=False)(exact) is exact
    assert exact(Completion("", "a", "a")) is True
    (declared,) = Task("t", metrics=[exact]).metrics
    assert (declared.name, declared.higher_is_better, declared.parts) == ("other", False, ())
    assert declared.description == "Whether the answer is the gold."


def test_a_callable_object_keeps_its_identity() -> None:
    class Longer:
        def __call__(self, completion: Completion) -> Score:
            return len(completion.text)

    longer = Longer()
    assert metric(name="longer")(longer) is longer
    assert Task("t", metrics=[longer]).score(ROW).values == {"longer": 6.0, "longer.unscored": 0.0}


def test_a_metric_class_reports_its_parts() -> None:
    class Lengths(Metric):
        """Two lengths."""

        def score(self, completion: Completion) -> Score:
            return {"answer": len(completion.text), "gold": len(completion.gold)}

    lengths = Lengths("length", parts=["gold", "answer"], higher_is_better=None)
    task = Task("t", metrics=[lengths])
    assert list(task.score(ROW).values.items()) == [
        ("length.gold", 4.0), ("length.answer", 6.0), ("length.unscored", 0.0),
    ]  # fmt: skip
    assert task.metrics == (lengths,)
    assert task.corpus_metrics == ()
    assert lengths.description == "Two lengths."
    assert repr(lengths) == "<Lengths length>"


@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, 1.0), (False, 0.0), (3, 3.0), (0.5, 0.5), (-0.0, 0.0), (np.float32(0.5), 0.5), (np.int64(2), 2.0),
     (np.bool_(True), 1.0), (Fraction(1, 4), 0.25), (Decimal("0.5"), 0.5), (1e308, 1e308)],
)  # fmt: skip
def test_numbers_of_every_kind_are_scores(value: object, expected: float) -> None:
    values = score_of(value)
    assert values == {"m": expected, "m.unscored": 0.0}
    assert type(values["m"]) is float


@pytest.mark.parametrize("value", [None, "1.0", b"1", [1.0], object(), 1j, float("nan"), float("inf"), 10**400])
def test_what_is_no_number_is_no_score(value: object) -> None:
    assert failure_of(value).startswith("returned ")


def test_a_mapping_must_be_declared_and_complete() -> None:
    assert score_of({"b": 1, "a": 2}, parts=("a", "b")) == {"m.a": 2.0, "m.b": 1.0, "m.unscored": 0.0}
    assert "parts=" in failure_of({"a": 1.0})
    assert failure_of(0.5, parts=("a",)) == "returned one value; it declares the parts a"
    assert failure_of({"a": 1.0}, parts=("a", "b")) == "left out the part 'b', which it declares"
    assert failure_of({"a": 1.0, "b": 1.0}, parts=("a",)) == "returned 2 parts; it declares only a"
    assert failure_of({"a": 1.0, "c": 1.0}, parts=("a", "b")) == "left out the part 'b', which it declares"
    assert failure_of({"a": None}, parts=("a",)).startswith("returned None")


@pytest.mark.parametrize("name", ["", "a.b", "a\nb", "\ud800"])
def test_a_bad_name_is_refused_where_it_is_declared(name: str) -> None:
    class Plain(Metric):
        def score(self, completion: Completion) -> Score:
            return 0.0

    with pytest.raises(InvalidMetric, match="is not a metric name"):
        Plain(name)


@pytest.mark.parametrize("parts", ["text", ["a", "a"], [""], ["unscored"], [1], ["a\nb"], ["\ud800"]])
def test_bad_parts_are_refused_where_they_are_declared(parts: Any) -> None:
    with pytest.raises(InvalidMetric, match="parts"):
        metric(parts=parts)(exact)


def test_an_unmarked_function_is_told_what_to_do() -> None:
    def plain(completion: Completion) -> Score:
        return 0.0

    with pytest.raises(InvalidMetric, match="decorate it with @metric"):
        Task("t", metrics=[plain])
    with pytest.raises(InvalidMetric, match="an object of the type int is not a metric"):
        Task("t", metrics=[3])  # type: ignore[list-item]


def test_a_corpus_metric_must_decode() -> None:
    class Incomplete(CorpusMetric):
        def score(self, completion: Completion) -> Score:
            return 0.0

    with pytest.raises(TypeError, match="decode"):
        Incomplete("x")  # type: ignore[abstract]


@given(st.text() | st.text("%.25E", min_size=1))
@example("%2E")
@example("%25")
def test_labels_survive_the_encoding(label: str) -> None:
    part = label_part("tp", label)
    assert part.count(".") == 1
    prefix, _, encoded = part.partition(".")
    assert (prefix, label_of(encoded)) == ("tp", label)


def test_a_reason_must_be_text() -> None:
    with pytest.raises(InvalidMetric, match="a reason in words, not a ValueError"):
        Unscored(ValueError("x"))  # type: ignore[arg-type]
