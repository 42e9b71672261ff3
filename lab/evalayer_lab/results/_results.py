"""What was read of a run."""

# ruff: noqa: S608 (names and texts in queries are quoted by `sql`)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from evalayer_lab.inputs import InputError, suggest
from evalayer_lab.output import UNSCORED, MetricInfo, RunRecord
from evalayer_lab.results import sql
from evalayer_lab.results._join import JoinReport
from evalayer_lab.results._texts import RowTexts, read_texts

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

_METRIC: Final = "metric."
_METADATA: Final = "metadata."
_FEW: Final = 256


@dataclass(frozen=True, eq=False)
class Content:
    """What is kept of a run beside its table of rows; `Results` says what it is.

    The table has each column under the name that `stored_names` has for it, since two may differ in case only.
    """

    run: RunRecord
    reported: Mapping[str, float]
    metrics: tuple[MetricInfo, ...]
    join: JoinReport
    notes: tuple[str, ...]
    digest: str
    rows: int
    field: str | None
    labels: tuple[str, ...]
    stored_names: Mapping[str, str]


class Results(Content):
    """The rows of a run and what it says of itself, from `read_results`.

    Rows are in order of their content: of `key`, a digest of prompt and gold, and of `ordinal` among rows of one key.
    So everything computed from them has the same bits however the files are packed.

    The columns of `relation`: `key`, `ordinal`; `metric.<reported name>`, a double, null where a row did not report
    it; for each classification `gold.<metric>` and `predicted.<metric>`, the labels that its counters name;
    `gold_label` and `predicted_label` under `field`, read from the texts; `confidence_first_token`,
    `confidence_joint`, `confidence_geometric_mean`, `confidence_renormalised`, `confidence_low`, `confidence_high`,
    `confidence_tokens`, `generated_is_largest` and `no_confidence` as in `evalayer_lab.answers.FieldConfidence`;
    `answer_kind`, `answer_characters` and `hedges` as in `AnswerFacts`; `source_file` and `source_row`, where the row
    stands; `metadata.<key>`, text, null where a row does not have it.

    Attributes:
        folder: the run's folder.
        run: what `run.json` says; without it, the name only.
        reported: the folded values as the job reports them, by reported name.
        metrics: every metric of the rows: the task's in order of declaration, then others in order of name.
        join: how the rows met the answers and the dataset.
        notes: what a reader must know of how this was read, as sentences.
        digest: a digest of the keys: the same for two runs of the same rows.
        rows: the number of rows.
        field: the field of the label; None for the whole text.
        labels: the labels; empty where they are not known.
    """

    def __init__(self, folder: Path, table: Path, content: Content, files: Mapping[str, tuple[int, int]]) -> None:
        super().__init__(**vars(content))
        self.folder = folder
        self._files = files  # size and time of change
        self._table = table
        self._read: dict[str, NDArray[Any]] = {}
        self._scored: dict[str, NDArray[np.bool_]] = {}

    @cached_property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """A database in memory in which the rows are the view `rows`."""
        connection = sql.connect()
        connection.execute(f"CREATE VIEW rows AS SELECT * FROM {sql.parquet([self._table])}")
        return connection

    @property
    def relation(self) -> duckdb.DuckDBPyRelation:
        """The rows as a relation of DuckDB, in order; it is read when it is asked for something."""
        return self.connection.table("rows")

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self.stored_names)

    @property
    def metadata_keys(self) -> tuple[str, ...]:
        """The keys of the metadata, in order."""
        return tuple(name.removeprefix(_METADATA) for name in self.stored_names if name.startswith(_METADATA))

    def column(self, name: str) -> NDArray[Any]:
        """The values of a column, shape (rows,).

        Numbers and truth values are doubles, NaN where there is none. Texts are objects, None where there is none.

        Raises:
            InputError: there is no such column.
        """
        return self.read_columns([name])[name]

    def read_columns(self, names: Sequence[str]) -> dict[str, NDArray[Any]]:
        """The values of several columns, each as `column` gives it, read at once. They are kept, and not to be changed.

        Raises:
            InputError: there is no such column.
        """
        new = [name for name in dict.fromkeys(names) if name not in self._read]
        if new:
            wanted = [_as_array(self._column(name), self._types[self.stored_names[name]]) for name in new]
            query = ", ".join(f"{source} AS c{index}" for index, source in enumerate(wanted))
            arrays = self.connection.execute(f"SELECT {query} FROM rows").fetchnumpy()
            for index, name in enumerate(new):
                self._read[name] = _frozen(arrays[f"c{index}"])
        return {name: self._read[name] for name in names}

    def codes(self, name: str) -> tuple[NDArray[np.int32], tuple[str, ...]]:
        """A column of text as codes.

        Returns:
            For each row the index of its value, -1 where it has none, shape (rows,); and the different values in
            order of their code points.

        Raises:
            InputError: there is no such column, or it is not text.
        """
        column = self._column(name)
        kind = self._types[self.stored_names[name]]
        if kind != "VARCHAR":
            raise InputError(f"the column is {kind}, not text", field=name)
        run = self.connection.execute
        found = run(f"SELECT DISTINCT {column} AS v FROM rows WHERE {column} IS NOT NULL ORDER BY v").fetchall()
        values = tuple(value for (value,) in found)
        if len(values) <= _FEW:  # DuckDB looks each value of a dictionary up once
            listed = f"[{', '.join(map(sql.text, values))}]::VARCHAR[]"
            code = f"coalesce(list_position({listed}, {column}), 0)::INTEGER - 1"
        else:
            run("DROP TYPE IF EXISTS code")
            run(f"CREATE TYPE code AS ENUM (SELECT DISTINCT {column} AS v FROM rows WHERE v IS NOT NULL ORDER BY v)")
            code = f"coalesce(enum_code({column}::code)::INTEGER, -1)"
        codes: Any = run(f"SELECT {code} AS c FROM rows").fetchnumpy()["c"]
        return codes, values

    def classes(self, metric: MetricInfo) -> tuple[NDArray[np.int32], NDArray[np.int32], tuple[str, ...]]:
        """What the counters of a classification say of each row.

        Returns:
            The index of the gold label, -1 where the counters name none or several, as on an unscored row; the index
            of the predicted label, -1 where it is not one of the labels; both of shape (rows,); and the labels in the
            order of the metric.

        Raises:
            InputError: the metric is not a classification.
        """
        import numpy as np

        labels = metric.class_labels
        if f"gold.{metric.name}" not in self.stored_names:
            raise InputError("the metric does not report counters of labels", field=metric.name)
        found = []
        for side in ("gold", "predicted"):
            codes, values = self.codes(f"{side}.{metric.name}")
            order = np.array([*(labels.index(value) for value in values), -1], dtype=np.int32)
            found.append(order[codes])
        return found[0], found[1], labels

    def values(self, name: str) -> NDArray[np.float64]:
        """The values of a reported name, shape (rows,); NaN where a row did not report it."""
        import numpy as np

        column = _METRIC + name
        return self.column(column) if column in self.stored_names else np.full(self.rows, np.nan)

    def scored(self, metric: MetricInfo) -> NDArray[np.bool_]:
        """On which rows the metric has a score, shape (rows,): all its names are reported, and it is not unscored.

        It is kept, and not to be changed.
        """
        import numpy as np

        if metric.name in self._scored:
            return self._scored[metric.name]
        unscored = f"{_METRIC}{metric.name}{UNSCORED}"
        names = [_METRIC + name for name in metric.reported]
        if any(name not in self.stored_names for name in names):
            return _frozen(np.zeros(self.rows, dtype=np.bool_))
        conditions = [f"{self._column(name)} IS NOT NULL" for name in names]
        if unscored in self.stored_names:
            conditions.append(f"coalesce({self._column(unscored)} = 0, false)")
        query = f"SELECT list_bool_and([{', '.join(conditions)}]) AS c FROM rows"
        mask: Any = self.connection.execute(query).fetchnumpy()["c"]
        self._scored[metric.name] = _frozen(np.asarray(mask, dtype=np.bool_))
        return self._scored[metric.name]

    def texts(self, rows: Sequence[int]) -> list[RowTexts]:
        """The texts of rows, read from the files of the run.

        Args:
            rows: their indices, from 0.

        Raises:
            InputError: a file was changed since it was read, or there is no such row.
        """
        if any(not 0 <= row < self.rows for row in rows):
            raise InputError(f"the rows are numbered from 0 to {self.rows - 1}", field="rows")
        places: dict[int, tuple[str, int]] = {}
        if rows:
            listed = ", ".join(str(int(row)) for row in dict.fromkeys(rows))
            query = (
                "SELECT file_row_number, source_file, source_row FROM "
                f"{sql.parquet([self._table], ', file_row_number = true')} WHERE file_row_number IN ({listed})"
            )
            places = {row: (name, at) for row, name, at in self.connection.execute(query).fetchall()}
        return read_texts(self.folder, [places[int(row)] for row in rows], self._files)

    def to_pandas(self) -> pd.DataFrame:
        """All columns as a data frame, in order."""
        frame: pd.DataFrame = self.relation.df()
        return frame

    @cached_property
    def _types(self) -> dict[str, str]:
        described = self.connection.execute("DESCRIBE rows").fetchall()
        return {row[0]: row[1] for row in described}

    def _column(self, name: str) -> str:
        if name not in self.stored_names:
            raise InputError(f"there is no such column; {suggest(name, self.stored_names)}", field=name)
        return sql.name(self.stored_names[name])


def _frozen(values: Any) -> NDArray[Any]:
    import numpy as np

    if isinstance(values, np.ma.MaskedArray):
        array: NDArray[Any] = np.array(values.data, dtype=object)
        array[np.ma.getmaskarray(values)] = None
    else:
        array = values
    array.flags.writeable = False
    return array


def _as_array(column: str, kind: str) -> str:
    if kind in {"VARCHAR", "VARCHAR[]"}:
        return column
    return f"coalesce({column}::DOUBLE, 'nan'::DOUBLE)"
