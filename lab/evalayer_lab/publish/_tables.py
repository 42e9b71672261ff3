"""The two tables of published runs: their columns, and the files of one run's partition."""

# ruff: noqa: S608 (names and texts in queries are quoted by `_sql`)

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from evalayer_lab.inputs import InputError
from evalayer_lab.publish._figures import escaped, renamed
from evalayer_lab.results import sql as _sql

if TYPE_CHECKING:
    import duckdb

    from evalayer_lab.publish._publication import Publication
    from evalayer_lab.results import Results

TableName: TypeAlias = Literal["rows", "metrics"]
OnRows: TypeAlias = Callable[[int], object]

_LONGEST: Final = 255
_WHERE: Final = frozenset({"source_file", "source_row"})  # where a row stands in one packing of the output
_TYPES: Final = {
    "VARCHAR": "string",
    "VARCHAR[]": "array<string>",
    "DOUBLE": "double",
    "INTEGER": "int",
    "BIGINT": "bigint",
    "BOOLEAN": "boolean",
    "TIMESTAMP": "timestamp",
}
_METRICS: Final = {
    "name": "VARCHAR",
    "metric": "VARCHAR",
    "value": "DOUBLE",
    "low": "DOUBLE",
    "high": "DOUBLE",
    "level": "DOUBLE",
    "method": "VARCHAR",
    "n": "BIGINT",
    "n_unscored": "BIGINT",
    "higher_is_better": "BOOLEAN",
    "reported": "DOUBLE",
    "task_name": "VARCHAR",
    "run_name": "VARCHAR",
    "model": "VARCHAR",
    "started": "TIMESTAMP",
    "evalayer": "VARCHAR",
    "aggregation": "VARCHAR",
    "digest": "VARCHAR",
}
_FILE_ROWS: Final = 1 << 20
_FILE_ROWS_WITH_TEXTS: Final = 1 << 18
_GROUPS: Final = 4  # row groups of a full file
_TEXTS: Final = ("prompt", "answer", "gold")
_TEXTS_AT_ONCE: Final = 4096
_COMMENT: Final = re.compile(r"[A-Za-z0-9 _.:,()/=+-]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a published table.

    Attributes:
        source: its name in the lab.
        type: its type in Athena.
    """

    source: str
    type: str

    @property
    def name(self) -> str:
        """Its name in Athena.

        A letter, a digit or an underscore is itself, in lower case. A dot is two underscores; a space or a hyphen is
        one; any other character is `u` and its code in four or more hexadecimal digits.

        >>> Column("metric.class.tp.hardware", "bigint").name, Column("metadata.Cost é", "string").name
        ('metric__class__tp__hardware', 'metadata__cost_u00e9')
        """
        return "".join(map(_character, self.source))

    @property
    def comment(self) -> str:
        """Its name in the lab, percent-encoded where a quote or a backslash could be.

        >>> Column("metadata.it's", "string").comment
        'metadata.it%27s'
        """
        encoded = escaped(self.source, _COMMENT.fullmatch)
        if len(encoded) > _LONGEST:
            raise InputError(f"{self.source!r} is too long to be published: Glue's comments have {_LONGEST} characters")
        return encoded


@dataclass(frozen=True, slots=True)
class Table:
    """One of the two tables.

    Attributes:
        name: `"rows"` or `"metrics"`, also its folder.
        columns: its columns without those of the partition.
    """

    name: TableName
    columns: tuple[Column, ...]


def tables(publication: Publication, *, texts: bool = False) -> tuple[Table, Table]:
    """The rows and the metrics of a run, as tables.

    Args:
        publication: the run.
        texts: whether the rows have their prompt, answer and gold.

    Raises:
        InputError: two columns would have one name, or a name is too long.
    """
    sources = {name: kind for name, (_, kind) in _stored(publication.results).items() if name not in _WHERE}
    if texts:
        sources |= dict.fromkeys(_TEXTS, "VARCHAR")
    keys = publication.run.partition
    return Table("rows", _columns(sources, keys)), Table("metrics", _columns(_METRICS, keys))


def write_files(
    publication: Publication,
    table: Table,
    folder: Path,
    *,
    file_rows: int | None,
    on_rows: OnRows,
) -> list[Path]:
    """Write one table's partition as Parquet files, `part-00000.parquet` and so on. Same input, same bytes.

    Args:
        publication: the run.
        table: as `tables` describes it.
        folder: where to write; made if it is not there.
        file_rows: rows of a file, in four row groups; by default 1,048,576, with texts 262,144.
        on_rows: is called with the number of rows that were written, or whose texts were read.

    Raises:
        InputError: a file of the run was changed since it was read, or the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if table.name == "metrics":
        return [_write_metrics(publication, table, folder)]
    return list(_write_rows(publication, table, folder, file_rows, on_rows))


def _columns(sources: dict[str, str], partition: Mapping[str, str]) -> tuple[Column, ...]:
    columns = tuple(Column(source, _TYPES[kind]) for source, kind in sources.items())
    names = {column.source: column.name for column in columns}
    for source, name in renamed(names, names.__getitem__, _LONGEST).items():
        if name in partition:
            raise InputError(f"{source!r} would be published as {name}, which is the name of a partition key")
    return columns


def _stored(results: Results) -> dict[str, tuple[str, str]]:
    """By the name of a column, the one that it has in the table of rows, and its type."""
    described = results.connection.execute("DESCRIBE rows").fetchall()
    return {name: (stored, kind) for name, (stored, kind, *_) in zip(results.columns, described, strict=True)}


def _character(character: str) -> str:
    if character == ".":
        return "__"
    if character in " -":
        return "_"
    if character == "_" or (character.isascii() and character.isalnum()):
        return character.lower()
    return f"u{ord(character):04x}"


def _write_rows(
    publication: Publication, table: Table, folder: Path, wanted: int | None, on_rows: OnRows
) -> Iterator[Path]:
    results = publication.results
    texts = {column.source for column in table.columns} & set(_TEXTS)
    stored = {name: column for name, (column, _) in _stored(results).items()}
    chosen = ", ".join(
        f"{_sql.name(stored.get(column.source, column.source))} AS {_sql.name(column.name)}" for column in table.columns
    )
    numbered = "SELECT *, row_number() OVER () - 1 AS row_number FROM rows"
    source, scratch = "rows", folder / ".texts"
    file_rows = wanted or (_FILE_ROWS_WITH_TEXTS if texts else _FILE_ROWS)
    if texts:
        _write_texts(results, scratch, on_rows)
        source = f"({numbered}) JOIN {_sql.parquet([scratch])} USING (row_number)"
    for index, first in enumerate(range(0, max(results.rows, 1), file_rows)):
        path = folder / f"part-{index:05}.parquet"
        if texts:
            piece = f"WHERE row_number BETWEEN {first} AND {first + file_rows - 1} ORDER BY row_number"
        else:
            piece = f"LIMIT {file_rows} OFFSET {first}"
        _copy(results.connection, f"SELECT {chosen} FROM {source} {piece}", path, file_rows // _GROUPS)
        if not texts:
            on_rows(min(file_rows, results.rows - first))
        yield path
    scratch.unlink(missing_ok=True)


def _write_texts(results: Results, path: Path, on_rows: OnRows) -> None:
    """Write `row_number`, `prompt`, `answer` and `gold` of every row, read in the order of the files they stand in.

    Raises:
        InputError: a file of the run was changed since it was read.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields: list[pa.Field[Any]] = [pa.field("row_number", pa.int64())]
    schema = pa.schema(fields + [pa.field(name, pa.string()) for name in _TEXTS])
    files, _ = results.codes("source_file")
    order = np.lexsort((results.column("source_row"), files))
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=False) as writer:
        for start in range(0, len(order), _TEXTS_AT_ONCE):
            rows = [int(row) for row in order[start : start + _TEXTS_AT_ONCE]]
            found = results.texts(rows)
            columns = {name: [getattr(texts, name) for texts in found] for name in _TEXTS}
            writer.write_table(pa.table({"row_number": rows, **columns}, schema))
            on_rows(len(rows))


def _write_metrics(publication: Publication, table: Table, folder: Path) -> Path:
    connection = _sql.connect()
    connection.execute(f"CREATE TABLE metrics ({', '.join(f'{name} {kind}' for name, kind in _METRICS.items())})")
    if lines := list(_metric_lines(publication)):
        connection.executemany(f"INSERT INTO metrics VALUES ({', '.join('?' * len(_METRICS))})", lines)
    path = folder / "part-00000.parquet"
    chosen = ", ".join(f"{column.source} AS {column.name}" for column in table.columns)
    _copy(connection, f"SELECT {chosen} FROM metrics", path, _FILE_ROWS)
    connection.close()
    return path


def _metric_lines(publication: Publication) -> Iterator[Sequence[Any]]:
    run, info = publication.run, publication.results.run
    started = None if run.started is None else run.started.replace(tzinfo=None)
    facts = (run.task, run.name, run.model, started, info.evalayer, info.aggregation, publication.results.digest)
    for figure in publication.figures:
        one = figure.estimate
        numbers = (one.value, one.low, one.high, one.level, one.method, one.n, one.n_unscored)
        yield (figure.name, figure.metric, *numbers, figure.higher_is_better, figure.reported, *facts)


def _copy(connection: duckdb.DuckDBPyConnection, query: str, path: Path, group_rows: int) -> None:
    import duckdb

    options = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {group_rows}"
    try:
        connection.execute(f"COPY ({query}) TO {_sql.text(str(path))} ({options})")
    except duckdb.IOException as error:
        raise InputError(f"cannot be written: {' '.join(str(error).split())}", path=path) from error
