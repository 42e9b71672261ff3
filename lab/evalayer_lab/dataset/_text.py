"""Text files of any encoding."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Final, TextIO

from evalayer_lab._errors import InputError
from evalayer_lab.dataset._lines import MAX_LINE_BYTES, open_file, unreadable

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
                start = file.peek(4)
                encoding = next((name for mark, name in _MARKS.items() if start.startswith(mark)), "utf-8")
            text = TextIOWrapper(file, encoding=encoding, newline="")
        except (LookupError, ValueError) as error:  # ValueError: a name that no encoding can have
            raise InputError(f"there is no encoding {encoding!r}", path=path) from error
        except OSError as error:
            raise unreadable(error, path) from error
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
            line = file.readline(MAX_LINE_BYTES)
        except UnicodeError as error:
            raise wrong_encoding(file, path, number) from error
        except OSError as error:
            raise unreadable(error, path) from error
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
