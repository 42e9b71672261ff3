"""Rows of CSV and TSV files."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from evalayer_lab.dataset._findings import Reporter, shown
from evalayer_lab.dataset._lines import MAX_LINE_BYTES
from evalayer_lab.dataset._text import bounded_lines, open_text
from evalayer_lab.inputs import InputError

DELIMITERS: Final = ",;\t|"


def csv_rows(
    reporter: Reporter, encoding: str | None, delimiter: str | None
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the line that each row begins on and its cells, all text; those that are not rows are reported.

    Args:
        reporter: where findings go, and which file it is.
        encoding: None for UTF-8, or what the byte order mark says.
        delimiter: None to take the most frequent in the header.

    Raises:
        InputError: the file cannot be read, or has no header.
    """
    path = reporter.path
    with open_text(path, encoding) as file, _field_limit(MAX_LINE_BYTES):
        lines = bounded_lines(file, path)
        header_line = next(lines, "")
        if not header_line.strip():
            raise InputError("has no header; the first line names the columns", path=path, line=1)
        delimiter = delimiter or max(DELIMITERS, key=header_line.count)

        def with_header() -> Iterator[str]:
            yield header_line
            yield from lines

        reader = csv.reader(with_header(), delimiter=delimiter, strict=True)
        header: list[str] | None = None
        while True:
            line = reader.line_num + 1
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if header is None or "field limit" in str(error):
                    raise InputError(f"not CSV: {error}; is a quote never closed?", path=path, line=line) from error
                is_cut_off = "unexpected end" in str(error)
                cut_off = "a quote in this row is never closed, so all that follows is left out"
                reporter.error("csv", line, None, cut_off if is_cut_off else f"not CSV: {error}")
                continue
            if header is None:
                header = fields
                _refuse_repeated(header, path)
            elif len(fields) == len(header):
                yield line, dict(zip(header, fields, strict=True))
            elif fields:
                number = f"{len(fields)} field{'' if len(fields) == 1 else 's'}"
                reporter.error("csv", line, None, f"has {number}, the header has {len(header)}")


def _refuse_repeated(header: list[str], path: str) -> None:
    repeated = next((name for name in header if header.count(name) > 1), None)
    if repeated is not None:
        raise InputError(f"two columns are called {shown(repeated)}", path=path, line=1)


@contextmanager
def _field_limit(characters: int) -> Iterator[None]:
    before = csv.field_size_limit(characters)
    try:
        yield
    finally:
        csv.field_size_limit(before)
