"""A folder or a zip as a list of files."""

from __future__ import annotations

import os
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import IO, Final

from evalayer_lab.inputs import InputError

MAX_FILES: Final = 100_000
MAX_BYTES: Final = 4 * 262_144_000  # four times what Lambda accepts; beyond it nothing is worth reading
_MAX_DIRECTORY_BYTES: Final = 32 * 1024 * 1024
_END: Final = struct.Struct("<4s4H2LH")  # the end of central directory record, APPNOTE.TXT 4.3.16
_LARGEST_COMMENT: Final = 65_535
_DAMAGED: Final = (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error)
_METHODS: Final = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


@dataclass(frozen=True)
class Tree:
    """The files of a folder or a zip.

    Attributes:
        path: the folder or the zip.
        files: by path with forward slashes, the size in bytes, unzipped.
        zipped: the size of the zip in bytes; None for a folder.
        open: opens one of the files for reading.
    """

    path: Path
    files: Mapping[str, int]
    zipped: int | None
    open: Callable[[str], IO[bytes]]

    def read(self, name: str, most: int) -> bytes:
        """Read a file's first `most` bytes.

        Raises:
            InputError: it cannot be read.
        """
        try:
            with self.open(name) as file:
                return file.read(most)
        except _DAMAGED as error:
            raise InputError(f"{name!r} cannot be read: {error}", path=self.path) from error

    def copy(self, name: str, target: Path) -> None:
        """Copy a file, and make the folders that it needs.

        Raises:
            InputError: it cannot be read, or not be written there.
        """
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with self.open(name) as source, target.open("wb") as copy:
                shutil.copyfileobj(source, copy)
        except _DAMAGED as error:
            raise InputError(f"{name!r} cannot be unpacked: {error}", path=self.path) from error


@contextmanager
def open_tree(path: Path) -> Iterator[Tree]:
    """List the files of a folder or a zip.

    Links to folders, and links that lead out of the folder, are not followed.

    Raises:
        InputError: it is neither; or it is a zip that Lambda would refuse, that writes outside its folder, or whose
            files are more than 100,000 or together larger than four times what Lambda accepts.
    """
    if path.is_dir():
        yield Tree(path, _within_bounds(path, _files(path)), None, lambda name: (path / name).open("rb"))
        return
    if not path.is_file():
        raise InputError("there is no such folder or zip; run `sam build` first, or correct the path", path=path)
    with _opened(path) as archive:
        files = _within_bounds(path, _members(path, archive))
        yield Tree(path, files, path.stat().st_size, archive.open)


def as_folder(tree: Tree, folder: Path) -> Path:
    """Return a folder with the files of a tree: its own, or for a zip a new one that is made within `folder`.

    Raises:
        InputError: the zip is damaged.
    """
    if tree.zipped is None:
        return tree.path.resolve()
    target = Path(mkdtemp(dir=folder))
    for name in tree.files:
        tree.copy(name, target / name)
    return target


def _files(root: Path) -> Iterator[tuple[str, int]]:
    try:
        for folder, _, names in os.walk(root, onerror=_raise):
            for name in names:
                file = Path(folder, name)
                if file.is_symlink() and not file.resolve().is_relative_to(root.resolve()):
                    continue
                if file.is_file():
                    yield file.relative_to(root).as_posix(), file.stat().st_size
    except (OSError, RuntimeError) as error:  # RuntimeError: links that lead to each other
        raise InputError(f"cannot be read: {error}", path=root) from error


def _raise(error: OSError) -> None:
    raise error


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with path.open("rb") as file:
            _check_directory(path, file)
            archive = zipfile.ZipFile(file)
            with archive:
                yield archive
    except (OSError, EOFError, ValueError, struct.error, zipfile.BadZipFile, NotImplementedError) as error:
        raise InputError(f"is not a zip that can be read: {error}", path=path) from error


def _check_directory(path: Path, file: IO[bytes]) -> None:
    """Bound the list of files before `zipfile` reads it into memory."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _END.size - _LARGEST_COMMENT))
    tail = file.read()
    start = tail.rfind(b"PK\5\6")
    if start < 0 or len(tail) - start < _END.size:
        raise InputError("is not a zip: it does not end with the list of its files; was it cut off?", path=path)
    _, _, _, _, count, directory, offset, _ = _END.unpack_from(tail, start)
    if count == 0xFFFF or 0xFFFF_FFFF in {directory, offset}:
        raise InputError("is a zip64 archive, which no layer that Lambda accepts has to be; zip it again", path=path)
    if directory > _MAX_DIRECTORY_BYTES:
        raise InputError("has a list of files larger than 32 MiB; no layer has so many files", path=path)


def _members(path: Path, archive: zipfile.ZipFile) -> Iterator[tuple[str, int]]:
    seen: set[str] = set()
    for member in archive.infolist():
        name = member.orig_filename
        reason = _refused(member)
        if reason is None and member.filename in seen:
            reason = "is there twice"
        if reason is not None:
            raise InputError(f"{name!r} {reason}; build the zip again from a plain folder", path=path)
        if not member.is_dir():
            seen.add(member.filename)
            yield member.filename, member.file_size


def _refused(member: zipfile.ZipInfo) -> str | None:
    name = member.orig_filename
    parts = name.rstrip("/").split("/")
    if not name or "\0" in name or "\\" in name:
        return "is not a name that Linux and zip read alike"
    if name.startswith("/") or ":" in parts[0]:
        return "is an absolute path"
    if any(part in {"", ".", ".."} for part in parts):
        return "leads out of the folder it is unzipped in"
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind and not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):
        return "is a link or a special file"
    if member.flag_bits & 0x1:
        return "is encrypted"
    if member.compress_type not in _METHODS:
        return "is compressed in a way that Lambda does not read"
    return None


def _within_bounds(path: Path, found: Iterable[tuple[str, int]]) -> dict[str, int]:
    files: dict[str, int] = {}
    total = 0
    for name, size in found:
        files[name] = size
        total += size
        if len(files) > MAX_FILES:
            raise InputError(f"has more than {MAX_FILES:,} files; this is not a Lambda layer or function", path=path)
        if total > MAX_BYTES:
            raise InputError(
                f"is larger than {MAX_BYTES:,} bytes unzipped, four times what Lambda accepts for a function and all "
                "its layers; this is not a Lambda layer or function",
                path=path,
            )
    return dict(sorted(files.items()))
