from __future__ import annotations

import tarfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.lab.results.result_tree import TIME, Row, details_of, make_rows, write_tree

from evalayer_lab.inputs import InputError
from evalayer_lab.results import read_results

ROWS = make_rows(12)
PARTIAL = "`evalayer report --partial` reads what there is"


def fails(path: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        read_results(path, cache=False)
    return caught.value


def test_nothing_there(tmp_path: Path) -> None:
    assert str(fails(tmp_path / "x")) == f"{tmp_path / 'x'}: there is no such folder or file"
    (tmp_path / "candidate").mkdir()
    assert fails(tmp_path / "candidat").reason.endswith(f"or file; did you mean {tmp_path / 'candidate'}?")
    (tmp_path / "file").write_text("")
    assert fails(tmp_path / "file").reason == "give the folder that a run wrote, or its output.tar.gz"
    assert "neither run.json nor results_*.json; expected <run>/eval_results with" in fails(tmp_path).reason


def test_what_is_wrong_with_an_archive_names_it(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("")
    archive = tmp_path / "output.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tmp_path / "letter", "letter")
    with pytest.raises(InputError) as caught:
        read_results(archive)
    assert str(caught.value).startswith(f"{archive}: there is no run here: neither run.json")


def test_the_results_inside_a_run_are_those_of_the_run(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "run", ROWS, run={})
    assert read_results(folder / "eval_results", cache=False).folder == folder


def test_an_unfinished_run_is_named(tmp_path: Path) -> None:
    (tmp_path / "job").mkdir()
    (tmp_path / "job" / "journal.jsonl").write_text("{}\n")
    assert str(fails(tmp_path)).startswith(f"{tmp_path / 'job'}: the run here is unfinished")


def test_folders_that_are_too_deep(tmp_path: Path) -> None:
    (tmp_path / "/".join("d" * 30)).mkdir(parents=True)
    assert "nested deeper than 24 levels" in fails(tmp_path).reason


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "run", ROWS)
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    assert read_results(folder, cache=False).rows == 12


@pytest.mark.parametrize(
    ("pattern", "reason", "rows"),
    [
        ("results_*.json", "there is no results_*.json in it", 12),
        ("details_*.parquet", "there is no details_*.parquet in it; the folder is not complete, or of a benchmark", 0),
    ],
)
def test_missing_files(tmp_path: Path, pattern: str, reason: str, rows: int) -> None:
    folder = write_tree(tmp_path / "run", ROWS)
    next(folder.rglob(pattern)).unlink()
    error = fails(folder)
    assert error.reason.startswith(reason)
    assert f"; {PARTIAL}: expected <run>/eval_results" in error.reason
    results = read_results(folder, partial=True)
    assert results.rows == rows
    assert any(note.startswith(f"There is no {pattern}") for note in results.notes)
    assert results.column("gold_label").shape == results.values("grade").shape == (rows,)


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, '{"run_name": "\\ud800"}', "\xff"])
@pytest.mark.parametrize("name", ["run.json", f"eval_results/results_{TIME}.json"])
def test_damaged_json(tmp_path: Path, name: str, text: str) -> None:
    folder = write_tree(tmp_path / "run", ROWS, run={})
    (folder / name).write_bytes(text.encode("latin-1"))
    error = fails(folder)
    assert error.path == str(folder / name)
    assert error.reason.endswith(f"; {PARTIAL}")
    results = read_results(folder, partial=True, cache=False)
    assert results.rows == 12
    assert any(note.startswith(f"Not read: {folder / name}: ") for note in results.notes)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"rows": {"read": "3", "bad": 0, "failed": 0, "scored": 3}}, "rows.read"),
        ({"rows": {"read": -1, "bad": 0, "failed": 0, "scored": 3}}, "rows.read"),
        ({"metrics": [{"name": 3}]}, "metrics.0.name"),
        ({"metrics": [{"name": ""}]}, "metrics.0.name"),
        ({"metrics": [{"name": "x"}] * 2}, "metrics"),
        ({"metrics": "grade"}, "metrics"),
        ({"aggregation": "median"}, "aggregation"),
        ({"decoded": {"class.accuracy": "high"}}, "decoded.class.accuracy"),
        ({"failures": {"timeout": 0.5}}, "failures.timeout"),
        ({"run_name": None}, "run_name"),
        ({"status": "running"}, "status"),
    ],
)
def test_wrong_types_in_run_json(tmp_path: Path, change: dict[str, object], field: str) -> None:
    folder = write_tree(tmp_path / "run", ROWS[:1], run=change)
    error = fails(folder)
    assert (error.path, error.field) == (str(folder / "run.json"), field)


def test_results_without_all_and_with_odd_values(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "run", ROWS)
    values = '{"lambda_f1": 0.5, "f1": 0.25, "em": 1, "x": NaN, "y": "text"}'
    next(folder.rglob("results_*.json")).write_text(
        f'{{"results": {{"all": {{}}, "custom|t|0": {values}}}, "v": {{}}}}'
    )
    assert read_results(folder).reported == {"f1": 0.5, "em": 1.0}


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def scramble(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4:120] = b"\xff" * 116
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [cut, scramble, empty])
def test_a_damaged_details_file(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    folder = write_tree(tmp_path / "run", ROWS, shards=2)
    path = sorted(folder.rglob("details_*.parquet"))[0]
    damage(path)
    error = fails(folder)
    assert error.path == str(path)
    assert error.reason.startswith("the parquet file is damaged")
    results = read_results(folder, partial=True)
    assert results.rows == 6
    assert any(note.startswith(f"Not read: {path.relative_to(folder)}: ") for note in results.notes)
    assert results.join.missing.count == 6


def test_columns_of_another_kind(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "run", ROWS)
    pq.write_table(pa.table({"scores": ["{}"]}), details_of(folder))
    assert "there is no column `metrics`" in fails(folder).reason
    pq.write_table(pa.table({"metrics": [1.0]}), details_of(folder))
    assert str(fails(folder)).endswith(f"metrics: the column is double, not text; {PARTIAL}")


@pytest.mark.parametrize(
    ("column", "text", "reason"),
    [
        ("metrics", "{'lambda_x': 'high'}", "lambda_x is a str, not a number"),
        ("metrics", "{'lambda_x': None}", "lambda_x is a NoneType, not a number"),
        ("metrics", "{'g': {'lambda_x': []}}", "lambda_x is a list, not a number"),
        ("metrics", "{'x': 1e999}", "x is not a finite number"),
        ("metrics", "{'x': 1" + "0" * 400 + "}", "x is not a finite number"),
        ("metrics", "{'x': nan}", "no Python literal of dicts, lists, text and finite numbers"),
        ("metrics", "[1.0]", "not a dict of numbers"),
        ("metrics", "__import__('os')", "no Python literal of dicts, lists, text and finite numbers"),
        ("metrics", "[" * 5000, "nested deeper than 100 levels"),
        ("metrics", "[" * 2_000_000, "longer than 1048576 characters"),
        ("metrics", "", "no Python literal of dicts, lists, text and finite numbers"),
        ("metrics", None, "no Python literal of dicts, lists, text and finite numbers"),
        ("specifics", "['metadata']", "not a dict"),
        ("pred_logprobs", "{'x': 1}", "not a list of positions"),
        ("pred_logprobs", "[[{'x': 'y'}]]", "a log probability is not a number"),
        ("pred_logprobs", "[['x']]", "a position is not a dict of tokens and log probabilities"),
        ("pred_logprobs", "[[{'x': ", "no Python literal of dicts, lists, text and finite numbers"),
        ("pred_logprobs", "[" * 5000, "nested deeper than 100 levels"),
    ],
)
def test_a_broken_row_is_named(tmp_path: Path, column: str, text: str | None, reason: str) -> None:
    good = {"metrics": "{'x': 1.0}", "specifics": "{}", "pred_logprobs": "[]"}[column]
    rows = [Row(f"p{index}", "g", "a") for index in range(30)]
    folder = write_tree(tmp_path / "run", rows, columns={column: [good] * 29 + [text]}, group_rows=7)
    what = "log probabilities" if column == "pred_logprobs" else column
    assert str(fails(folder)) == f"{details_of(folder)}: row 30: {what}: {reason}; {PARTIAL}"
    results = read_results(folder, partial=True)
    assert (results.rows, results.join.unread) == (29, 1)
    assert f"Not read: {details_of(folder).relative_to(folder)}: row 30: {what}: {reason}" in results.notes


def test_only_the_first_problems_are_listed(tmp_path: Path) -> None:
    rows = [Row(f"p{index}", "g", "a") for index in range(50)]
    folder = write_tree(tmp_path / "run", rows, columns={"metrics": ["?"] * 49 + ["{'x': 1.0}"]})
    results = read_results(folder, partial=True)
    assert (results.rows, results.join.unread) == (1, 49)
    assert sum(note.startswith("Not read: ") for note in results.notes) <= 21


def test_other_values_of_the_container_are_left_out(tmp_path: Path) -> None:
    text = "{'score': np.float64(0.5), 'overall_justification': 'good', 'predictions': ['a'], 'tie': True, 'x': None}"
    folder = write_tree(tmp_path / "run", [Row("p", "g", "a")], columns={"metrics": [text]})
    results = read_results(folder)
    assert [name for name in results.columns if name.startswith("metric.")] == ["metric.score", "metric.tie"]
    assert results.values("score").tolist() == [0.5]


def test_too_many_names(tmp_path: Path) -> None:
    wide = repr({f"m{index}": 0.0 for index in range(5000)})
    folder = write_tree(tmp_path / "run", [Row("p", "g", "a")] * 2, columns={"metrics": ["{}", wide]})
    assert fails(folder).reason == "the rows report 5000 different names, more than the 4096 that are read"


@pytest.mark.parametrize(
    "line",
    ["{", "[]", '{"prompt": "p"}', "\xff", "[" * 100_000, '{"prompt": "p", "gold": "g"}', '"' + "x" * (17 << 20)],
)
def test_a_broken_line_of_the_answers(tmp_path: Path, line: str) -> None:
    folder = write_tree(tmp_path / "run", ROWS)
    path = folder / "eval_results" / "inference_output.jsonl"
    path.write_bytes(b"\n" + path.read_bytes() + line.encode("latin-1"))
    error = fails(folder)
    assert (error.path, error.line) == (str(path), 14)
    results = read_results(folder, partial=True)
    assert (results.rows, results.join.answers) == (12, 12)
    assert any(note.startswith("Not read: eval_results/inference_output.jsonl: line 14: ") for note in results.notes)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a tree."""
    folder = write_tree(tmp_path_factory.mktemp("whole") / "run", ROWS, run={}, group_rows=3)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@settings(max_examples=15)
@given(data=st.data())
def test_any_damage_is_an_input_error_or_no_damage(
    whole: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(whole)))
    content = bytearray(whole[name])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        piece = data.draw(st.binary(max_size=8))
        content[at : at + data.draw(st.integers(0, 8))] = piece
    folder = tmp_path_factory.mktemp("damaged")
    for other, good in whole.items():
        path = folder / "run" / other
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(content) if other == name else good)
    for partial in (False, True):
        try:
            results = read_results(folder, partial=partial, cache=False)
        except InputError:
            continue
        assert results.rows <= 12
        assert results.to_pandas().shape[0] == results.rows


def test_memory_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_tree(tmp_path / "run", make_rows(20))
    monkeypatch.setattr("evalayer_lab.results._assemble._MEMORY", 1)
    with pytest.raises(InputError, match="the rows cannot be sorted here: "):
        read_results(folder)


def test_a_damaged_row_group_costs_its_own_rows_only(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "run", make_rows(30), group_rows=10, inferences=False)
    path = details_of(folder)
    metadata = pq.read_metadata(path)
    (column,) = (index for index in range(metadata.num_columns) if metadata.schema.column(index).path == "metrics")
    place = metadata.row_group(1).column(column)
    content = bytearray(path.read_bytes())
    start = min(offset for offset in (place.dictionary_page_offset, place.data_page_offset) if offset)
    content[start : start + place.total_compressed_size] = b"\xff" * place.total_compressed_size
    path.write_bytes(content)
    with pytest.raises(InputError, match="the parquet file is damaged"):
        read_results(folder)
    results = read_results(folder, partial=True)
    assert (results.rows, results.join.unread) == (20, 10)
    assert sorted(results.column("source_row")) == [*range(10), *range(20, 30)]
    assert sum("row group 2: the parquet file is damaged" in note for note in results.notes) == 1
