"""What DuckDB needs told: names, texts and paths inside of SQL, and limits."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import duckdb

    Connection: TypeAlias = duckdb.DuckDBPyConnection


def name(text: str) -> str:
    """A name in double quotes."""
    return '"' + text.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text in single quotes."""
    return "'" + value.replace("'", "''") + "'"


def parquet(paths: Iterable[str | Path], options: str = "") -> str:
    """A table function that reads parquet files; no character of their names is a wildcard."""
    files = ", ".join(text(re.sub(r"([*?\[])", r"[\1]", str(path))) for path in paths)
    return f"read_parquet([{files}]{options})"


def connect(folder: Path | None = None, memory: str = "512MB") -> Connection:
    """A database in memory, which writes what does not fit to a folder."""
    import duckdb

    settings: dict[str, str | bool | int | float | list[str]] = {"preserve_insertion_order": True}
    if folder is not None:
        settings |= {"memory_limit": memory, "temp_directory": str(folder), "preserve_insertion_order": False}
    connection = duckdb.connect(":memory:", config=settings)
    quiet(connection)
    return connection


def quiet(connection: Connection) -> None:
    """Turn off the bar that DuckDB prints into what a command prints, where it is on: a notebook may not let it be."""
    if connection.execute("SELECT current_setting('enable_progress_bar')").fetchone() == (True,):
        connection.execute("SET enable_progress_bar = false")
