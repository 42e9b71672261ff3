"""Rows of JSON files: an array of objects, objects one after another, or one on each line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, TextIO

from evalayer.contracts.custom_metrics import kind_of
from evalayer_lab.dataset._findings import Reporter
from evalayer_lab.dataset._lines import MAX_LINE_BYTES, read_lines
from evalayer_lab.dataset._text import open_text, wrong_encoding
from evalayer_lab.inputs import InputError, reading

_BLOCK: Final = 1024 * 1024
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_DECODER: Final = json.JSONDecoder()


def jsonl_rows(reporter: Reporter) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield line and object of each line of a JSON Lines file; lines that are not objects are reported.

    Raises:
        InputError: the file cannot be read.
    """
    for number, line in read_lines(reporter):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            reporter.error("json", number, None, f"not JSON: {_reason(error)}; a row is one object on one line")
            continue
        if isinstance(row, dict):
            yield number, row
        else:
            reporter.error("type", number, None, f"is {kind_of(row)}, not an object")


def json_rows(reporter: Reporter, encoding: str | None) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the objects of one array, or objects that stand one after another, and the lines that they begin on.

    Only one of them is held at a time.

    Raises:
        InputError: the file cannot be read or is not JSON.
    """
    path = reporter.path
    with open_text(path, encoding) as file:
        text = _Text(file, path)
        is_array = text.next() == "["
        if is_array:
            text.pass_by()
        while (start := text.next()) and not (is_array and start == "]"):
            line, row = text.line, text.value()
            if isinstance(row, dict):
                yield line, row
            else:
                reporter.error("type", line, None, f"is {kind_of(row)}, not an object")
            if is_array and text.next() not in {",", "]", ""}:
                raise InputError("not JSON: a comma is missing", path=path, line=text.line)
            if text.next() == ",":
                text.pass_by()
        if is_array and not start:
            raise InputError("not JSON: the array does not end", path=path, line=text.line)


class _Text:
    """The text of a file, read as far as it is needed."""

    def __init__(self, file: TextIO, path: str) -> None:
        self.line = 1
        self._file = file
        self._path = path
        self._text = ""
        self._at = 0

    def next(self) -> str:
        """The next character that is not white space; empty at the end."""
        while True:
            end = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]  # matches anywhere
            self._go_to(end)
            if end < len(self._text):
                return self._text[end]
            if not self._read():
                return ""

    def pass_by(self) -> None:
        """Go on to the character after the next."""
        self._go_to(self._at + 1)

    def value(self) -> Any:
        """The value that begins at the next character."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except (ValueError, RecursionError) as error:
                if isinstance(error, RecursionError) or not self._read():
                    raise InputError(f"not JSON: {_reason(error)}", path=self._path, line=self.line) from error
                continue
            if isinstance(value, dict) or end < len(self._text) or not self._read():  # a number may go on
                self._go_to(end)
                return value

    def _go_to(self, at: int) -> None:
        self.line += self._text.count("\n", self._at, at)
        self._at = at

    def _read(self) -> bool:
        rest = self._text[self._at :]
        if len(rest) > MAX_LINE_BYTES:
            raise InputError(f"longer than {MAX_LINE_BYTES // 2**20} MiB", path=self._path, line=self.line)
        try:
            with reading(self._path):
                block = self._file.read(max(_BLOCK, len(rest)))
        except UnicodeError as error:
            raise wrong_encoding(self._file, self._path, self.line) from error
        self._text, self._at = rest + block, 0
        return bool(block)


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.colno}"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)
