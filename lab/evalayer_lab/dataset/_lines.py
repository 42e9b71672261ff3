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
    with _open(reporter.path) as file:
        yield from _lines(file, reporter)


def _lines(file: BinaryIO, reporter: Reporter) -> Iterator[tuple[int, str]]:
    number = 0
    is_empty = True
    while line := _read(file, MAX_LINE_BYTES + 1, reporter.path):
        number += 1
        if len(line) > MAX_LINE_BYTES:
            is_empty = False
            while line and not line.endswith(b"\n"):
                line = _read(file, _CHUNK, reporter.path)
            reporter.error(number, None, f"longer than {MAX_LINE_BYTES // 2**20} MiB; one row per line")
            continue
        if number == 1:
            line = _without_mark(line, reporter)
        if not line or line.isspace():
            reporter.warning(number, None, "blank line, ignored")
            continue
        is_empty = False
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            reporter.error(number, None, f"not UTF-8: byte {error.start + 1} of the line; save the file as UTF-8")
        else:
            yield number, text.rstrip("\r\n")
    if is_empty:
        raise InputError("has no rows", path=reporter.path)


def _without_mark(line: bytes, reporter: Reporter) -> bytes:
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InputError("is UTF-16; save it as UTF-8", path=reporter.path)
    if line.startswith(codecs.BOM_UTF8):
        reporter.warning(1, None, "begins with a byte order mark; save the file as UTF-8 without one")
        return line.removeprefix(codecs.BOM_UTF8)
    return line


def _open(path: str) -> BinaryIO:
    try:
        return Path(path).open("rb")
    except (OSError, ValueError) as error:  # ValueError: a path that no file can have
        raise _unreadable(error, path) from error


def _read(file: BinaryIO, size: int, path: str) -> bytes:
    try:
        return file.readline(size)
    except OSError as error:
        raise _unreadable(error, path) from error


def _unreadable(error: Exception, path: str) -> InputError:
    return InputError(f"cannot be read: {getattr(error, 'strerror', None) or error}", path=path)
