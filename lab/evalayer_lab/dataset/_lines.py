"""JSON Lines files: read a line at a time and never one longer than a limit; written as a whole or not at all."""

from __future__ import annotations

import codecs
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from os import PathLike, fspath
from pathlib import Path
from shlex import quote
from typing import BinaryIO, Final, TypeAlias

from evalayer_lab.dataset._findings import Reporter
from evalayer_lab.inputs import InputError, reading, writing

PROGRESS_ROWS: Final = 1000
MAX_LINE_BYTES: Final = 16 * 1024 * 1024
_BLOCK: Final = 64 * 1024
_CONVERT: Final = "evalayer dataset convert {path} --format %s --out converted/gen_qa.jsonl"
_OTHER_FORMATS: Final = {
    b"\x1f\x8b": "is gzip; unpack it first: gunzip {path}",
    b"PK\x03\x04": "is a zip archive, or a spreadsheet; unpack it, or save the sheet as CSV",
    b"\x28\xb5\x2f\xfd": "is zstandard; unpack it first",
    b"BZh": "is bzip2; unpack it first",
    b"\xfd7zXZ": "is xz; unpack it first",
    b"PAR1": f"is Parquet; convert it: {_CONVERT % 'parquet'}",
    b"ARROW1": f"is Arrow; convert it: {_CONVERT % 'arrow'}",
    codecs.BOM_UTF16_LE: "is UTF-16; save it as UTF-8",
    codecs.BOM_UTF16_BE: "is UTF-16; save it as UTF-8",
}

Span: TypeAlias = tuple[int, int]  # the bytes from the first up to the second, lines as a whole
WHOLE: Final[Span] = (0, sys.maxsize)


class LineReader:
    """The lines of a file, or of a part of it, that hold something: their numbers, from 1, and their bytes.

    Blank lines and a byte order mark are reported as warnings, lines that are too long as errors. Iterating raises
    InputError where the file cannot be read, or is of another format altogether.

    Args:
        reporter: where findings go.
        span: the part to read; only at the file's start is its format looked at.

    Attributes:
        lines: the number of lines so far, blank ones too.
        rows: the number of those that are not blank.
    """

    def __init__(self, reporter: Reporter, span: Span = WHOLE) -> None:
        self.lines = 0
        self.rows = 0
        self._reporter = reporter
        self._start, self._stop = span

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        path = self._reporter.path
        with open_file(path) as file:
            if self._start:
                file.seek(self._start)
            for line in _lines(file, path, self._stop - self._start):
                self.lines += 1
                if self.lines == 1 and not self._start and line is not None:
                    line = self._without_mark(line)  # noqa: PLW2901 (the mark is not part of the line)
                if line is not None and (not line or line.isspace()):
                    self._reporter.warning("blank-line", self.lines, None, "blank line, ignored")
                    continue
                self.rows += 1
                if line is None:
                    reason = f"longer than {MAX_LINE_BYTES // 2**20} MiB; one row per line"
                    self._reporter.error("length", self.lines, None, reason)
                    continue
                if self.rows == 1 and not self._start:
                    _refuse_document(line.strip(), path)
                yield self.lines, line

    def _without_mark(self, line: bytes) -> bytes:
        refuse_other_formats(line, self._reporter.path)
        if line.startswith(codecs.BOM_UTF8):
            reason = "begins with a byte order mark; save the file as UTF-8 without one"
            self._reporter.warning("byte-order-mark", 1, None, reason)
            return line.removeprefix(codecs.BOM_UTF8)
        return line


def read_lines(reporter: Reporter) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a whole file that hold something, as a `LineReader` does.

    Raises:
        InputError: the file cannot be read, is of another format, or has no line that holds something.
    """
    reader = LineReader(reporter)
    yield from reader
    refuse_empty(reader.rows, reporter.path)


def refuse_other_formats(start: bytes, path: str) -> None:
    """Raise InputError if a file that begins like this is an archive, or a table of bytes."""
    for mark, reason in _OTHER_FORMATS.items():
        if start.startswith(mark):
            raise InputError(reason.format(path=quote(path)), path=path)


def refuse_empty(rows: int, path: str) -> None:
    """Raise InputError if there are no rows."""
    if not rows:
        raise InputError("has no rows", path=path)


def refuse_unrepeatable(path: str, way_out: str) -> None:
    """Raise InputError about a pipe or a device."""
    if Path(path).exists() and not Path(path).is_file() and not Path(path).is_dir():
        raise InputError(f"is not a file that can be read twice; {way_out}", path=path)


def split_file(path: str, size: int) -> Iterator[Span]:
    """Yield spans of a file, one after another, each of at least `size` bytes and ending after a newline."""
    with open_file(path) as file:
        start = 0
        while True:
            file.seek(start + size)
            while (block := _read(file, _BLOCK, path)) and b"\n" not in block:
                pass
            stop = file.tell() - len(block) + block.find(b"\n") + 1
            if not block:
                yield start, sys.maxsize
                return
            yield start, stop
            start = stop


def open_file(path: str) -> BufferedReader:
    """Open a file to read its bytes.

    Raises:
        InputError: it cannot be opened.
    """
    try:
        with reading(path):
            return Path(path).open("rb")
    except ValueError as error:  # a path that no file can have
        raise InputError(f"cannot be read: {error}", path=path) from error


def _lines(file: BufferedReader, path: str, remaining: int) -> Iterator[bytes | None]:
    """Yield every line without its newline, and None for one that is too long."""
    parts: list[bytes] = []  # of the line that goes on in the next block
    size = 0
    while block := _read(file, min(_BLOCK, remaining), path):
        remaining -= len(block)
        first, *others = block.split(b"\n")
        size += len(first)
        if size <= MAX_LINE_BYTES:
            parts.append(first)
        else:
            parts.clear()
        if others:
            yield b"".join(parts) if size <= MAX_LINE_BYTES else None
            *whole, last = others
            yield from whole
            parts, size = [last], len(last)
    if size:
        yield b"".join(parts) if size <= MAX_LINE_BYTES else None


def _refuse_document(line: bytes, path: str) -> None:
    """Raise InputError if a file's first line that holds something begins one JSON document, or a table."""
    suffix = Path(path).suffix.lower()
    if line == b"{":
        kind, table = "a JSON object over many lines", "json"
    elif line.startswith(b"[") and _is_table(line):
        kind, table = "a JSON array", "json"
    elif suffix in {".csv", ".tsv"} and not line.startswith(b"{"):
        kind, table = suffix[1:].upper(), suffix[1:]
    else:
        return
    way_out = (_CONVERT % table).format(path=quote(path))
    raise InputError(f"is {kind}, not one object per line; convert it: {way_out}", path=path)


def _is_table(line: bytes) -> bool:
    """Whether a line that begins a list begins a list of objects, as far as it shows."""
    try:
        rows = json.loads(line)
    except RecursionError:
        return False
    except ValueError:
        return line == b"[" or line[1:].lstrip().startswith(b"{")
    return bool(rows) and isinstance(rows[0], dict)


def _read(file: BufferedReader, size: int, path: str) -> bytes:
    with reading(path):
        return file.read(size)


@contextmanager
def new_file(path: str | PathLike[str], *, overwrite: bool) -> Iterator[BinaryIO]:
    """Write a file beside its place, in a folder made for it if need be, and move it there at the end.

    After an error nothing is left of the file. Where the name is a link, the file that it leads to is written.

    Raises:
        InputError: there is such a file already and it may not be overwritten, or it cannot be written.
    """
    name = fspath(path)
    try:
        with writing(name):
            place = Path(name).resolve()
    except (RuntimeError, ValueError) as error:  # a link that leads to itself, a path that no file can have
        raise InputError(f"cannot be written: {error}", path=name) from error
    if place.exists() and not place.is_file():
        raise InputError("is a folder, a device or a pipe; name a file to write", path=name)
    if place.exists() and not overwrite:
        raise _is_there(name)
    with writing(name):
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
    written = Path(temporary)
    try:
        with writing(name):
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            written.chmod(0o666 & ~_umask())
            if not overwrite and place.exists():
                raise _is_there(name)
            written.replace(place)
    finally:
        written.unlink(missing_ok=True)


def _is_there(path: str) -> InputError:
    return InputError("is there already; give another name, or --overwrite", path=path)


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
