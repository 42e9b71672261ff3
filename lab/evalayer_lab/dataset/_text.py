"""Text files of any encoding."""

from __future__ import annotations

import codecs
import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from decimal import Decimal
from io import TextIOWrapper
from typing import Final, TextIO

import orjson

from evalayer_lab.dataset._lines import MAX_LINE_BYTES, open_file
from evalayer_lab.inputs import InputError, reading

_MARKS: Final = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@contextmanager
def open_text(path: str, encoding: str | None) -> Iterator[TextIO]:
    """Open a text file; without an encoding it is UTF-8, or what its byte order mark says.

    Raises:
        InputError: it cannot be read, or there is no such encoding.
    """
    with open_file(path) as file:
        try:
            if encoding is None:
                with reading(path):
                    start = file.peek(4)
                encoding = next((name for mark, name in _MARKS.items() if start.startswith(mark)), "utf-8")
            text = TextIOWrapper(file, encoding=encoding, newline="")
        except (LookupError, ValueError) as error:  # ValueError: a name that no encoding can have
            raise InputError(f"there is no encoding {encoding!r}", path=path) from error
        with text:
            yield text


def bounded_lines(file: TextIO, path: str) -> Iterator[str]:
    """Yield the lines of a text file.

    Raises:
        InputError: a line is longer than the limit, or not of the file's encoding.
    """
    number = 0
    while True:
        number += 1
        try:
            with reading(path):
                line = file.readline(MAX_LINE_BYTES)
        except UnicodeError as error:
            raise wrong_encoding(file, path, number) from error
        if len(line) >= MAX_LINE_BYTES:
            raise InputError(f"longer than {MAX_LINE_BYTES // 2**20} MiB", path=path, line=number)
        if not line:
            return
        yield line


def wrong_encoding(file: TextIO, path: str, line: int) -> InputError:
    """The error of a text file that is not what it was opened as, about a line."""
    return InputError(
        f"is not {file.encoding} from about line {line:,} on; give its --encoding, such as cp1252", path=path
    )


_BROKEN: Final = "has half of a character (\\ud800 to \\udfff), which is valid in pairs only"


class UnusableCell(ValueError):
    """A cell that cannot be written; the message says why."""


def as_text(value: object) -> str | None:
    """A cell as text: None for nothing; numbers, lists and objects as JSON; times and decimals as they are written.

    Raises:
        UnusableCell: binary data, a number that JSON does not have, or a broken character.
    """
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise UnusableCell(_BROKEN) from error
        return value
    if value is None:
        return None
    if isinstance(value, Decimal | date | datetime | time):
        return value.isoformat() if not isinstance(value, Decimal) else str(value)
    return to_json(value).decode()


def to_json(value: object) -> bytes:
    """A value as one line of JSON.

    Raises:
        UnusableCell: as for `as_text`.
    """
    try:
        return orjson.dumps(_plain(value))
    except (orjson.JSONEncodeError, RecursionError) as error:
        reason = str(error)
        raise UnusableCell(_BROKEN if "surrogates" in reason else reason) from error


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise UnusableCell("is not a finite number")
    if isinstance(value, bytes | memoryview):
        raise UnusableCell("is binary data, not text")
    if isinstance(value, Decimal):
        return str(value)
    return value
