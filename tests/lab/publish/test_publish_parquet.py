from __future__ import annotations

import json
import math
import random
from datetime import UTC, datetime
from pathlib import Path
from string import printable
from typing import Any

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.lab.publish.conftest import RECORD, STARTED, Publish, read_publication
from tests.lab.results.result_tree import Row, make_row, write_tree

from evalayer_lab.inputs import InputError, S3Uri
from evalayer_lab.publish import Column, Publication, Run, publish_athena, publish_parquet
from evalayer_lab.results import read_results

SAFE = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def query(columns: str, folder: Path, rest: str = "") -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = duckdb.execute(f"SELECT {columns} FROM '{folder}/**/*.parquet' {rest}").fetchall()  # noqa: S608
    return found


def publish_to(publication: Publication, folder: Path, *, texts: bool = False) -> Path:
    publish_parquet(publication, folder, texts=texts)
    return folder


def columns(publication: Publication, *, texts: bool = False) -> list[tuple[Column, ...]]:
    """The columns of the rows and of the metrics, as Athena is told of them."""
    described = publish_athena(publication, S3Uri("results", "x"), None, texts=texts)
    return [table.columns for table in described.tables]


def test_the_rows_read_back_are_those_of_the_results(publication: Publication, tmp_path: Path) -> None:
    publish_to(publication, tmp_path)
    (described, _) = columns(publication)
    found = query(", ".join(column.name for column in described), tmp_path / "rows")
    assert len(found) == 60
    for column, values in zip(described, zip(*found, strict=True), strict=True):
        expected = publication.results.column(column.source)
        if column.type in {"string", "array<string>"}:
            assert list(values) == list(expected)
        else:
            numbers = np.array([math.nan if value is None else value for value in values], dtype=np.float64)
            np.testing.assert_array_equal(numbers, expected)
    assert query("DISTINCT task, run", tmp_path / "rows") == [("tickets", publication.run.id)]
    sources = [column.source for column in described]
    assert set(publication.results.columns) - set(sources) == {"source_file", "source_row"}


def test_the_metrics_read_back_are_those_of_the_report(publication: Publication, tmp_path: Path) -> None:
    publish_to(publication, tmp_path)
    names = "name, value, low, high, n, n_unscored, method, higher_is_better, started, model, run_name, digest"
    found = {row[0]: row for row in query(names, tmp_path / "metrics")}
    document = publication.document
    correct = next(metric for metric in document.metrics if metric.name == "class.correct").estimate
    assert found["class.correct"] == (
        "class.correct",
        correct.value,
        correct.low,
        correct.high,
        60,
        0,
        "wilson",
        True,
        STARTED.replace(tzinfo=None),
        "model",
        "tickets",
        publication.results.digest,
    )
    assert found["class.f1_macro"][1] == document.classifications[0].figures["f1_macro"].value
    assert found["class.recall.v2%2E1"][1] == document.classifications[0].labels[2].recall.value
    assert document.confidence is not None
    assert found["confidence.auroc"][1] == document.confidence.auroc.value
    assert found["confidence.brier_score"][7] is False


def test_the_schema_of_the_files_is_that_of_the_tables(publication: Publication, tmp_path: Path) -> None:
    kinds = {
        "string": "string",
        "double": "double",
        "int32": "int",
        "int64": "bigint",
        "bool": "boolean",
        "timestamp[us]": "timestamp",
    }
    publish_to(publication, tmp_path, texts=True)
    for name, described in zip(("rows", "metrics"), columns(publication, texts=True), strict=True):
        (path,) = (tmp_path / name).rglob("*.parquet")
        found = {
            field.name: "array<string>" if str(field.type).startswith("list") else kinds[str(field.type)]
            for field in pq.read_schema(path)
        }
        assert found == {column.name: column.type for column in described}
        metadata = pq.ParquetFile(path).metadata
        assert {metadata.row_group(0).column(index).compression for index in range(3)} == {"ZSTD"}


def test_texts_are_published_only_when_asked_for(publication: Publication, rows: list[Row], tmp_path: Path) -> None:
    secret = rows[0].prompt
    publish_to(publication, tmp_path / "without")
    publish_to(publication, tmp_path / "with", texts=True)
    with pytest.raises(duckdb.BinderException):
        query("prompt", tmp_path / "without/rows")
    found = query("prompt, answer, gold", tmp_path / "with/rows")
    assert sorted(found) == sorted((row.prompt, row.answer, row.gold) for row in rows)
    assert secret in {row[0] for row in found}
    own = publication.results.texts(range(60))
    assert found == [(texts.prompt, texts.answer, texts.gold) for texts in own]


@pytest.mark.parametrize("texts", [False, True])
def test_many_files_hold_the_rows_of_one(publication: Publication, tmp_path: Path, *, texts: bool) -> None:
    publish_to(publication, tmp_path / "one", texts=texts)
    whole = list((tmp_path / "one/rows").rglob("*.parquet"))
    counted: list[int] = []
    publish_parquet(publication, tmp_path / "many", texts=texts, file_rows=16, on_rows=counted.append)
    parts = sorted((tmp_path / "many/rows").rglob("*.*"))
    assert sum(counted) == 60
    assert [path.name for path in parts] == [f"part-0000{index}.parquet" for index in range(4)]
    assert [pq.read_metadata(path).num_rows for path in parts] == [16, 16, 16, 12]
    read = [pq.read_table(path).to_pylist() for path in parts]
    assert [row for part in read for row in part] == pq.read_table(whole[0]).to_pylist()


def test_the_same_run_in_another_packing_gives_the_same_bytes(
    publication: Publication, rows: list[Row], tmp_path: Path
) -> None:
    shuffled = random.Random(1).sample(rows, len(rows))
    other = read_publication(write_tree(tmp_path / "tickets", shuffled, shards=7, run=RECORD))
    assert other.run == publication.run
    publish_to(publication, tmp_path / "a", texts=True)
    other.results.connection.execute("SET threads = 1")
    publish_to(other, tmp_path / "b", texts=True)
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_a_run_replaces_its_own_partition_and_nothing_else(
    publication: Publication, rows: list[Row], tmp_path: Path
) -> None:
    into = tmp_path / "published"
    other = read_publication(write_tree(tmp_path / "other", rows[:20], run=RECORD))
    publish_to(other, into)
    publish_to(publication, into)
    partition = into / "rows" / "task=tickets" / f"run={publication.run.id}"
    before = files(into)
    (partition / "part-00000.parquet").write_bytes(b"an earlier version")
    (partition / "part-00001.parquet").write_bytes(b"of more files")
    (partition / "notes.txt").write_bytes(b"somebody's own")
    done = publish_parquet(publication, into)
    assert files(into) == before | {f"{partition.relative_to(into)}/notes.txt": b"somebody's own"}
    assert done.files["rows"].written == (str(partition / "part-00000.parquet"),)
    assert done.files["rows"].deleted == (str(partition / "part-00001.parquet"),)
    assert done.files["metrics"].written == ()
    assert len(done.files["metrics"].unchanged) == 1


def test_two_runs_are_read_as_one_table(publication: Publication, rows: list[Row], tmp_path: Path) -> None:
    started = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
    later = Publication.from_results(
        read_results(write_tree(tmp_path / "tickets", rows, run=RECORD | {"started": started}))
    )
    assert later.run.id != publication.run.id
    publish_to(publication, tmp_path / "published")
    publish_to(later, tmp_path / "published")
    found = query("run, count(*)", tmp_path / "published/rows", "GROUP BY run")
    assert sorted(found) == sorted([(publication.run.id, 60), (later.run.id, 60)])


def test_a_job_without_a_record_is_dated_by_its_files(rows: list[Row], tmp_path: Path) -> None:
    found = Publication.from_results(
        read_results(write_tree(tmp_path / "my job", rows[:10])), task="tickets/v2", model="nova"
    ).run
    assert found.started == datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert found.id.startswith("my-job-20260102T030405Z-")
    assert (found.task, found.partition["task"], found.model) == ("tickets/v2", "tickets-v2", "nova")


def test_a_run_without_metrics_has_an_empty_table(tmp_path: Path) -> None:
    bare = Publication.from_results(
        read_results(write_tree(tmp_path / "run", [Row("a prompt", "a gold", "an answer")]))
    )
    publish_to(bare, tmp_path / "published")
    assert query("*", tmp_path / "published/metrics") == []
    assert len(query("*", tmp_path / "published/rows")) == 1


def test_columns_that_would_have_one_name_are_both_named(tmp_path: Path) -> None:
    rows = [make_row(index, "hardware", "software", metadata={"Team": "a", "team": "b"}) for index in range(3)]
    with pytest.raises(InputError, match=r"'metadata\.Team' and 'metadata\.team' would both .* metadata__team"):
        columns(read_publication(write_tree(tmp_path / "run", rows)))


def test_a_name_that_is_too_long_is_refused(tmp_path: Path) -> None:
    rows = [make_row(index, "hardware", "software", metadata={"x" * 300: "a"}) for index in range(3)]
    with pytest.raises(InputError, match="too long to be published"):
        columns(read_publication(write_tree(tmp_path / "run", rows)))


@given(st.text())
def test_names_hold_nothing_that_has_a_meaning_elsewhere(text: str) -> None:
    run = Run(id="a", name="a", task=text, model="a", started=None)
    assert set(run.partition["task"]) <= SAFE
    assert run.partition["task"] not in {"", ".", ".."}
    column = Column(text, "string")
    assert set(column.name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_")
    if len(text) < 20:
        assert set(column.comment) <= set(printable) - set("'\"\\`;\n\r\t")


@given(st.text(st.characters(codec="utf-8"), max_size=20), st.text(st.characters(codec="utf-8"), max_size=20))
def test_what_a_column_stands_for_is_told_apart(one: str, other: str) -> None:
    assert (Column(one, "string").comment == Column(other, "string").comment) == (one == other)


def test_the_command_says_what_it_wrote(folder: Path, run_publish: Publish, tmp_path: Path) -> None:
    first = run_publish("parquet", folder, "--to", tmp_path / "out")
    assert first.code == 0
    assert first.out.count("written: ") == 2
    again = run_publish("parquet", folder, "--to", tmp_path / "out", "--json")
    assert again.json["partition"] == {"task": "tickets", "run": again.json["run"]}
    assert [len(again.json["files"][table]["unchanged"]) for table in ("rows", "metrics")] == [1, 1]


def test_bad_input_is_one_line(run_publish: Publish, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    (tmp_path / "empty").mkdir()
    for arguments in (
        (tmp_path / "missing", "--to", tmp_path),
        (tmp_path / "empty", "--to", tmp_path),
        (folder, "--to", tmp_path / "file"),
    ):
        done = run_publish("parquet", *arguments)
        assert done.code == 2
        assert str(tmp_path) in done.err
        assert len(done.err.splitlines()) == 1


def test_every_row_of_metadata_is_a_column(publication: Publication) -> None:
    names = {column.name for column in columns(publication)[0]}
    assert {"metadata__domain", "metadata__id", "metric__class__tp__v2u00252e1", "gold__class"} <= names
    assert json.dumps(sorted(names)).isascii()
