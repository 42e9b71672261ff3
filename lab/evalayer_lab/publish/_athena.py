"""The tables as Athena and Glue describe them: names, DDL, and what the API of Glue takes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from evalayer_lab.inputs import InputError, S3Uri
from evalayer_lab.publish._tables import Table, tables

if TYPE_CHECKING:
    from mypy_boto3_glue.type_defs import (
        ColumnTypeDef,
        PartitionInputTypeDef,
        StorageDescriptorTypeDef,
        TableInputTypeDef,
    )

    from evalayer_lab.publish._publication import Publication, Run

_NAME: Final = re.compile(r"[a-z0-9_]+", re.ASCII)
_LONGEST: Final = 255
_PREFIX: Final = re.compile(r"[A-Za-z0-9/_.=+@:,-]*", re.ASCII)
_PARAMETERS: Final = {"EXTERNAL": "TRUE", "classification": "parquet", "parquet.compression": "ZSTD"}
_FORMAT: Final = "org.apache.hadoop.hive.ql.io.parquet"
LIBRARY: Final = f"{_FORMAT}.serde.ParquetHiveSerDe"


@dataclass(frozen=True, slots=True)
class AthenaTable(Table):
    """A table of Athena, with the partition of one run.

    Attributes:
        database: its database.
        table: its name there.
        location: where its partitions are.
        run: the run.
    """

    database: str
    table: str
    location: S3Uri
    run: Run

    @property
    def title(self) -> str:
        """Its whole name."""
        return f"{self.database}.{self.table}"

    @property
    def ddl(self) -> str:
        """The statement that creates it."""
        columns = ",\n".join(f"  `{column.name}` {column.type} COMMENT '{column.comment}'" for column in self.columns)
        keys = ", ".join(f"`{key}` string" for key in self.run.partition)
        properties = ", ".join(f"'{key}'='{value}'" for key, value in _PARAMETERS.items() if key != "EXTERNAL")
        return (
            f"CREATE EXTERNAL TABLE IF NOT EXISTS `{self.database}`.`{self.table}` (\n{columns}\n)\n"
            f"PARTITIONED BY ({keys})\nSTORED AS PARQUET\nLOCATION '{self.location}/'\nTBLPROPERTIES ({properties})"
        )

    @property
    def partition_ddl(self) -> str:
        """The statement that adds the run's partition."""
        values = ", ".join(f"`{key}`='{value}'" for key, value in self.run.partition.items())
        return (
            f"ALTER TABLE `{self.database}`.`{self.table}` ADD IF NOT EXISTS\n"
            f"PARTITION ({values}) LOCATION '{self.location / self.run.partition_path}/'"
        )

    @property
    def glue_columns(self) -> list[ColumnTypeDef]:
        """Its columns as Glue takes them."""
        return [{"Name": column.name, "Type": column.type, "Comment": column.comment} for column in self.columns]

    @property
    def table_input(self) -> TableInputTypeDef:
        """What Glue's CreateTable takes."""
        return {
            "Name": self.table,
            "Description": f"The {self.name} of evaluation runs, written by evalayer",
            "TableType": "EXTERNAL_TABLE",
            "Parameters": dict(_PARAMETERS),
            "PartitionKeys": [{"Name": key, "Type": "string"} for key in self.run.partition],
            "StorageDescriptor": self._storage(self.location),
        }

    @property
    def partition_input(self) -> PartitionInputTypeDef:
        """What Glue's BatchCreatePartition takes."""
        return {
            "Values": list(self.run.partition.values()),
            "StorageDescriptor": self._storage(self.location / self.run.partition_path),
        }

    def _storage(self, location: S3Uri) -> StorageDescriptorTypeDef:
        return {
            "Columns": self.glue_columns,
            "Location": f"{location}/",
            "InputFormat": f"{_FORMAT}.MapredParquetInputFormat",
            "OutputFormat": f"{_FORMAT}.MapredParquetOutputFormat",
            "SerdeInfo": {
                "SerializationLibrary": LIBRARY,
                "Parameters": {"serialization.format": "1"},
            },
        }


def describe_tables(
    publication: Publication, location: S3Uri, *, database: str, table: str, texts: bool = False
) -> tuple[AthenaTable, ...]:
    """Describe the tables to Athena.

    Args:
        publication: the run.
        location: the prefix below which the files are.
        database: the database.
        table: what the tables' names begin with: `<table>_rows` and `<table>_metrics`.
        texts: whether the rows have their prompt, answer and gold.

    Raises:
        InputError: Athena does not take a name or the prefix, or two columns would have one name.
    """
    if not _PREFIX.fullmatch(location.key):
        raise InputError(f"is {str(location)!r}; a prefix here has only letters, digits and /_.=+@:,-", field="--to")
    return tuple(
        AthenaTable(
            each.name,
            each.columns,
            database=_name(database, "--database"),
            table=_name(f"{table}_{each.name}", "--table"),
            location=location / each.name,
            run=publication.run,
        )
        for each in tables(publication, texts=texts)
    )


def _name(name: str, what: str) -> str:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise InputError(
            f"is {name!r}; Athena takes lower-case letters, digits and _, at most {_LONGEST} of them", field=what
        )
    return name
