"""The errors of the lab.

The tree, of which all but the first are made here or in the room that is named:

    evalayer.EvalayerError
    ├── InputError               something the user gave cannot be used
    │   └── aws.AwsError         AWS refused, or could not be asked
    ├── function.InvalidResponse a function's answer that the evaluation container would refuse
    └── function.FunctionFailed  a function raised, ended its process, or ran out of time
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike, fsencode, fspath

from evalayer import EvalayerError


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands, as far as that is known; written as `path:line: field`.

    Attributes:
        path: the file, or another name of what was examined.
        line: the line, from 1; in a file without lines, such as Parquet, the row.
        field: the field of the line or document, such as `images[0].data`.
    """

    path: str | None = None
    line: int | None = None
    field: str | None = None

    def __str__(self) -> str:
        file = self.path or ""
        if self.line is not None:
            file = f"{file}:{self.line}" if file else f"line {self.line}"
        return ": ".join(part for part in (file, self.field) if part)

    def error(self, reason: str) -> InputError:
        """An error about what stands here."""
        return InputError(reason, path=self.path, line=self.line, field=self.field)


class InputError(EvalayerError):
    """Something the user gave cannot be used.

    The message reads `path:line: field: reason`, as far as these are known.

    Attributes:
        path: the file.
        line: its line, from 1.
        field: the field of the line or document.
        reason: what is wrong and what to do.
    """

    def __init__(
        self,
        reason: str,
        *,
        path: str | PathLike[str] | None = None,
        line: int | None = None,
        field: str | None = None,
    ) -> None:
        self.path = None if path is None else fspath(path)
        self.line = line
        self.field = field
        self.reason = reason
        place = str(Place(self.path, line, field))
        super().__init__(f"{place}: {reason}" if place else reason)


@contextmanager
def reading(path: str | PathLike[str]) -> Iterator[None]:
    """Make an `InputError` of what the operating system says when a file is read within.

    Raises:
        InputError: the file cannot be read.
    """
    with _telling("read", path):
        yield


@contextmanager
def writing(path: str | PathLike[str]) -> Iterator[None]:
    """Make an `InputError` of what the operating system says when a file is written within.

    Raises:
        InputError: the file cannot be written.
    """
    with _telling("written", path):
        yield


@contextmanager
def _telling(done: str, path: str | PathLike[str]) -> Iterator[None]:
    try:
        is_possible = b"\0" not in fsencode(path)
    except UnicodeEncodeError:
        is_possible = False
    if not is_possible:
        raise InputError(f"cannot be {done}: no file can have this name", path=path)
    try:
        yield
    except OSError as error:
        raise InputError(f"cannot be {done}: {error.strerror or error}", path=path) from error
