"""What the cells of a details file may hold, and what is read of each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.lab.results.result_tree import Row, write_tree

from evalayer_lab.results import Results, RowTexts, read_results

few = settings(max_examples=15)
texts = st.text(st.one_of(st.characters(), st.sampled_from("'\"\\{}[]\n\ud800▁")), max_size=8)
logprobs = st.floats(max_value=0.0, allow_nan=False, allow_infinity=False)


def read(
    factory: pytest.TempPathFactory, columns: Mapping[str, Sequence[Any]], *, partial: bool = False
) -> tuple[Results, list[RowTexts]]:
    """Read rows with some columns of their own; their texts in the order of the file."""
    rows = [Row(f"p{index}", "g", "a") for index in range(len(next(iter(columns.values()))))]
    folder = write_tree(factory.mktemp("cells") / "run", rows, columns=columns, inferences=False)
    results = read_results(folder, partial=partial)
    return results, results.texts(results.column("source_row").argsort().tolist())


@few
@given(st.lists(st.lists(st.dictionaries(texts, logprobs, max_size=3), min_size=1, max_size=4), min_size=1))
def test_log_probabilities_are_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, cells: list[list[dict[str, float]]]
) -> None:
    written = [repr([positions]) for positions in cells] + [repr(positions) for positions in cells]
    _, found = read(tmp_path_factory, {"pred_logprobs": written})
    assert [list(row.positions) for row in found] == cells * 2


@few
@given(st.lists(st.text(st.sampled_from("[]{}'\",:\\ 1.ea-infNone"), max_size=40), min_size=1, max_size=50))
def test_any_text_is_log_probabilities_or_refused(tmp_path_factory: pytest.TempPathFactory, cells: list[str]) -> None:
    results, found = read(tmp_path_factory, {"pred_logprobs": cells}, partial=True)
    assert results.rows + results.join.unread == len(cells)
    numbers = [number for row in found for position in row.positions for number in position.values()]
    assert all(isinstance(number, int | float) for number in numbers)


@pytest.mark.parametrize("cells", [[None, "", "[]", "[[]]", "None"], [[], [[]], [None]]])
def test_no_log_probabilities(tmp_path_factory: pytest.TempPathFactory, cells: list[object]) -> None:
    results, found = read(tmp_path_factory, {"pred_logprobs": cells})
    assert [len(row.positions) for row in found] == [0] * len(cells)
    assert results.join.without_log_probabilities.count == len(cells)


def test_odd_log_probabilities(tmp_path_factory: pytest.TempPathFactory) -> None:
    long = repr([[{"token": -0.5}] * 100_000])
    assert len(long) > 1 << 20
    cells = ["[[{'inf': -inf, '-inf': -1.0}]]", "[[{'a': np.float64(-0.5)}]]", long]
    _, (infinite, numpy, longest) = read(tmp_path_factory, {"pred_logprobs": cells})
    assert math.exp(infinite.positions[0]["inf"]) == 0.0
    assert infinite.positions[0]["-inf"] == -1.0
    assert numpy.positions == [{"a": -0.5}]
    assert len(longest.positions) == 100_000
    nested = [[[{"a": -0.5, "b": None}, {"a": None, "b": -1.0}]]]
    assert read(tmp_path_factory, {"pred_logprobs": nested})[1][0].positions == [{"a": -0.5}, {"b": -1.0}]


@few
@given(st.lists(texts, min_size=1))
def test_an_answer_is_found_in_a_literal(tmp_path_factory: pytest.TempPathFactory, answers: list[str]) -> None:
    expected = [answer.encode("utf-8", "backslashreplace").decode() for answer in answers]
    _, found = read(tmp_path_factory, {"predictions": [repr([answer]) for answer in answers]})
    assert [row.answer for row in found] == expected


ANSWERS = {
    "plain": "plain",
    '{"class": "a"}': '{"class": "a"}',
    "[see below]": "[see below]",
    "[1, 2]": "[1, 2]",
    "array(['a'], dtype=object)": "a",
    "array([['a', 'b']])": "a",
    "array(broken": "array(broken",
    "['first', 'second']": "first",
    "[]": None,
    "": "",
    None: None,
}
GOLDS = {
    "plain": "plain",
    "['plain']": "plain",
    '["plain"]': '["plain"]',
    "['a', 'b']": "['a', 'b']",
    None: None,
}
PROMPTS = {
    "plain": "plain",
    "[{'role': 'system', 'content': 's'}, {'role': 'user', 'content': \"it's\"}]": "it's",
    "[{'role': 'user', 'content': ['x']}]": "[{'role': 'user', 'content': ['x']}]",
    "[not messages": "[not messages",
    None: None,
}


@pytest.mark.parametrize(
    ("column", "role", "expected"),
    [("predictions", "answer", ANSWERS), ("gold", "gold", GOLDS), ("example", "prompt", PROMPTS)],
)
def test_cells_of_text(
    tmp_path_factory: pytest.TempPathFactory, column: str, role: str, expected: Mapping[str | None, str | None]
) -> None:
    _, found = read(tmp_path_factory, {column: list(expected)})
    assert dict(zip(expected, (getattr(row, role) for row in found), strict=True)) == expected


@pytest.mark.parametrize(
    ("column", "role", "cells", "expected"),
    [
        ("predictions", "answer", [["first", "second"], [], None], ["first", None, None]),
        ("predictions", "answer", [[["it's"]]], ["it's"]),
        ("gold", "gold", [["plain"], ["a", "b"]], ["plain", '["a", "b"]']),
        ("example", "prompt", [[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]], ["a"]),
    ],
)
def test_nested_cells(
    tmp_path_factory: pytest.TempPathFactory, column: str, role: str, cells: list[object], expected: list[object]
) -> None:
    _, found = read(tmp_path_factory, {column: cells})
    assert [getattr(row, role) for row in found] == expected


def test_metadata_and_scores_in_nested_columns(tmp_path_factory: pytest.TempPathFactory) -> None:
    specifics = [{"metadata": {"b": 1, "a": "x", "c": None}, "sample_id": 3}, {"metadata": None}, None]
    results, _ = read(tmp_path_factory, {"specifics": specifics, "metrics": [{"lambda_x": 1.0}] * 3})
    assert results.metadata_keys == ("a", "b")
    assert sorted(results.column("metadata.b"), key=str) == ["1", None, None]
    assert results.join.without_metadata.count == 2
    assert results.join.unread_metadata.count == 0
    assert results.values("x").tolist() == [1.0, 1.0, 1.0]


@few
@given(st.lists(st.tuples(st.one_of(st.none(), st.text(max_size=3)), st.one_of(st.none(), st.text(max_size=3)))))
def test_a_key_stands_for_one_prompt_and_gold(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str | None, str | None]]
) -> None:
    pairs = [("prompt", "gold"), *pairs]
    prompts, golds = zip(*pairs, strict=True)
    results, _ = read(tmp_path_factory, {"example": prompts, "gold": golds})
    keys = results.column("key").tolist()
    contents = [(row.prompt, row.gold) for row in results.texts(range(results.rows))]
    assert len(set(keys)) == len(set(contents)) == len(set(zip(keys, contents, strict=True)))
