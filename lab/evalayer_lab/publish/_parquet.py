"""Publish a run as a partition of two tables of Parquet files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from evalayer_lab.publish._tables import OnRows, Table, TableName, partition, partition_path, write_files
from evalayer_lab.publish._target import Replaced, Target

if TYPE_CHECKING:
    from evalayer_lab.publish._publication import Publication


@dataclass(frozen=True, slots=True)
class PublishedFiles:
    """The files of a run.

    Attributes:
        run: the run's id.
        partition: the values of the partition keys.
        files: what became of each table's partition.
    """

    run: str
    partition: Mapping[str, str]
    files: Mapping[TableName, Replaced]


def publish_parquet(
    publication: Publication, tables: Sequence[Table], target: Target, on_rows: OnRows = lambda count: None
) -> PublishedFiles:
    """Write a run's partition of each table; what an earlier publication of the run left there is replaced.

    Args:
        publication: the run.
        tables: as `tables` describes them.
        target: where to.
        on_rows: is called with the number of rows that were written, or whose texts were read.

    Raises:
        InputError: the target cannot be written.
    """
    values = partition(publication)
    with TemporaryDirectory(prefix="evalayer-") as work:
        files: dict[TableName, Replaced] = {
            table.name: target.replace(
                partition_path(table, values), write_files(publication, table, Path(work, table.name), on_rows=on_rows)
            )
            for table in tables
        }
    return PublishedFiles(publication.run.id, values, files)
