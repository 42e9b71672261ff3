from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.lab.results.result_tree import (
    LABELS,
    TIME,
    Row,
    details_of,
    make_row,
    make_rows,
    pack,
    settle,
    write_tree,
)

from evalayer_lab.inputs import InputError
from evalayer_lab.results import Results, read_results

ROWS = make_rows(40)


def content(results: Results, *, without: Sequence[str] = ("source_file", "source_row")) -> list[tuple[object, ...]]:
    """Everything but where the rows stand."""
    names = [name for name in results.relation.columns if name not in without]
    return results.relation.select(*(f'"{name}"' for name in names)).fetchall()


def test_columns(tmp_path: Path) -> None:
    results = read_results(write_tree(tmp_path / "run", ROWS))
    assert results.rows == 40
    assert results.field == "class"
    assert set(results.labels) == set(LABELS)
    by_prompt = {(row.prompt, row.answer): row for row in ROWS}
    golds, predictions, labels = results.classes(next(metric for metric in results.metrics if metric.name == "class"))
    kinds = results.column("answer_kind")
    for index, texts in enumerate(results.texts(range(40))):
        assert texts.prompt is not None
        assert texts.answer is not None
        row = by_prompt[texts.prompt, texts.answer]
        assert (texts.gold, texts.positions) == (row.gold, row.positions)
        for name, value in row.scores.items():
            assert results.values(name)[index] == value
        assert row.metadata is not None
        for key, value in json.loads(row.metadata).items():
            assert results.column(f"metadata.{key}")[index] == str(value)
        gold, predicted = json.loads(row.gold)["class"], json.loads(row.answer)["class"]
        assert results.column("gold_label")[index] == labels[golds[index]] == gold
        assert results.column("predicted_label")[index] == predicted
        assert predictions[index] == (labels.index(predicted) if predicted in labels else -1)
        joint = results.column("confidence_joint")[index]
        assert joint == pytest.approx(np.exp(row.positions[1][predicted]))
        assert results.column("confidence_low")[index] <= joint <= results.column("confidence_high")[index]
        assert results.column("generated_is_largest")[index] == 1.0
        assert results.column("no_confidence")[index] is None
        assert kinds[index] == "json"
        assert results.column("answer_characters")[index] == len(row.answer)
        assert list(results.column("hedges")[index]) == ["perhaps"]
    assert results.scored(results.metrics[0]).all()
    assert list(results.to_pandas().columns) == results.relation.columns


def test_every_column_is_documented(tmp_path: Path) -> None:
    results = read_results(write_tree(tmp_path / "run", ROWS))
    documented = Results.__doc__ or ""
    assert [name for name in results.columns if "." not in name and f"`{name}`" not in documented] == []
    assert {name.partition(".")[0] for name in results.columns if "." in name} == {
        "metric",
        "gold",
        "predicted",
        "metadata",
    }


def test_rows_are_in_order_of_content(tmp_path: Path) -> None:
    results = read_results(write_tree(tmp_path / "run", ROWS))
    places = list(zip(results.column("key"), results.column("ordinal"), strict=True))
    assert places == sorted(places)
    assert len(set(places)) == 40
    assert max(results.column("ordinal")) == 1
    codes, values = results.codes("metadata.domain")
    assert [values[code] for code in codes] == results.column("metadata.domain").tolist()
    assert list(values) == sorted(values)
    codes, values = results.codes("metadata.id")
    assert [values[code] if code >= 0 else None for code in codes] == results.column("metadata.id").tolist()


def test_codes_of_many_values(tmp_path: Path) -> None:
    rows = [
        Row(f"p{row}", "g", "a", {}, json.dumps({"id": f"it's {row % 300}"}) if row % 7 else None) for row in range(900)
    ]
    results = read_results(write_tree(tmp_path / "run", rows))
    codes, values = results.codes("metadata.id")
    assert len(values) == 300
    assert [values[code] if code >= 0 else None for code in codes] == results.column("metadata.id").tolist()


def shuffled(folder: Path) -> Path:
    return write_tree(folder, random.Random(1).sample(ROWS, 40))


def replicated(folder: Path) -> Path:
    return write_tree(folder, random.Random(2).sample(ROWS, 40), shards=7, group_rows=2)


def packed(folder: Path) -> Path:
    return pack(write_tree(folder / "job", random.Random(3).sample(ROWS, 40)), folder / "output.tar.gz")


def below_output(folder: Path) -> Path:
    write_tree(folder / "output" / "output" / "job", ROWS)
    return folder


def on_hyperpod(folder: Path) -> Path:
    write_tree(folder / "job", ROWS)
    (folder / "job" / "eval_results").rename(folder / "job" / "eval-result")
    return folder


def in_one_group(folder: Path) -> Path:
    return write_tree(folder, list(reversed(ROWS)), group_rows=1 << 20, hyphens=True)


def with_lists(folder: Path) -> Path:
    return write_tree(folder, ROWS, predictions="lists")


def with_arrays(folder: Path) -> Path:
    return write_tree(folder, ROWS, predictions="array")


def with_plain_answers(folder: Path) -> Path:
    return write_tree(folder, ROWS, predictions="text")


def with_logits(folder: Path) -> Path:
    return write_tree(folder, ROWS, logprobs="pred_logits")


def with_both_names(folder: Path) -> Path:
    return write_tree(folder, ROWS, columns={"pred_logits": ["[[{'x': -9.0}]]"] * 40})


def with_bare_names(folder: Path) -> Path:
    return write_tree(folder, ROWS, prefix="")


def with_nested_names(folder: Path) -> Path:
    return write_tree(folder, ROWS, nested=True)


def with_messages_only(folder: Path) -> Path:
    return write_tree(folder, ROWS, messages=True)


def with_golds_in_lists(folder: Path) -> Path:
    return write_tree(folder, ROWS, columns={"gold": [repr([row.gold]) for row in ROWS]})


def with_a_copy(folder: Path) -> Path:
    write_tree(folder, ROWS)
    shutil.copytree(folder / "eval_results", folder / "copy" / "eval_results")
    (folder / "run.json").write_text('{"run_name": "run"}')
    return folder


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return read_results(write_tree(tmp_path_factory.mktemp("results") / "plain", ROWS))


@pytest.mark.parametrize(
    "variant",
    [
        shuffled,
        replicated,
        packed,
        below_output,
        on_hyperpod,
        in_one_group,
        with_lists,
        with_arrays,
        with_plain_answers,
        with_logits,
        with_both_names,
        with_bare_names,
        with_nested_names,
        with_messages_only,
        with_golds_in_lists,
        with_a_copy,
    ],
)
def test_however_it_is_written_the_content_is_the_same(
    tmp_path: Path, expected: Results, variant: Callable[[Path], Path]
) -> None:
    results = read_results(variant(tmp_path / "variant"))
    assert content(results) == content(expected)
    assert results.digest == expected.digest
    assert results.reported == expected.reported
    assert results.labels == expected.labels
    joins = []
    for each in (results.join, expected.join):
        counted = (each.missing, each.unexpected, each.duplicates, each.ambiguous, each.without_metadata)
        joins.append([(found.count, found.keys) for found in counted])
    assert joins[0] == joins[1]


def test_the_order_of_rows_is_of_their_content_not_of_their_answers(tmp_path: Path) -> None:
    others = [Row(row.prompt, row.gold, "no", row.scores, row.metadata) for row in ROWS]
    mine, theirs = (read_results(write_tree(tmp_path / name, rows)) for name, rows in (("a", ROWS), ("b", others)))
    assert mine.digest == theirs.digest
    assert mine.column("key").tolist() == theirs.column("key").tolist()
    assert theirs.column("no_confidence").tolist() == ["no_log_probabilities"] * 40
    assert np.isnan(theirs.column("confidence_tokens")).all()
    assert theirs.join.without_log_probabilities.count == 40


def test_run_json_says_which_metrics_there_are(tmp_path: Path) -> None:
    metrics = [{"name": "grade", "parts": [], "corpus": False, "higher_is_better": False}]
    run = {"metrics": metrics, "rows": {"read": 40, "bad": 0, "failed": 0, "scored": 40}, "task": "tickets"}
    results = read_results(write_tree(tmp_path / "run", ROWS, run=run))
    assert [metric.name for metric in results.metrics] == ["grade", "class"]
    assert results.metrics[0].higher_is_better is False
    assert results.run.task == "tickets"
    assert results.run.rows is not None
    assert not any("run.json" in note for note in results.notes)
    again = read_results(tmp_path / "run")
    assert (again.run, again.metrics, again.join, again.notes) == (
        results.run,
        results.metrics,
        results.join,
        results.notes,
    )


def test_a_count_that_is_not_that_of_run_json(tmp_path: Path) -> None:
    folder = write_tree(
        tmp_path / "run", ROWS[:3], run={"rows": {"read": 5, "bad": 0, "failed": 1, "scored": 4}, "metrics": []}
    )
    with pytest.raises(InputError, match=r"there are 3 rows, but run\.json says that 4 were scored"):
        read_results(folder)
    assert "There are 3 rows, but run.json says that 4 were scored." in read_results(folder, partial=True).notes


def test_values_that_are_not_reported(tmp_path: Path) -> None:
    rows = [Row("p", "g", "a", scores) for scores in ({"x": 1.0, "x.unscored": 0.0}, {"x.unscored": 1.0}, {"y": 2.0})]
    results = read_results(write_tree(tmp_path / "run", rows))
    values = results.values("x")
    assert (values[~np.isnan(values)].tolist(), int(np.isnan(values).sum())) == ([1.0], 2)
    by_name = {metric.name: results.scored(metric).sum() for metric in results.metrics}
    assert by_name == {"x": 1, "y": 1}
    assert np.isnan(results.values("nothing")).all()


def test_names_that_differ_in_case_only(tmp_path: Path) -> None:
    rows = [
        Row(
            "p",
            "g",
            "a",
            {"f1": 0.1, "F1": 0.2, "rougeL": 0.3, 'a"b': 0.4, "x\0": 0.5},
            '{"Key": "A", "key": "b", "k\'": "c"}',
        )
    ]
    results = read_results(write_tree(tmp_path / "run", rows))
    reported = {name: results.values(name).tolist() for name in ("f1", "F1", "rougeL", 'a"b', "x\\0")}
    assert reported == {"f1": [0.1], "F1": [0.2], "rougeL": [0.3], 'a"b': [0.4], "x\\0": [0.5]}
    assert [results.column(f"metadata.{key}").tolist() for key in ("Key", "key", "k'")] == [["A"], ["b"], ["c"]]


def test_metadata_values(tmp_path: Path) -> None:
    texts = ['{"urgent": true, "n": 3, "tags": ["a"], "none": null, "text": "é"}', None, "not json", "[1]", "{}"]
    rows = [Row(f"p{index}", "g", "a", {}, text) for index, text in enumerate(texts)]
    results = read_results(write_tree(tmp_path / "run", rows))
    assert results.metadata_keys == ("n", "text", "urgent")
    found = {tuple(results.column(f"metadata.{key}")[row] for key in results.metadata_keys) for row in range(5)}
    assert found == {("3", "é", "true"), (None, None, None)}
    assert results.join.without_metadata.count == 4
    assert results.join.unread_metadata.count == 2
    assert "2 rows have metadata that is not a JSON object, and is in no segment." in results.notes


def test_too_many_metadata_keys(tmp_path: Path) -> None:
    rows = [
        Row(f"p{row}", "g", "a", {}, json.dumps({f"k{row}_{key}": 1 for key in range(50)} | {"all": 1}))
        for row in range(6)
    ]
    results = read_results(write_tree(tmp_path / "run", rows))
    assert len(results.metadata_keys) == 256
    assert "all" in results.metadata_keys
    assert any("301 different keys; the 256 most frequent" in note for note in results.notes)


@pytest.mark.parametrize(
    ("golds", "given", "field", "labels"),
    [
        (['{"class": "a", "why": "x"}', '{"class": "b", "why": "y"}'], {}, "class", ("a", "b")),
        (['{"topic": "a", "why": "x"}', '{"topic": "a", "why": "y"}'], {}, "topic", ("a",)),
        (['{"topic": "a", "why": "x"}', '{"topic": "a", "why": "y"}'], {"field": "why"}, "why", ("x", "y")),
        (["yes", "no", "yes", "no"], {}, None, ("no", "yes")),
        (["yes", "no"], {"labels": ["yes", "maybe"]}, None, ("yes", "maybe")),
        ([f"text {index}" for index in range(9)], {}, None, ()),
        ([f'{{"id": "{index}"}}' for index in range(9)], {}, None, ()),
    ],
)
def test_field_and_labels_are_inferred(
    tmp_path: Path, golds: Sequence[str], given: dict[str, Any], field: str | None, labels: tuple[str, ...]
) -> None:
    rows = [Row(f"p{index}", gold, gold, {"grade": 1.0}) for index, gold in enumerate(golds)]
    results = read_results(write_tree(tmp_path / "run", rows), **given)
    assert (results.field, results.labels) == (field, labels)
    assert set(results.column("gold_label")) == (set(labels) & set(golds) if field is None else set(labels)) or {None}


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    read_results(
        write_tree(tmp_path / "run", ROWS, shards=4), on_progress=lambda done, total: told.append((done, total))
    )
    assert told == [(10, 40), (20, 40), (30, 40), (40, 40)]


def test_unknown_columns(tmp_path: Path) -> None:
    results = read_results(write_tree(tmp_path / "run", ROWS))
    with pytest.raises(InputError, match=r"metadata\.domian: there is no such column; did you mean metadata\.domain\?"):
        results.column("metadata.domian")
    with pytest.raises(InputError, match="the column is DOUBLE, not text"):
        results.codes("metric.grade")
    with pytest.raises(InputError, match="grade: the metric does not report counters of labels"):
        results.classes(next(metric for metric in results.metrics if metric.name == "grade"))
    with pytest.raises(InputError, match="the rows are numbered from 0 to 39"):
        results.texts([40])


def test_which_rows_are_scored_is_asked_once(tmp_path: Path) -> None:
    results = read_results(write_tree(tmp_path / "run", ROWS))
    for metric in results.metrics:
        assert results.scored(metric) is results.scored(metric)
        assert not results.scored(metric).flags.writeable


def test_columns_are_not_to_be_changed(tmp_path: Path) -> None:
    results = read_results(write_tree(tmp_path / "run", ROWS))
    with pytest.raises(ValueError, match="read-only"):
        results.values("grade")[0] = 1.0


def test_texts_of_a_file_that_was_changed(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "run", ROWS)
    results = read_results(folder)
    details_of(folder).touch()
    with pytest.raises(InputError, match="has changed since it was read"):
        results.texts([0])


def test_the_latest_of_several_times(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "run", ROWS[:5])
    older = write_tree(tmp_path / "older", ROWS[5:], time="2025-01-01T00-00-00.000000+00-00")
    shutil.copytree(older, folder, dirs_exist_ok=True)
    shutil.copy(older / "eval_results" / "inference_output.jsonl", tmp_path / "unused")
    results = read_results(folder)
    assert results.rows == 5
    assert any("details files of 2 times" in note for note in results.notes)


def test_a_run_in_the_folder_of_another_one(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "run", ROWS[:5], run={})
    write_tree(folder / "later", ROWS[:8], run={}, time="2027-01-02T03-04-05.000006+00-00")
    assert read_results(folder).rows == 5
    assert read_results(folder / "later").rows == 8


def test_shards_of_equal_rows_are_no_copies(tmp_path: Path) -> None:
    results = read_results(write_tree(tmp_path / "run", [ROWS[0]] * 2, shards=2))
    assert (results.rows, results.join.duplicates.count, results.join.missing.count) == (2, 1, 0)


def test_many_labels(tmp_path: Path) -> None:
    labels = [f"l{index}" for index in range(400)]
    scores = {"class.correct": 1.0} | {f"class.{part}.{label}": 0.0 for label in labels for part in ("tp", "fp", "fn")}
    rows = [Row(f"p{label}", label, label, scores | {f"class.tp.{label}": 1.0}) for label in labels[:40]]
    results = read_results(write_tree(tmp_path / "run", rows))
    gold, predicted, found = results.classes(results.metrics[0])
    assert sorted(found[index] for index in gold) == sorted(labels[:40])
    assert gold.tolist() == predicted.tolist()


def test_long_texts_are_joined_and_are_no_labels(tmp_path: Path) -> None:
    long = "it's " * 300_000
    rows = [Row(f"{long}{index}", long, f"{long}!", {"x": 1.0}, json.dumps({"k": index})) for index in range(2)]
    results = read_results(write_tree(tmp_path / "run", rows, messages=True, specifics=False))
    assert (results.join.answers, results.join.missing.count, results.join.unexpected.count) == (2, 0, 0)
    assert sorted(results.column("metadata.k")) == ["0", "1"]
    assert results.texts([0])[0].answer == f"{long}!"
    assert results.labels == ()


def test_a_long_text_that_stands_for_many_rows_is_not_copied(tmp_path: Path) -> None:
    import tracemalloc

    folder = write_tree(tmp_path / "run", ROWS[:1])
    row = pa.array(["x" * (1 << 20)])
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 500, pa.int32()), row)
    cells: dict[str, Any] = {
        "example": texts,
        "gold": ["g"] * 500,
        "metrics": ["{'x': 1.0}"] * 500,
        "predictions": ["a"] * 500,
    }
    pq.write_table(pa.table(cells), details_of(folder), store_schema=False, dictionary_pagesize_limit=1 << 22)
    usual, counting = pa.default_memory_pool(), pa.proxy_memory_pool(pa.default_memory_pool())
    pa.set_memory_pool(counting)
    tracemalloc.start()
    try:
        results = read_results(folder, cache=False)
        assert tracemalloc.get_traced_memory()[1] < 50 << 20
        assert 1 << 20 < (counting.max_memory() or 0) < 50 << 20
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(usual)
    assert [len(row.prompt or "") for row in results.texts(range(500))] == [1 << 20] * 500


def test_several_runs_are_listed(tmp_path: Path) -> None:
    write_tree(tmp_path / "one", ROWS[:1])
    write_tree(tmp_path / "two", ROWS[:1], run={"metrics": []})
    with pytest.raises(InputError, match="there are 2 runs here; give one: ") as caught:
        read_results(tmp_path)
    assert caught.value.reason.endswith(f"{tmp_path / 'one'}, {tmp_path / 'two'}")


def test_details_of_several_tasks(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "run", ROWS[:2])
    other = details_of(folder).with_name(f"details_custom|other|0_{TIME}.parquet")
    pq.write_table(pq.read_table(details_of(folder)).slice(1), other)
    with pytest.raises(InputError, match="the 2 details files of one time belong to different tasks"):
        read_results(folder)


def test_wildcards_in_a_folder_s_name(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "run [1]*?'\"", ROWS)
    assert read_results(folder).values("grade").shape == (40,)
    assert read_results(folder).rows == 40


def test_a_row_without_texts(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "run", [make_row(0, "hardware", "hardware")] * 2)
    table = pq.read_table(details_of(folder)).select(["metrics"])
    pq.write_table(table, details_of(folder))
    settle(folder)
    results = read_results(folder)
    assert results.rows == 2
    assert results.column("answer_kind").tolist() == [None, None]
    assert results.column("ordinal").tolist() == [0.0, 1.0]
    assert results.texts([0])[0].answer is None
