"""Tables of every format, as rows one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from evalayer_lab.dataset._arrow import arrow_rows, folder_files, parquet_rows
from evalayer_lab.dataset._csv import csv_rows
from evalayer_lab.dataset._findings import Reporter
from evalayer_lab.dataset._json import json_rows, jsonl_rows
from evalayer_lab.dataset._lines import open_file, refuse_other_formats
from evalayer_lab.inputs import InputError

Format: TypeAlias = Literal["csv", "tsv", "jsonl", "json", "parquet", "arrow"]
SUFFIXES: Final[Mapping[str, Format]] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
}


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A row of a table: the file, the line in it (or the row, in a file without lines), and the cells by column."""

    path: str
    line: int
    cells: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """A table to read.

    Attributes:
        path: a file, or a folder that holds a dataset.
        format: of the file; None to go by its name.
        encoding: of a text file; None for UTF-8, or what its byte order mark says.
        delimiter: between the fields of a CSV file; None to go by its header.
        split: which split of a folder that has several.
    """

    path: str
    format: Format | None = None
    encoding: str | None = None
    delimiter: str | None = None
    split: str | None = None


def read_source(source: Source, reporter: Reporter) -> Iterator[SourceRow]:
    """Yield the rows of a table; those that are not rows are reported and left out.

    Raises:
        InputError: the file cannot be read or its format is not known; in strict mode also for the first bad row.
    """
    path = source.path
    if Path(path).is_dir():
        files, kind = folder_files(Path(path), source.split)
        for file in files:
            for number, cells in (parquet_rows if kind == "parquet" else arrow_rows)(str(file)):
                yield SourceRow(str(file), number, cells)
        return
    if source.split:
        raise InputError("is a file and has no splits; leave --split out", path=path)
    for number, cells in _file_rows(source, source.format or _format(path), reporter):
        yield SourceRow(path, number, cells)


def _file_rows(source: Source, kind: Format, reporter: Reporter) -> Iterator[tuple[int, Mapping[str, Any]]]:
    match kind:
        case "csv" | "tsv":
            return csv_rows(reporter, source.encoding, "\t" if kind == "tsv" else source.delimiter)
        case "jsonl":
            return jsonl_rows(reporter)
        case "json":
            return json_rows(reporter, source.encoding)
        case "parquet":
            return parquet_rows(source.path)
        case "arrow":
            return arrow_rows(source.path)


def _format(path: str) -> Format:
    known = SUFFIXES.get(Path(path).suffix.lower())
    if known is None:
        with open_file(path) as file:  # a file that is not there is said to be so
            refuse_other_formats(file.read(8), path)
        formats = ", ".join(sorted(set(SUFFIXES.values())))
        raise InputError(f"does not tell its format by its name; give --format: {formats}", path=path)
    return known
