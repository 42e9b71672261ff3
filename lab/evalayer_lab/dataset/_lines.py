"""The lines of a JSON Lines file, one at a time and never longer than a limit."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from evalayer_lab._errors import InputError
from evalayer_lab.dataset._problem import Reporter

MAX_LINE_BYTES: Final = 16 * 1024 * 1024
_CHUNK: Final = 1024 * 1024


def read_lines(reporter: Reporter) -> Iterator[tuple[int, str]]:
    """Yield number (from 1) and text of every line that holds something.

    Blank lines and a byte order mark are reported as warnings, lines that are too long or not UTF-8 as errors.

    Raises:
        InputError: the file cannot be read, is not UTF-8 text at all, or has no line that holds something.
    """
    path = reporter.path
    try:
        with Path(path).open("rb") as file:
            yield from _lines(file, reporter)
    except (OSError, ValueError) as error:  # ValueError: a path that no file can have
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"cannot be read: {reason}", path=path) from error


def _lines(file: BinaryIO, reporter: Reporter) -> Iterator[tuple[int, str]]:
    number = 0
    is_empty = True
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if number == 1:
            line = _without_mark(line, reporter)
        if len(line) > MAX_LINE_BYTES:
            is_empty = False
            _skip_rest(file, line)
            reporter.error(number, None, f"longer than {MAX_LINE_BYTES // 2**20} MiB; one row per line")
            continue
        try:
            text = line.decode().rstrip("\r\n")
        except UnicodeDecodeError as error:
            is_empty = False
            reporter.error(number, None, f"not UTF-8: byte {error.start + 1} of the line; save the file as UTF-8")
            continue
        if text and not text.isspace():
            is_empty = False
            yield number, text
        else:
            reporter.warning(number, None, "blank line, ignored")
    if is_empty:
        raise InputError("has no rows", path=reporter.path)


def _without_mark(line: bytes, reporter: Reporter) -> bytes:
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InputError("is UTF-16; save it as UTF-8", path=reporter.path)
    if line.startswith(codecs.BOM_UTF8):
        reporter.warning(1, None, "begins with a byte order mark; save the file as UTF-8 without one")
        return line.removeprefix(codecs.BOM_UTF8)
    return line


def _skip_rest(file: BinaryIO, line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = file.readline(_CHUNK)
