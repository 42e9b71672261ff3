from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalayer_lab.results._cells import (
    answer_of,
    digest,
    gold_of,
    metadata_of,
    positions_of,
    prompt_of,
    scores_of,
)

texts = st.text(st.one_of(st.characters(), st.sampled_from("'\"\\{}[]\n\ud800▁")), max_size=8)
logprobs = st.floats(max_value=0.0, allow_nan=False, allow_infinity=False)


@given(st.lists(st.dictionaries(texts, logprobs, max_size=3), min_size=1, max_size=4))
def test_log_probabilities_are_what_was_written(positions: list[dict[str, float]]) -> None:
    assert list(positions_of(repr([positions]))) == positions
    assert list(positions_of(repr(positions))) == positions
    assert list(positions_of([positions])) == positions


@given(st.text(st.sampled_from("[]{}'\",:\\ 1.ea-infNone"), max_size=40))
def test_any_text_is_log_probabilities_or_refused(text: str) -> None:
    try:
        positions = positions_of(text)
    except ValueError:
        return
    assert all(isinstance(number, int | float) for position in positions for number in position.values())


@pytest.mark.parametrize("cell", [None, "", "[]", "[[]]", "None", [], [[]], [None]])
def test_no_log_probabilities(cell: object) -> None:
    assert len(positions_of(cell)) == 0


def test_odd_log_probabilities() -> None:
    ((position,),) = (positions_of("[[{'inf': -inf, '-inf': -1.0}]]"),)
    assert math.exp(position["inf"]) == 0.0
    assert position["-inf"] == -1.0
    assert positions_of("[[{'a': np.float64(-0.5)}]]") == [{"a": -0.5}]
    assert positions_of([[{"a": -0.5, "b": None}, {"a": None, "b": -1.0}]]) == [{"a": -0.5}, {"b": -1.0}]
    long = repr([[{"token": -0.5}] * 100_000])
    assert len(long) > 1 << 20
    assert len(positions_of(long)) == 100_000


@given(texts)
def test_an_answer_is_found_in_a_literal(answer: str) -> None:
    expected = answer.encode("utf-8", "backslashreplace").decode()
    assert answer_of(repr([answer])) == answer_of([answer]) == answer_of([[answer]]) == expected


@pytest.mark.parametrize(
    ("cell", "answer"),
    [
        ("plain", "plain"),
        ('{"class": "a"}', '{"class": "a"}'),
        ("[see below]", "[see below]"),
        ("[1, 2]", "[1, 2]"),
        ("array(['a'], dtype=object)", "a"),
        ("array([['a', 'b']])", "a"),
        ("array(broken", "array(broken"),
        ("['first', 'second']", "first"),
        ("[]", None),
        ([], None),
        (None, None),
        ("", ""),
    ],
)
def test_answers(cell: object, answer: str | None) -> None:
    assert answer_of(cell) == answer


@pytest.mark.parametrize(
    ("cell", "gold"),
    [
        ("plain", "plain"),
        ("['plain']", "plain"),
        ('["plain"]', '["plain"]'),
        ("['a', 'b']", "['a', 'b']"),
        (["plain"], "plain"),
        (["a", "b"], '["a", "b"]'),
        (None, None),
    ],
)
def test_golds(cell: object, gold: str | None) -> None:
    assert gold_of(cell) == gold


@pytest.mark.parametrize(
    ("cell", "prompt"),
    [
        ("plain", "plain"),
        ("[{'role': 'system', 'content': 's'}, {'role': 'user', 'content': \"it's\"}]", "it's"),
        ([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "a"),
        ("[{'role': 'user', 'content': ['x']}]", "[{'role': 'user', 'content': ['x']}]"),
        ("[not messages", "[not messages"),
        (None, None),
    ],
)
def test_prompts(cell: object, prompt: str | None) -> None:
    assert prompt_of(cell) == prompt


def test_metadata_in_nested_columns() -> None:
    assert metadata_of({"metadata": {"b": 1, "a": "x", "c": None}}) == (("a", "x"), ("b", "1"))
    assert metadata_of({"metadata": '{"b": 1}', "other": None}) == (("b", "1"),)
    assert metadata_of({"sample_id": 3}) == metadata_of(None) == metadata_of("") == ()
    assert scores_of({"lambda_x": 1.0}) == {"lambda_x": 1.0}


@given(st.lists(st.one_of(st.none(), texts), max_size=4), st.lists(st.one_of(st.none(), texts), max_size=4))
def test_a_digest_stands_for_one_sequence(first: list[str | None], second: list[str | None]) -> None:
    def seen(parts: list[str | None]) -> list[bytes | None]:
        return [part and part.encode("utf-8", "backslashreplace") for part in parts]  # type: ignore[misc]

    assert (digest(*first) == digest(*second)) == (seen(first) == seen(second))
