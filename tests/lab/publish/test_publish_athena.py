from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from tests.lab.conftest import Server
from tests.lab.publish.conftest import RECORD, Publish, client, read_publication
from tests.lab.results.result_tree import Row, make_row, write_tree

from evalayer_lab.aws import Aws
from evalayer_lab.inputs import InputError, S3Uri
from evalayer_lab.publish import Publication, PublishedTables, publish_athena, publish_parquet

TO = "s3://results/evaluations"
LITERAL = r"'((?:[^'\\]|\\.)*)'"


def parsed(ddl: str) -> dict[str, Any]:
    """Read a statement that creates a table, as Hive's grammar does: names in backticks, literals in quotes."""
    form = re.compile(
        r"CREATE EXTERNAL TABLE IF NOT EXISTS `([^`]+)`\.`([^`]+)` \((.*)\)\s+PARTITIONED BY \(([^()]*)\)\s+"
        rf"STORED AS PARQUET\s+LOCATION {LITERAL}\s+TBLPROPERTIES \((.*)\)",
        re.DOTALL,
    )
    match = form.fullmatch(ddl)
    assert match, ddl
    column = re.compile(rf"\s*`([^`]+)` ([a-z<>]+) COMMENT {LITERAL}\s*(?:,|$)")
    columns, at = [], 0
    while at < len(match[3]):
        found = column.match(match[3], at)
        assert found, match[3][at : at + 100]
        columns.append(found.groups())
        at = found.end()
    return {
        "name": (match[1], match[2]),
        "columns": columns,
        "keys": re.findall(r"`([^`]+)` (\w+)", match[4]),
        "location": match[5],
    }


def columns_there(name: str, database: str = "evalayer") -> dict[str, str]:
    table = client("glue").get_table(DatabaseName=database, Name=name)["Table"]
    return {column["Name"]: column.get("Type", "") for column in table["StorageDescriptor"]["Columns"]}


def partitions(name: str, database: str = "evalayer") -> list[list[str]]:
    found = client("glue").get_partitions(DatabaseName=database, TableName=name)["Partitions"]
    return [partition["Values"] for partition in found]


def objects() -> dict[str, Any]:
    found = client("s3").list_objects_v2(Bucket="results").get("Contents", [])
    return {entry["Key"]: entry["LastModified"] for entry in found}


def download(folder: Path) -> Path:
    for key in objects():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        client("s3").download_file("results", key, str(path))
    return folder


def describe(publication: Publication, prefix: str, *, database: str, table: str) -> PublishedTables:
    return publish_athena(publication, S3Uri("results", prefix), None, database=database, table=table)


def test_the_statements_name_the_columns_of_the_files(publication: Publication, tmp_path: Path) -> None:
    publish_parquet(publication, tmp_path)
    for each in describe(publication, "evaluations", database="quality", table="tickets").tables:
        found = parsed(each.ddl)
        (path,) = (tmp_path / each.name).rglob("*.parquet")
        assert [name for name, _, _ in found["columns"]] == pq.read_schema(path).names
        assert [(name, kind) for name, kind, _ in found["columns"]] == [
            (column.name, column.type) for column in each.columns
        ]
        assert found["name"] == ("quality", f"tickets_{each.name}")
        assert found["keys"] == [("task", "string"), ("run", "string")]
        assert found["location"] == f"{TO}/{each.name}/"
        storage: Any = each.table_input.get("StorageDescriptor")
        assert [(column["Name"], column["Type"]) for column in storage["Columns"]] == [
            (name, kind) for name, kind, _ in found["columns"]
        ]
        assert storage["Location"] == found["location"]
        assert f"PARTITION (`task`='tickets', `run`='{publication.run.id}')" in each.partition_ddl


def test_names_of_users_cannot_leave_their_place_in_a_statement(tmp_path: Path) -> None:
    evil = "x' ) ; DROP TABLE `t` -- \\"
    rows = [make_row(index, "hardware", "software", metadata={evil: "a", "it's": "b"}) for index in range(3)]
    record = RECORD | {"task": "../'; DROP DATABASE x; --", "run_name": "a/../`b`'"}
    publication = read_publication(write_tree(tmp_path / "run", rows, run=record))
    described = describe(publication, "evaluations", database="d", table="t")
    for each in described.tables:
        found = parsed(each.ddl)
        assert len(found["columns"]) == len(each.columns)
        assert re.fullmatch(
            r"ALTER TABLE `d`\.`t_\w+` ADD IF NOT EXISTS\nPARTITION \(`task`='([\w.-]+)', `run`='([\w.-]+)'\) "
            r"LOCATION 's3://results/evaluations/\w+/task=\1/run=\2/'",
            each.partition_ddl,
        )
    comments = {comment for _, _, comment in parsed(described.tables[0].ddl)["columns"]}
    assert "metadata.it%27s" in comments
    assert described.script.count(";") == 5


@pytest.mark.parametrize("name", ["", "a b", "Quality", "a`b", "a;b", "a-b", "é", "a.b", "x" * 300, "a\n"])
def test_a_name_that_athena_does_not_take_is_refused(publication: Publication, name: str) -> None:
    for database, table in ((name, "t"), ("d", name or "!")):
        with pytest.raises(InputError, match="Athena takes lower-case letters, digits and _"):
            describe(publication, "", database=database, table=table)


@pytest.mark.parametrize("prefix", ["a'b", 'a"b', "a\\b", "a`b", "a%b", "a*", "a?b", "é", "a;b"])
def test_a_prefix_that_a_statement_does_not_take_is_refused(publication: Publication, prefix: str) -> None:
    with pytest.raises(InputError, match="--to"):
        describe(publication, prefix, database="d", table="t")


def test_a_dry_run_asks_nothing(folder: Path, run_publish: Publish, no_aws: None) -> None:
    done = run_publish("athena", folder, "--to", TO, "--dry-run")
    assert done.code == 0
    assert re.findall(r"^(CREATE|ALTER) ", done.out, re.MULTILINE) == ["CREATE"] * 3 + ["ALTER"] * 2
    listed = run_publish("athena", folder, "--to", TO, "--dry-run", "--json").json["tables"]
    assert [table["name"] for table in listed] == ["evalayer.evaluation_rows", "evalayer.evaluation_metrics"]
    assert all(table["ddl"] in done.out and table["partition_ddl"] in done.out for table in listed)


def test_the_published_partition_is_what_glue_points_to(
    bucket: str, folder: Path, publication: Publication, run_publish: Publish, tmp_path: Path
) -> None:
    done = run_publish("athena", folder, "--to", TO, "--json")
    assert done.code == 0, done.err
    assert done.json["tables"] == {"evalayer.evaluation_rows": "created", "evalayer.evaluation_metrics": "created"}
    glue = client("glue")
    for name in ("rows", "metrics"):
        (partition,) = glue.get_partitions(DatabaseName="evalayer", TableName=f"evaluation_{name}")["Partitions"]
        assert partition["Values"] == ["tickets", publication.run.id]
        location = partition["StorageDescriptor"]["Location"]
        (key,) = [key for key in objects() if f"s3://results/{key}".startswith(location)]
        assert key == f"evaluations/{name}/task=tickets/run={publication.run.id}/part-00000.parquet"
    into = download(tmp_path)
    found = duckdb.execute(f"SELECT count(*) FROM '{into}/evaluations/rows/**/*.parquet'").fetchall()  # noqa: S608
    assert found == [(60,)]
    described = describe(publication, "evaluations", database="evalayer", table="evaluation").tables[0]
    types = {column.name: column.type for column in described.columns}
    assert columns_there("evaluation_rows") == types


def test_publishing_again_changes_nothing(bucket: str, folder: Path, run_publish: Publish) -> None:
    run_publish("athena", folder, "--to", TO)
    before = objects()
    again = run_publish("athena", folder, "--to", TO, "--json")
    assert again.code == 0
    assert set(again.json["tables"].values()) == {"unchanged"}
    assert [len(files["unchanged"]) for files in again.json["files"].values()] == [1, 1]
    assert objects() == before
    assert len(partitions("evaluation_rows")) == 1


def test_a_run_replaces_its_own_objects_and_no_others(
    bucket: str, folder: Path, publication: Publication, run_publish: Publish
) -> None:
    run_publish("athena", folder, "--to", TO)
    own = f"evaluations/rows/task=tickets/run={publication.run.id}/"
    s3 = client("s3")
    for key in (
        own + "part-00000.parquet",
        own + "part-00001.parquet",
        own + "notes.txt",
        own + "x/part-00002.parquet",
    ):
        s3.put_object(Bucket="results", Key=key, Body=b"other")
    s3.put_object(Bucket="results", Key=f"{own.rstrip('/')}0/part-00003.parquet", Body=b"another run's")
    done = run_publish("athena", folder, "--to", TO, "--json")
    assert done.json["files"]["rows"]["written"] == [f"s3://results/{own}part-00000.parquet"]
    assert done.json["files"]["rows"]["deleted"] == [f"s3://results/{own}part-00001.parquet"]
    assert {key.removeprefix("evaluations/rows/task=tickets/") for key in objects() if "/rows/" in key} == {
        f"run={publication.run.id}/part-00000.parquet",
        f"run={publication.run.id}/notes.txt",
        f"run={publication.run.id}/x/part-00002.parquet",
        f"run={publication.run.id}0/part-00003.parquet",
    }


def test_new_columns_are_added_and_old_ones_kept(
    bucket: str, folder: Path, rows: list[Row], run_publish: Publish, tmp_path: Path
) -> None:
    run_publish("athena", folder, "--to", TO)
    before = columns_there("evaluation_rows")
    glue = client("glue")
    there: Any = glue.get_table(DatabaseName="evalayer", Name="evaluation_rows")["Table"]
    kept: Any = {key: there[key] for key in ("Name", "StorageDescriptor", "PartitionKeys", "TableType")}
    kept["Parameters"] = {"owner": "quality"}
    glue.update_table(DatabaseName="evalayer", TableInput=kept)
    more = [make_row(index, "hardware", "software", metadata={"shift": "night"}) for index in range(4)]
    done = run_publish("athena", write_tree(tmp_path / "more", more), "--to", TO, "--task", "other")
    assert done.code == 0, done.err
    assert "evalayer.evaluation_rows: extended by metadata__shift" in done.out
    assert "evalayer.evaluation_metrics: unchanged" in done.out
    assert columns_there("evaluation_rows") == before | {"metadata__shift": "string"}
    assert list(columns_there("evaluation_rows"))[:-1] == list(before)
    assert glue.get_table(DatabaseName="evalayer", Name="evaluation_rows")["Table"]["Parameters"] == {
        "owner": "quality"
    }
    assert sorted(values[0] for values in partitions("evaluation_rows")) == ["other", "tickets"]
    assert run_publish("athena", folder, "--to", TO).out.count(": unchanged") == 2


def test_columns_that_another_run_adds_meanwhile_are_kept(
    bucket: str, session: Aws, folder: Path, run_publish: Publish, tmp_path: Path
) -> None:
    run_publish("athena", folder, "--to", TO)
    before = columns_there("evaluation_rows")
    place = S3Uri.parse(TO, "--to")

    def run_with(*keys: str) -> Publication:
        rows = [make_row(index, "hardware", "software", metadata=dict.fromkeys(keys, "a")) for index in range(4)]
        return read_publication(write_tree(tmp_path / "-".join(keys), rows))

    def publish_meanwhile(other: Publication) -> Callable[[int], object]:
        return lambda count: publish_athena(other, place, session)

    publish_athena(run_with("shift"), place, session, on_rows=publish_meanwhile(run_with("site")))
    assert columns_there("evaluation_rows") == before | {"metadata__shift": "string", "metadata__site": "string"}
    publish_athena(run_with("floor"), place, session, on_rows=publish_meanwhile(run_with("floor", "site")))
    assert len(columns_there("evaluation_rows")) == len(before) + 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Type": "bigint"}, "the column ordinal is bigint there and int in this run"),
        ({"Comment": "metadata.Ordinal"}, "stands for metadata.Ordinal there and for ordinal in this run"),
    ],
)
def test_a_column_that_is_something_else_is_refused(
    bucket: str, folder: Path, run_publish: Publish, change: dict[str, str], message: str
) -> None:
    run_publish("athena", folder, "--to", TO)
    glue = client("glue")
    there: Any = glue.get_table(DatabaseName="evalayer", Name="evaluation_rows")["Table"]
    column = next(column for column in there["StorageDescriptor"]["Columns"] if column["Name"] == "ordinal")
    column |= change
    kept: Any = {key: there[key] for key in ("Name", "StorageDescriptor", "PartitionKeys", "TableType")}
    glue.update_table(DatabaseName="evalayer", TableInput=kept)
    before = objects()
    done = run_publish("athena", folder, "--to", TO)
    assert done.code == 2
    assert message in done.err
    assert objects() == before


def test_a_table_that_is_elsewhere_is_left_alone(bucket: str, folder: Path, run_publish: Publish) -> None:
    run_publish("athena", folder, "--to", TO)
    before = objects()
    done = run_publish("athena", folder, "--to", "s3://results/elsewhere")
    assert done.code == 2
    assert "the table evalayer.evaluation_rows is at s3://results/evaluations/rows/; give another --table" in done.err
    assert objects() == before


def test_a_table_of_another_kind_is_left_alone(bucket: str, folder: Path, run_publish: Publish) -> None:
    glue = client("glue")
    glue.create_database(DatabaseInput={"Name": "evalayer"})
    glue.create_table(DatabaseName="evalayer", TableInput={"Name": "evaluation_rows", "TableType": "VIRTUAL_VIEW"})
    done = run_publish("athena", folder, "--to", TO)
    assert done.code == 2
    assert "the table evalayer.evaluation_rows is a table of another format" in done.err


def test_what_is_missing_on_aws_is_one_line(
    bucket: str, folder: Path, run_publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run_publish("athena", folder, "--to", "s3://no-such-bucket/x")
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert "s3://no-such-bucket does not exist" in done.err
    with pytest.raises(client("glue").exceptions.EntityNotFoundException):
        columns_there("evaluation_rows")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    done = run_publish("athena", folder, "--to", TO)
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert "region is not known" in done.err


def test_without_credentials_there_is_one_line(
    no_aws: None, folder: Path, run_publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run_publish("athena", folder, "--to", TO, "--region", "us-east-1")
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert "no usable AWS credentials" in done.err


def test_access_denied_is_one_line(aws: Server, folder: Path, run_publish: Publish) -> None:
    aws.plan(faults={"GetTable": ["denied"]})
    done = run_publish("athena", folder, "--to", TO)
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert "may not call glue:GetTable" in done.err


@pytest.mark.parametrize("place", ["results", "s3:/results", "s3://", "s3://B/x", "https://results"])
def test_a_place_that_is_not_in_s3_is_refused(run_publish: Publish, folder: Path, place: str) -> None:
    done = run_publish("athena", folder, "--to", place, "--dry-run")
    assert done.code == 2
    assert "--to: is " in done.err


def test_the_json_of_a_table_is_what_glue_takes(bucket: str, folder: Path, run_publish: Publish) -> None:
    listed = run_publish("athena", folder, "--to", TO, "--dry-run", "--json").json["tables"]
    glue = client("glue")
    glue.create_database(DatabaseInput={"Name": "evalayer"})
    for table in listed:
        glue.create_table(DatabaseName="evalayer", TableInput=json.loads(json.dumps(table["table_input"])))
    done = run_publish("athena", folder, "--to", TO, "--json")
    assert set(done.json["tables"].values()) == {"unchanged"}
