"""Publish a run to two tables of Athena: created in Glue, given new columns, but never changed otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from evalayer_lab.aws import AwsError, asking
from evalayer_lab.inputs import InputError, S3Uri
from evalayer_lab.publish._athena import LIBRARY, AthenaTable, describe_tables
from evalayer_lab.publish._parquet import PublishedFiles, publish_files, replace_in_s3
from evalayer_lab.publish._tables import OnRows

if TYPE_CHECKING:
    from mypy_boto3_glue.type_defs import TableInputTypeDef

    from evalayer_lab.aws import Aws
    from evalayer_lab.publish._publication import Publication

Outcome: TypeAlias = Literal["created", "extended", "unchanged"]

_MISSING: Final = "EntityNotFoundException"
_EXISTS: Final = "AlreadyExistsException"
# The fields of GetTable's answer that UpdateTable takes.
_TABLE_INPUT: Final = (
    "Name",
    "Description",
    "Owner",
    "Retention",
    "StorageDescriptor",
    "PartitionKeys",
    "TableType",
    "Parameters",
)


@dataclass(frozen=True, slots=True)
class TableChange:
    """What becomes of a table.

    Attributes:
        table: the table.
        outcome: `"created"` if it did not exist, `"extended"` if it lacks columns, or `"unchanged"`.
        new_columns: the names of the columns that it lacks.
        table_input: what Glue is told.
    """

    table: AthenaTable
    outcome: Outcome
    new_columns: tuple[str, ...]
    table_input: TableInputTypeDef


@dataclass(frozen=True, slots=True)
class PublishedTables:
    """The tables of a run in Athena.

    Attributes:
        tables: as Athena and Glue know them.
        changes: what became of each; empty where AWS was not asked.
        files: the files of the run; None where AWS was not asked.
    """

    tables: tuple[AthenaTable, ...]
    changes: tuple[TableChange, ...] = ()
    files: PublishedFiles | None = None

    @property
    def script(self) -> str:
        """What creates all this in Athena: statements that end in semicolons."""
        databases = dict.fromkeys(f"CREATE DATABASE IF NOT EXISTS `{table.database}`" for table in self.tables)
        statements = [
            *databases,
            *(table.ddl for table in self.tables),
            *(table.partition_ddl for table in self.tables),
        ]
        return ";\n\n".join(statements) + ";"


def publish_athena(
    publication: Publication,
    to: S3Uri,
    aws: Aws | None,
    *,
    database: str = "evalayer",
    table: str = "evaluation",
    texts: bool = False,
    on_rows: OnRows = lambda count: None,
) -> PublishedTables:
    """Upload a run's partition of the tables and tell Glue of it: tables, new columns and the partition.

    Args:
        publication: the run.
        to: the prefix below which the files are.
        aws: the region; None asks nothing, and only describes the tables.
        database: the database.
        table: what the tables' names begin with: `<table>_rows` and `<table>_metrics`.
        texts: whether the rows have their prompt, answer and gold.
        on_rows: is called with the number of rows that were written, or whose texts were read.

    Raises:
        InputError: Athena does not take a name, there is a table of that name that is something else, or two columns
            would have one name.
        AwsError: AWS did not do it.
    """
    described = describe_tables(publication, to, database=database, table=table, texts=texts)
    if aws is None:
        return PublishedTables(described)
    changes = [_plan(aws, each) for each in described]
    files = publish_files(publication, described, partial(replace_in_s3, aws, to), on_rows)
    _create_tables(aws, changes)
    _add_partitions(aws, described)
    return PublishedTables(described, tuple(changes), files)


@contextmanager
def _asking(permission: str, what: str, unless: str) -> Iterator[None]:
    """As `asking`, but an answer with the code `unless` only ends what is done within."""
    try:
        with asking(permission, what):
            yield
    except AwsError as failure:
        if failure.code != unless:
            raise


def _create_tables(aws: Aws, plans: Sequence[TableChange]) -> None:
    """Create the database and the tables that are not there, and add the columns that are missing."""
    for database in dict.fromkeys(plan.table.database for plan in plans if plan.outcome == "created"):
        _create_database(aws, database)
    for plan in plans:
        table = plan.table
        if plan.outcome == "created":
            is_created = False
            with _asking("glue:CreateTable", _title(table), unless=_EXISTS):
                aws.glue.create_table(DatabaseName=table.database, TableInput=plan.table_input)
                is_created = True
            if not is_created:  # somebody else did, in the meantime
                _create_tables(aws, [_plan(aws, table)])
        elif plan.outcome == "extended":
            now = _plan(aws, table)  # another run may have added columns during the upload
            if now.outcome == "extended":
                with asking("glue:UpdateTable", _title(table)):
                    aws.glue.update_table(DatabaseName=table.database, TableInput=now.table_input)


def _add_partitions(aws: Aws, tables: Sequence[AthenaTable]) -> None:
    """Add the run's partition to each table; one that is there is given the columns of now."""
    for table in tables:
        where: Any = {"DatabaseName": table.database, "TableName": table.table}
        new = table.partition_input
        with asking("glue:BatchCreatePartition", _title(table)):
            errors = aws.glue.batch_create_partition(**where, PartitionInputList=[new]).get("Errors", [])
        for error in errors:
            detail = error.get("ErrorDetail", {})
            if detail.get("ErrorCode") != _EXISTS:
                reason = f"{_title(table)}: {detail.get('ErrorCode')}: {detail.get('ErrorMessage')}"
                raise AwsError(reason, "other", detail.get("ErrorCode", ""))
            with asking("glue:UpdatePartition", _title(table)):
                aws.glue.update_partition(**where, PartitionValueList=list(new.get("Values", [])), PartitionInput=new)


def _create_database(aws: Aws, database: str) -> None:
    is_there = False
    with _asking("glue:GetDatabase", f"the database {database}", unless=_MISSING):
        aws.glue.get_database(Name=database)
        is_there = True
    if not is_there:
        with _asking("glue:CreateDatabase", f"the database {database}", unless=_EXISTS):
            aws.glue.create_database(DatabaseInput={"Name": database, "Description": "Evaluation runs"})


def _plan(aws: Aws, table: AthenaTable) -> TableChange:
    """Compare a table with the one that is there; nothing is changed."""
    there: Any = None
    with _asking("glue:GetTable", _title(table), unless=_MISSING):
        there = aws.glue.get_table(DatabaseName=table.database, Name=table.table)["Table"]
    wanted = table.table_input
    if there is None:
        return TableChange(table, "created", tuple(column.name for column in table.columns), wanted)
    storage = there.get("StorageDescriptor", {})
    found = {
        "is a table of another format": storage.get("SerdeInfo", {}).get("SerializationLibrary") == LIBRARY,
        f"is at {storage.get('Location')}": storage.get("Location", "").rstrip("/") == str(table.location),
        "has other partition keys": [(key["Name"], key.get("Type")) for key in there.get("PartitionKeys", [])]
        == [(key["Name"], key.get("Type")) for key in wanted.get("PartitionKeys", [])],
    }
    for what, holds in found.items():
        if not holds:
            raise InputError(f"{_title(table)} {what}; give another --table, or the --to of that one")
    columns = {column["Name"]: column for column in storage.get("Columns", [])}
    for column in table.columns:
        other = columns.get(column.name, {})
        if other.get("Type", column.type) != column.type:
            raise InputError(
                f"{_title(table)}: the column {column.name} is {other['Type']} there and {column.type} in this run; "
                "give another --table"
            )
        if other.get("Comment", column.comment) != column.comment:
            raise InputError(
                f"{_title(table)}: the column {column.name} stands for {other['Comment']} there and for "
                f"{column.comment} in this run; give another --table"
            )
    new = [column for column in table.glue_columns if column["Name"] not in columns]
    if not new:
        return TableChange(table, "unchanged", (), wanted)
    kept: Any = {key: there[key] for key in _TABLE_INPUT if key in there}
    kept["StorageDescriptor"] = {**storage, "Columns": [*columns.values(), *new]}
    return TableChange(table, "extended", tuple(column["Name"] for column in new), kept)


def _title(table: AthenaTable) -> str:
    return f"the table {table.title}"
