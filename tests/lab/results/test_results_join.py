from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.lab.results.result_tree import Row, details_of, make_rows, settle, write_tree

from evalayer_lab.inputs import InputError
from evalayer_lab.results import Results, read_results


def write_dataset(path: Path, rows: Sequence[tuple[str, str, str | None]]) -> Path:
    lines = [
        json.dumps({"query": query, "response": response} | ({"metadata": metadata} if metadata else {}))
        for query, response, metadata in rows
    ]
    path.write_text("".join(line + "\n" for line in lines))
    return path


def metadata_by_answer(results: Results, key: str) -> dict[str | None, str | None]:
    texts = results.texts(range(results.rows))
    return {text.answer: value for text, value in zip(texts, results.column(f"metadata.{key}"), strict=True)}


def test_metadata_of_the_answers_where_the_details_have_none(tmp_path: Path) -> None:
    rows = make_rows(40)
    expected = read_results(write_tree(tmp_path / "a", rows))
    folder = write_tree(tmp_path / "b", random.Random(0).sample(rows, 40), specifics=False)
    lines = (folder / "eval_results" / "inference_output.jsonl").read_text().splitlines()
    random.Random(1).shuffle(lines)
    (folder / "eval_results" / "inference_output.jsonl").write_text("\n".join(lines))
    results = read_results(folder)
    for key in expected.metadata_keys:
        assert results.column(f"metadata.{key}").tolist() == expected.column(f"metadata.{key}").tolist()
    assert (results.join.answers, results.join.missing.count, results.join.unexpected.count) == (40, 0, 0)
    assert results.join.ambiguous.count == 0


def test_answers_that_were_not_scored_and_rows_that_were_not_answered(tmp_path: Path) -> None:
    rows = [Row(f"p{index}", "g", f"a{index}", {"x": 1.0}) for index in range(6)]
    folder = write_tree(tmp_path / "run", rows[:4])
    answers = write_tree(tmp_path / "other", [*rows[1:], rows[5]]) / "eval_results" / "inference_output.jsonl"
    (folder / "eval_results" / "inference_output.jsonl").write_bytes(answers.read_bytes())
    join = read_results(folder).join
    assert (join.rows, join.answers, join.missing.count, join.unexpected.count) == (4, 6, 3, 1)
    assert sorted(join.missing.places) == [f"eval_results/inference_output.jsonl: line {line}" for line in (4, 5, 6)]
    assert join.unexpected.places == (f"{details_of(folder).relative_to(folder)}: row 1",)


def test_answers_of_another_run(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "run", [Row("p", "g", "a", {"x": 1.0})])
    (folder / "eval_results" / "inference_output.jsonl").write_text('{"prompt": "p", "inference": "b", "gold": "g"}\n')
    results = read_results(folder)
    assert results.join.answers is None
    assert results.join.missing.count == 0
    assert "No line of inference_output.jsonl matches a row of the details in prompt, gold and answer." in results.notes


def test_duplicates_have_ordinals(tmp_path: Path) -> None:
    rows = [Row("p", "g", answer, {"x": 1.0}, '{"k": "v"}') for answer in ("b", "a", "b", "b")] + [
        Row("q", "g", "a", {})
    ]
    results = read_results(write_tree(tmp_path / "run", rows))
    join = results.join
    assert (join.duplicates.count, join.ambiguous.count, join.missing.count) == (3, 0, 0)
    assert len(set(join.duplicates.keys)) == 1
    assert sorted(results.column("ordinal")) == [0, 0, 1, 2, 3]


@pytest.mark.parametrize("source", ["answers", "dataset"])
def test_duplicates_that_differ_in_metadata_are_ambiguous(tmp_path: Path, source: str) -> None:
    same, differ = ['{"k": "1"}', '{"k": "1"}'], ['{"k": "1"}', '{"k": "2"}']
    rows = [
        *(Row("p", "g", "a", {"x": 0.0}, metadata) for metadata in same),
        *(Row("q", "g", "b", {"x": 1.0}, metadata) for metadata in differ),
    ]
    folder = write_tree(tmp_path / "run", rows, specifics=False, inferences=source == "answers")
    dataset = write_dataset(tmp_path / "gen_qa.jsonl", [(row.prompt, row.gold, row.metadata) for row in rows])
    results = read_results(folder, dataset=dataset if source == "dataset" else None)
    assert metadata_by_answer(results, "k") == {"a": "1", "b": None}
    assert (results.join.ambiguous.count, results.join.without_metadata.count) == (2, 2)
    assert len(set(results.join.ambiguous.keys)) == 1
    assert results.join.missing.count == 0


def test_a_dataset_says_what_is_missing(tmp_path: Path) -> None:
    rows = [Row(f"p{index}", "g", f"a{index}", {"x": 1.0}) for index in range(5)]
    folder = write_tree(tmp_path / "run", [*rows[1:], rows[4]])
    data = [(row.prompt, row.gold, json.dumps({"n": index})) for index, row in enumerate(rows)]
    results = read_results(folder, dataset=write_dataset(tmp_path / "gen_qa.jsonl", [*data, data[2]]))
    join = results.join
    assert (join.expected, join.missing.count, join.unexpected.count) == (6, 2, 1)
    assert set(join.missing.places) == {"gen_qa.jsonl: line 1", "gen_qa.jsonl: line 6"}
    assert metadata_by_answer(results, "n") == {f"a{index}": str(index) for index in range(1, 5)}


def test_a_dataset_whose_queries_were_preprocessed(tmp_path: Path) -> None:
    queries = [f"ticket {index}" for index in range(1, 30)]
    rows = [Row(f"Sort this: {query}\nAnswer in JSON.", "g", f"a {query}", {"x": 1.0}) for query in queries]
    folder = write_tree(tmp_path / "run", rows[1:])
    dataset = write_dataset(tmp_path / "gen_qa.jsonl", [(query, "g", json.dumps({"q": query})) for query in queries])
    results = read_results(folder, dataset=dataset)
    assert metadata_by_answer(results, "q") == {f"a {query}": query for query in queries[1:]}
    assert (results.join.missing.places, results.join.unexpected.count) == (("gen_qa.jsonl: line 1",), 0)
    assert any("the same text around each" in note for note in results.notes)


def test_a_gold_that_looks_like_a_list_meets_that_of_the_dataset(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "run", [Row("p", "['g']", "a", {"x": 1.0})])
    results = read_results(folder, dataset=write_dataset(tmp_path / "gen_qa.jsonl", [("p", "['g']", None)]))
    assert (results.join.missing.count, results.join.unexpected.count) == (0, 0)


def test_a_dataset_of_another_run(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "run", [Row("p", "g", "a", {"x": 1.0})])
    dataset = write_dataset(tmp_path / "gen_qa.jsonl", [("q", "h", None), (" ", "h", None)])
    results = read_results(folder, dataset=dataset)
    assert (results.join.missing.count, results.join.unexpected.count) == (1, 1)
    assert "No row of the dataset matches a row of the run in prompt and gold." in results.notes
    assert "Rows of the dataset that have errors were left out: 1." in results.notes
    with pytest.raises(InputError, match="cannot be read"):
        read_results(folder, dataset=tmp_path / "none.jsonl")


def test_a_changed_dataset_is_read_again(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "run", [Row("p", "g", "a", {"x": 1.0})])
    dataset = write_dataset(tmp_path / "gen_qa.jsonl", [("p", "g", '{"k": "1"}')])
    assert read_results(folder, dataset=dataset).column("metadata.k").tolist() == ["1"]
    write_dataset(dataset, [("p", "g", '{"k": "2"}')])
    assert read_results(folder, dataset=dataset).column("metadata.k").tolist() == ["2"]
    assert read_results(folder).metadata_keys == ()


def test_halves_of_surrogate_pairs(tmp_path: Path) -> None:
    row = Row("p \ud800", "g \udc00", '{"class": "\\ud800"}', {"\ud800": 1.0}, '{"\\ud800": "\\udfff"}')
    folder = write_tree(tmp_path / "run", [Row("x", "y", "z")])
    cells = {
        "example": ["p \\ud800"],
        "gold": ["g \\udc00"],
        "metrics": ["{'lambda_\\ud800': 1.0}"],
        "predictions": [repr([row.answer])],
        "pred_logprobs": ["[[{'\\ud800': -0.5}]]"],
        "specifics": [repr({"metadata": row.metadata})],
    }
    folder = write_tree(tmp_path / "halves", [Row("x", "y", "z")], columns=cells)
    line = {"prompt": row.prompt, "inference": repr([row.answer]), "gold": row.gold}
    (folder / "eval_results" / "inference_output.jsonl").write_text(json.dumps(line))
    settle(folder)
    results = read_results(folder, field="class")
    assert results.join.missing.count == results.join.unexpected.count == 0
    assert results.column("predicted_label").tolist() == ["\\ud800"]
    assert results.column("metadata.\\ud800").tolist() == ["\\udfff"]
    assert results.values("\\ud800").tolist() == [1.0]
    assert results.texts([0])[0].positions == [{"\ud800": -0.5}]


row_strategy = st.tuples(
    st.sampled_from("pq"), st.sampled_from("gh"), st.sampled_from("ab"), st.sampled_from([None, "1", "2"])
)


@settings(max_examples=10)
@given(
    details=st.lists(row_strategy, min_size=1, max_size=8),
    expected=st.lists(row_strategy, min_size=1, max_size=8),
    shards=st.integers(1, 3),
)
def test_counts_are_those_of_multisets(
    tmp_path_factory: pytest.TempPathFactory,
    details: list[tuple[str, str, str, str | None]],
    expected: list[tuple[str, str, str, str | None]],
    shards: int,
) -> None:
    folder = tmp_path_factory.mktemp("join")
    rows = [Row(prompt, gold, answer, {"x": 1.0}) for prompt, gold, answer, _ in details]
    write_tree(folder / "run", rows, shards=min(shards, len(rows)), inferences=False)
    data = [(prompt, gold, metadata and json.dumps({"k": metadata})) for prompt, gold, _, metadata in expected]
    results = read_results(folder / "run", dataset=write_dataset(folder / "gen_qa.jsonl", data), cache=False)
    contents = [(prompt, gold) for prompt, gold, _, _ in details]
    wanted = [(prompt, gold) for prompt, gold, _ in data]
    every = {*contents, *wanted}
    join = results.join
    assert join.missing.count == sum(max(0, wanted.count(row) - contents.count(row)) for row in every)
    assert join.unexpected.count == sum(max(0, contents.count(row) - wanted.count(row)) for row in every)
    assert join.duplicates.count == len(contents) - len(set(contents))
    kinds = {row: {metadata for *content, metadata in data if tuple(content) == row} for row in every}
    assert join.ambiguous.count == sum(len(kinds[row]) > 1 for row in contents)
    assert join.without_metadata.count == sum(len(kinds[row]) != 1 or None in kinds[row] for row in contents)
