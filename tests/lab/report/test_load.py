from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.lab.report.output_folder import (
    TIMESTAMP,
    class_info,
    class_row,
    details_file,
    score_info,
    score_row,
    write_details,
    write_run,
)

from evalayer_lab._errors import InputError
from evalayer_lab.report import load

ROWS = [score_row("grade", 0.5), score_row("grade", None), score_row("grade", 1.0)]
METRICS = [score_info("grade")]


def test_columns_masks_and_metadata(tmp_path: Path) -> None:
    metadata = ['{"domain": "health", "urgent": true, "tags": ["a"], "n": 3, "none": null}', None, '{"domain": "é.x"}']
    results = load(write_run(tmp_path / "run", ROWS, metrics=METRICS, metadata=metadata))
    assert results.details.rows == 3
    assert results.values("grade").tolist() == [0.5, 0.0, 1.0]
    assert results.scored(results.metrics[0]).tolist() == [True, False, True]
    assert {pair: rows.tolist() for pair, rows in results.details.segments.items()} == {
        ("domain", "health"): [0],
        ("domain", "é.x"): [2],
        ("urgent", "true"): [0],
        ("n", "3"): [0],
    }
    assert results.details.n_no_metadata == 1
    assert results.reported == {"grade": 0.5, "grade.unscored": pytest.approx(1 / 3)}
    assert results.run.task == "tickets"
    assert results.notes == ()


def test_a_folder_above_the_run(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "out" / "deep" / "run", ROWS, metrics=METRICS)
    assert load(tmp_path).folder == folder


def test_without_run_json_the_metrics_are_inferred(tmp_path: Path) -> None:
    rows = [class_row("hardware", "hardware") | score_row("grade", None) | {"rougeL": 0.25} for _ in range(2)]
    write_run(tmp_path / "job", rows)
    results = load(tmp_path)
    assert results.run.run_name == "job"
    assert [(metric.name, metric.parts[:1]) for metric in results.metrics] == [
        ("class", ("correct",)),
        ("grade", ()),
        ("rougeL", ()),
    ]
    assert [int(results.scored(metric).sum()) for metric in results.metrics] == [2, 0, 2]
    assert any("inferred" in note for note in results.notes)


def test_names_that_run_json_does_not_know_are_inferred_too(tmp_path: Path) -> None:
    rows = [score_row("grade", 1.0) | {"f1": 0.5, "f1_stderr.": 0.1, ".odd": 0.0}]
    results = load(write_run(tmp_path / "run", rows, metrics=METRICS))
    assert [metric.name for metric in results.metrics] == ["grade", ".odd", "f1", "f1_stderr"]


def test_a_name_left_out_on_unscored_rows(tmp_path: Path) -> None:
    rows = [{"grade": 0.5, "grade.unscored": 0.0}, {"grade.unscored": 1.0}]
    results = load(write_run(tmp_path / "run", rows, metrics=METRICS, aggregation="min"))
    assert results.scored(results.metrics[0]).tolist() == [True, False]
    assert np.isnan(results.values("grade")[1])


def test_keys_of_real_jobs(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", [{}, {}])
    columns = {
        "metrics": ["{'rft': {'lambda_reward': 1, 'lambda_f1': 0.5}, 'f1': 0.25}", "{'reward': True, 'f1': 1.0}"]
    }
    write_details(details_file(folder), columns)
    results = load(folder)
    assert results.values("reward").tolist() == [1.0, 1.0]
    assert results.values("f1").tolist() == [0.5, 1.0]
    assert results.values("missing").shape == (2,)


@pytest.mark.parametrize("text", ["not json", "[1]", '"text"', "{", "[" * 100_000])
def test_metadata_that_is_no_json_object_is_counted(tmp_path: Path, text: str) -> None:
    results = load(write_run(tmp_path / "run", ROWS, metrics=METRICS, metadata=[text, '{"a": "b"}', None]))
    assert results.details.n_unread_metadata == 1
    assert list(results.details.segments) == [("a", "b")]
    assert results.notes == ("1 row has metadata that is not a JSON object, and is in no segment.",)


def test_more_rows_than_a_batch(tmp_path: Path) -> None:
    rows = [score_row("grade", index / 10_000) for index in range(9_000)]
    rows[8_500] |= {"late": 2.0}
    results = load(write_run(tmp_path / "run", rows, metadata=[f'{{"id": {index}}}' for index in range(9_000)]))
    assert results.values("grade").tolist() == [index / 10_000 for index in range(9_000)]
    assert np.flatnonzero(~np.isnan(results.values("late"))).tolist() == [8_500]
    assert results.details.segments["id", "8999"].tolist() == [8_999]


def test_the_latest_results(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", ROWS, metrics=METRICS)
    (folder / "eval_results" / "results_2020-01-01T00-00-00.json").write_text('{"results": {}}')
    results = load(folder)
    assert results.reported["grade"] == 0.5
    assert results.notes == (f"There are 2 results_*.json files; this is results_{TIMESTAMP}.json, the latest.",)


def test_results_without_all_and_with_odd_values(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", ROWS, metrics=METRICS)
    values = '{"lambda_f1": 0.5, "f1": 0.25, "em": 1, "x": NaN, "y": "text"}'
    results_file = folder / "eval_results" / f"results_{TIMESTAMP}.json"
    results_file.write_text(f'{{"results": {{"all": {{}}, "custom|t|0": {values}}}, "versions": {{}}}}')
    assert load(folder).reported == {"f1": 0.5, "em": 1.0}


def fails(path: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        load(path)
    return caught.value


def test_no_folder(tmp_path: Path) -> None:
    assert str(fails(tmp_path / "x")) == f"{tmp_path / 'x'}: there is no such folder"
    (tmp_path / "file").write_text("")
    assert fails(tmp_path / "file").reason == "give the folder that a run wrote, not a file"
    assert "neither run.json nor results_*.json" in fails(tmp_path).reason


def test_several_runs_are_listed(tmp_path: Path) -> None:
    write_run(tmp_path / "one", ROWS, metrics=METRICS)
    write_run(tmp_path / "two", ROWS)
    reason = fails(tmp_path).reason
    assert reason == f"there are 2 runs here; give one: {tmp_path / 'one'}, {tmp_path / 'two'}"
    for index in range(12):
        write_run(tmp_path / f"more{index}", ROWS)
    assert fails(tmp_path).reason.endswith(" and 4 more")


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("results_*.json", "there is no results_*.json in it; the folder is not complete"),
        ("details_*.parquet", "there is no details_*.parquet in it; the folder is not complete"),
    ],
)
def test_missing_files(tmp_path: Path, pattern: str, reason: str) -> None:
    folder = write_run(tmp_path / "run", ROWS, metrics=METRICS)
    next(folder.rglob(pattern)).unlink()
    assert str(fails(folder)) == f"{folder}: {reason}"


def test_two_details_of_one_run(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", ROWS, metrics=METRICS)
    found = details_file(folder)
    shutil.copy(found, found.with_name(f"details_other_{TIMESTAMP}.parquet"))
    assert fails(folder).reason.startswith("2 details files could belong to results_")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"rows": {"read": "3", "bad": 0, "failed": 0, "scored": 3}}, "rows.read"),
        ({"rows": {"read": -1, "bad": 0, "failed": 0, "scored": 3}}, "rows.read"),
        ({"metrics": [{"name": 3}]}, "metrics.0.name"),
        ({"metrics": [{"name": ""}]}, "metrics.0.name"),
        ({"metrics": METRICS * 2}, "metrics"),
        ({"metrics": "grade"}, "metrics"),
        ({"aggregation": "median"}, "aggregation"),
        ({"decoded": {"class.accuracy": "high"}}, "decoded.class.accuracy"),
        ({"failures": {"timeout": 0.5}}, "failures.timeout"),
        ({"run_name": None}, "run_name"),
        ({"status": "running"}, "status"),
    ],
)
def test_wrong_types_in_run_json(tmp_path: Path, change: dict[str, object], field: str) -> None:
    folder = write_run(tmp_path / "run", ROWS, metrics=METRICS)
    path = folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    error = fails(folder)
    assert (error.path, error.field) == (str(path), field)


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, '{"run_name": "\\ud800"}', "\xff"])
@pytest.mark.parametrize("name", ["run.json", f"eval_results/results_{TIMESTAMP}.json"])
def test_damaged_json(tmp_path: Path, name: str, text: str) -> None:
    folder = write_run(tmp_path / "run", ROWS, metrics=METRICS)
    (folder / name).write_bytes(text.encode("latin-1"))
    assert fails(folder).path == str(folder / name)


def test_unreadable_run_json(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", ROWS, metrics=METRICS)
    file = next(folder.rglob("results_*.json"))
    file.unlink()
    file.mkdir()
    assert fails(folder).reason == "cannot be read: Is a directory"


def test_details_of_another_run(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", ROWS, metrics=METRICS)
    write_details(details_file(folder), {"metrics": ["{}"]})
    assert fails(folder).reason.startswith("it has 1 rows, but run.json says that 3 were scored")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def scramble(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4:120] = b"\xff" * 116
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [cut, scramble, lambda path: path.write_bytes(b"")])
def test_damaged_parquet(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    folder = write_run(tmp_path / "run", ROWS, metrics=METRICS)
    damage(details_file(folder))
    error = fails(folder)
    assert error.path == str(details_file(folder))
    assert error.reason.startswith("the parquet file is damaged")


def test_columns_of_another_kind(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", ROWS)
    write_details(details_file(folder), {"scores": ["{}"]})
    assert "there is no column `metrics`" in fails(folder).reason
    pq.write_table(pa.table({"metrics": [1.0]}), details_file(folder))
    assert str(fails(folder)).endswith("metrics: the column is double, not text")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{'lambda_x': 'high'}", "lambda_x is a str, not a number"),
        ("{'lambda_x': None}", "lambda_x is a NoneType, not a number"),
        ("{'g': {'x': []}}", "x is a list, not a number"),
        ("{'x': 1e999}", "x is not a finite number"),
        ("{'x': 1" + "0" * 400 + "}", "x is not a finite number"),
        ("{'x': nan}", "no Python literal of dicts, lists, text and finite numbers"),
        ("[1.0]", "not a dict of numbers"),
        ("__import__('os')", "no Python literal of dicts, lists, text and finite numbers"),
        ("[" * 5000, "nested deeper than 100 levels"),
        ("[" * 2_000_000, "longer than 1048576 characters"),
        ("", "no Python literal of dicts, lists, text and finite numbers"),
        (None, "no Python literal of dicts, lists, text and finite numbers"),
    ],
)
def test_a_broken_row_is_named(tmp_path: Path, text: str | None, reason: str) -> None:
    folder = write_run(tmp_path / "run", [])
    path = details_file(folder)
    write_details(path, {"metrics": ["{'x': 1.0}"] * 5000 + [text]})
    assert str(fails(folder)) == f"{path}: row 5001: metrics: {reason}"


def test_broken_specifics_are_named(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", [])
    write_details(details_file(folder), {"metrics": ["{}", "{}"], "specifics": [None, "['metadata']"]})
    assert fails(folder).field == "row 2: specifics"


def test_too_many_names_for_memory(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", [])
    wide = repr({f"m{index}": 0.0 for index in range(60_000)})
    write_details(details_file(folder), {"metrics": ["{}"] * 5000 + [wide]})
    assert "60000 different names" in fails(folder).reason


def test_lone_surrogates_become_text(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", [])
    specifics = repr({"metadata": '{"domain": "\\ud800"}'})
    write_details(details_file(folder), {"metrics": ["{'\\ud800': 1.0}"], "specifics": [specifics]})
    results = load(folder)
    assert list(results.details.segments) == [("domain", "\\ud800")]
    assert list(results.details.columns) == ["\\ud800"]


def test_classification_columns(tmp_path: Path) -> None:
    results = load(write_run(tmp_path / "run", [class_row("hardware", None)], metrics=[class_info()]))
    assert results.values("class.fn.hardware").tolist() == [1.0]
    assert results.metrics[0].corpus


def test_an_unfinished_run_is_named(tmp_path: Path) -> None:
    (tmp_path / "job").mkdir()
    (tmp_path / "job" / "journal.jsonl").write_text("{}\n")
    with pytest.raises(InputError, match="job: the run here is unfinished"):
        load(tmp_path)
