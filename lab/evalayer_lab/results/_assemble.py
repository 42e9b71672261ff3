"""From parts as they were read to one table in order of content."""

# ruff: noqa: S608 (names and texts in queries are quoted by `sql`)

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Final

from evalayer_lab.inputs import InputError
from evalayer_lab.output import MetricInfo
from evalayer_lab.results import sql
from evalayer_lab.results._join import JoinReport, Occurrences
from evalayer_lab.results._pieces import escaped
from evalayer_lab.results._row import PLAIN_COLUMNS

MAX_KEYS: Final = 256
_SHOWN: Final = 20
_MEMORY: Final = 512  # MB


class Assembly:
    """The parts of one run in a database.

    Args:
        folder: a folder for what does not fit into memory.
        details: parquet files that `shred` wrote.
        answers: parquet files that `list_inferences` wrote; None if there is no such list.
        expected: a parquet file of the dataset's rows, of the same columns; None if there is no dataset.

    Raises:
        InputError: memory or the folder's disk is full; so do the methods.
    """

    def __init__(
        self, folder: Path, details: Sequence[str], answers: Sequence[str] | None, expected: Sequence[str] | None
    ) -> None:
        self._folder = folder
        self._connection = sql.connect(folder, f"{_MEMORY}MB")
        self._run(f"CREATE VIEW parts AS SELECT * FROM {sql.parquet(details, ', union_by_name = true')}")
        self._run("CREATE TABLE narrow AS SELECT key, identity, content, source_file, source_row, metadata FROM parts")
        self._has = {"answers": bool(answers), "expected": bool(expected)}
        self._make_side("answers", "identity", answers)
        self._make_side("expected", "key", expected)
        self.answers_match = not self._has["answers"] or bool(
            self._number("SELECT count(*) FROM narrow SEMI JOIN answers_by_content AS a ON identity = a.id")
        )
        self._run(
            "CREATE TABLE joined AS SELECT key, source_file, source_row, joined_metadata AS metadata, "
            "joined_metadata IS NULL AND (coalesce(a_kinds, 0) > 1 OR coalesce(e_kinds, 0) > 1) AS ambiguous, "
            "(row_number() OVER (PARTITION BY key ORDER BY joined_metadata::VARCHAR NULLS LAST, content, "
            "source_file, source_row) - 1)::INTEGER AS ordinal FROM (SELECT narrow.*, a.kinds AS a_kinds, "
            "e.kinds AS e_kinds, coalesce(narrow.metadata, CASE WHEN a.kinds = 1 THEN a.metadata END, "
            "CASE WHEN e.kinds = 1 THEN e.metadata END) AS joined_metadata FROM narrow "
            "LEFT JOIN answers_by_content AS a ON narrow.identity = a.id "
            "LEFT JOIN expected_by_content AS e ON narrow.key = e.id)"
        )

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def metadata_keys(self) -> tuple[list[str], int]:
        """The keys of the metadata in order, no more than the 256 most frequent, and how many there are."""
        counts = "SELECT k, count(*) AS n FROM (SELECT unnest(map_keys(metadata)) AS k FROM joined) GROUP BY k"
        rows = self._run(f"{counts} ORDER BY n DESC, k LIMIT {MAX_KEYS}").fetchall()
        return sorted(row[0] for row in rows), self._number(f"SELECT count(*) FROM ({counts})")

    def write(
        self, path: Path, names: Sequence[str], metrics: Iterable[MetricInfo], keys: Sequence[str]
    ) -> dict[str, str]:
        """Write the table.

        Args:
            path: the parquet file to write.
            names: the reported names.
            metrics: the metrics; of each classification there are columns `gold.<name>` and `predicted.<name>`.
            keys: the metadata keys.

        Returns:
            The column of each name, which is the name but where two differ in case only.
        """
        sources = {f"metric.{name}": _metric_column(name) for name in names}
        for metric in metrics:
            if metric.class_labels and set(metric.reported) <= set(names):
                sources |= _classes(metric)
        sources |= {name: f"parts.{sql.name(name)}" for name in PLAIN_COLUMNS}
        sources |= {f"metadata.{key}": f"joined.metadata[{sql.text(key)}]" for key in keys}
        columns = _column_names(["key", "ordinal", *sources])
        self._run(f"SET memory_limit = '{_MEMORY + len(sources) // 4}MB'")  # a vector of each column, and of each part
        wanted = ", ".join(f"{source} AS {sql.name(columns[name])}" for name, source in sources.items())
        self._run(
            f"COPY (SELECT joined.key, joined.ordinal, {wanted} FROM parts JOIN joined "
            "ON parts.source_row = joined.source_row AND parts.source_file = joined.source_file "
            f"ORDER BY joined.key, joined.ordinal) TO {sql.text(str(path))} (FORMAT parquet, COMPRESSION snappy)"
        )
        return columns

    def digest(self) -> str:
        """A digest of the keys in order: the same for the same rows of a dataset, whatever was answered."""
        hashed = blake2b(digest_size=16)
        rows = self._run("SELECT key FROM joined ORDER BY key")
        while batch := rows.fetchmany(1 << 16):
            hashed.update("".join(row[0] for row in batch).encode())
        return hashed.hexdigest()

    def report(self, *, unread: int, find_line: Callable[[str, int], int]) -> JoinReport:
        """Count and list what did not meet.

        Args:
            unread: rows that could not be read.
            find_line: the line of an answers file, by its name, at a position in bytes.
        """
        missing = unexpected = Occurrences()
        if self._has["expected"]:
            missing, unexpected = self._differences("expected", "key", lambda _, line: line)
        elif self._has["answers"] and self.answers_match:
            missing, unexpected = self._differences("answers", "identity", find_line)
        return JoinReport(
            rows=self._number("SELECT count(*) FROM narrow"),
            answers=self._number("SELECT count(*) FROM answers")
            if self._has["answers"] and self.answers_match
            else None,
            expected=self._number("SELECT count(*) FROM expected") if self._has["expected"] else None,
            missing=missing,
            unexpected=unexpected,
            duplicates=self._found("joined WHERE ordinal > 0"),
            ambiguous=self._found("joined WHERE ambiguous"),
            without_metadata=self._found("joined WHERE metadata IS NULL"),
            unread_metadata=self._found("parts WHERE metadata_unread"),
            without_log_probabilities=self._found("parts WHERE NOT has_log_probabilities"),
            unread=unread,
        )

    def _make_side(self, side: str, by: str, files: Sequence[str] | None) -> None:
        columns = "key, identity, source_file, position, metadata"
        if files:
            self._run(f"CREATE TABLE {side} AS SELECT {columns} FROM {sql.parquet(files)}")
        else:
            nothing = "metadata, identity, ''::VARCHAR AS source_file, 0::BIGINT AS position, key"
            self._run(f"CREATE TABLE {side} AS SELECT {columns} FROM (SELECT {nothing} FROM narrow LIMIT 0)")
        self._run(
            f"CREATE TABLE {side}_by_content AS SELECT {by} AS id, count(*) AS n, any_value(metadata) AS metadata, "
            f"count(DISTINCT coalesce(metadata::VARCHAR, '')) AS kinds FROM {side} GROUP BY {by}"
        )

    def _differences(self, side: str, by: str, find_line: Callable[[str, int], int]) -> tuple[Occurrences, Occurrences]:
        """What only the other side has, and what only the details have."""
        self._run(
            f"CREATE TABLE left_over AS SELECT s.key, s.source_file, s.position FROM (SELECT *, row_number() OVER "
            f"(PARTITION BY {by} ORDER BY source_file, position) AS nth FROM {side}) AS s LEFT JOIN "
            f"(SELECT {by} AS id, count(*) AS n FROM narrow GROUP BY {by}) AS d ON s.{by} = d.id "
            "WHERE nth > coalesce(d.n, 0)"
        )
        self._run(
            "CREATE TABLE added AS SELECT d.key, d.source_file, d.source_row FROM (SELECT *, row_number() OVER "
            f"(PARTITION BY {by} ORDER BY content, source_file, source_row) AS nth FROM narrow) AS d LEFT JOIN "
            f"{side}_by_content AS s ON d.{by} = s.id WHERE nth > coalesce(s.n, 0)"
        )
        rows = self._run(f"SELECT * FROM left_over ORDER BY ALL LIMIT {_SHOWN}").fetchall()
        missing = Occurrences(
            self._number("SELECT count(*) FROM left_over"),
            tuple(key for key, _, _ in rows),
            tuple(f"{name}: line {find_line(name, position)}" for _, name, position in rows),
        )
        return missing, self._found("added")

    def _found(self, rows: str) -> Occurrences:
        listed = self._run(
            f"SELECT key, source_file, source_row FROM (FROM {rows}) ORDER BY ALL LIMIT {_SHOWN}"
        ).fetchall()
        return Occurrences(
            self._number(f"SELECT count(*) FROM {rows}"),
            tuple(key for key, _, _ in listed),
            tuple(f"{name}: row {row + 1}" for _, name, row in listed),
        )

    def _run(self, query: str) -> sql.Connection:
        import duckdb

        try:
            return self._connection.execute(query)
        except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
            reason = str(error).partition("\n")[0]
            raise InputError(f"the rows cannot be sorted here: {reason}", path=self._folder) from None

    def _number(self, query: str) -> int:
        row = self._run(query).fetchone()
        return int(row[0]) if row else 0


def _metric_column(name: str) -> str:
    return "parts." + sql.name(f"metric.{escaped(name)}")


def _classes(metric: MetricInfo) -> dict[str, str]:
    """The gold and the predicted label of each row, from the counters; null where they name none, or several."""

    def either(counters: Iterable[str]) -> str:
        # Truth values take an eighth of the memory of sums, and there may be a thousand labels.
        return "coalesce(" + " OR ".join(f"{_metric_column(name)} > 0" for name in counters) + ", false)"

    golds = {label: either(metric.gold_counters(label)) for label in metric.class_labels}
    predictions = {label: either(metric.predicted_counters(label)) for label in metric.class_labels}
    is_usable = f"({_count_true(golds.values())} = 1 AND {_count_true(predictions.values())} <= 1)"
    return {
        f"{name}.{metric.name}": f"CASE WHEN NOT {is_usable} THEN NULL "
        + " ".join(f"WHEN {condition} THEN {sql.text(label)}" for label, condition in conditions.items())
        + " END"
        for name, conditions in (("gold", golds), ("predicted", predictions))
    }


def _count_true(conditions: Iterable[str]) -> str:
    return f"list_sum([{', '.join(f'{condition}::UTINYINT' for condition in conditions)}])"


def _column_names(names: Iterable[str]) -> dict[str, str]:
    """A column for each name. DuckDB takes two that differ in case only for one, so the second gets another name."""
    columns: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        column = name
        while column.lower() in taken:
            column = escaped(column) if column == name and escaped(name) != name else f"{column}^"
        columns[name] = column
        taken.add(column.lower())
    return columns
