"""Files that are there as a whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike, fspath
from pathlib import Path
from typing import BinaryIO

from evalayer_lab.inputs import InputError, writing


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
