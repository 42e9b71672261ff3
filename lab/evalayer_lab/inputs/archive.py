"""Unpacking a tar archive that nobody vouches for."""

from __future__ import annotations

import gzip
import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Final, NoReturn

from evalayer_lab.inputs._errors import InputError, reading

_BLOCK: Final = tarfile.BLOCKSIZE
_CHUNK: Final = 1 << 20
_MAX_HEADER: Final = 1 << 20  # of a long name, or of a pax record
_MAX_NAME: Final = 1024
_MAX_PART: Final = 255
_FREE_RATIO: Final = 1 << 28  # below this size no archive is a bomb
_MAX_RATIO: Final = 200
_PAX_LENGTH: Final = re.compile(rb"([0-9]{1,7}) ")
_FILES: Final = {tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE}
_PAX: Final = {tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE}
_KINDS: Final[Mapping[bytes, str]] = {
    tarfile.LNKTYPE: "a hard link",
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.GNUTYPE_LONGLINK: "a link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a named pipe",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
}


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    parts: tuple[str, ...]
    size: int
    is_folder: bool


def unpack(archive: Path, into: Path, *, max_bytes: int = 32 << 30, max_members: int = 100_000) -> list[Path]:
    """Unpack a tar archive, plain or gzipped, into a new folder.

    Only files and folders are written, and only below `into`; owners and modes are not taken over. It is unpacked
    beside `into` and then renamed, so there is a whole tree or none. Memory does not grow with the archive.

    Args:
        archive: the tar or tar.gz file.
        into: the folder to make; it may exist if it is empty.
        max_bytes: the most bytes that the archive may hold, uncompressed.
        max_members: the most members that it may have, and the most folders that these may need.

    Returns:
        The files, in the order of the archive.

    Raises:
        InputError: the archive cannot be read, is damaged or cut off, has data after its end, is not a tar, is larger
            than allowed or expands more than 200-fold, or has a member that is a link or a device, is there twice, or
            has a name that leaves the folder or cannot be a file's; `into` holds something or cannot be written. It
            names the member.
    """
    try:
        if into.is_dir() and any(into.iterdir()):
            raise InputError("exists already and is not empty; give another folder", path=into)
        into.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=into.parent, prefix=f".{into.name[:50]}-") as holder:
            tree = Path(holder, "tree")
            tree.mkdir()
            files = _unpack_tree(archive, tree, max_bytes, max_members)
            if into.is_dir():
                into.rmdir()
            tree.rename(into)
    except OSError as error:
        raise InputError(f"cannot be unpacked into: {error.strerror or error}", path=into) from error
    return [into / file for file in files]


def _unpack_tree(archive: Path, tree: Path, max_bytes: int, max_members: int) -> list[Path]:
    with reading(archive):
        file = archive.open("rb")
    with file:
        content = _Content(archive, file, max_bytes)
        files: list[Path] = []
        folders: set[int] = set()  # hashes: a deep name has as many folders as bytes
        for number, member in enumerate(_members(content), start=1):
            folders.update(hash(member.parts[:depth]) for depth in range(1, len(member.parts)))
            if number > max_members or len(folders) > max_members:
                content.fail(f"has more than {max_members:,} members, or folders for them")
            if _write(content, member, tree):
                files.append(Path(*member.parts))
        content.drain()
    return files


def _write(content: _Content, member: _Member, tree: Path) -> bool:
    """Write one member; tell whether it is a file."""
    target = tree.joinpath(*member.parts)
    try:
        if member.is_folder:
            target.mkdir(parents=True, exist_ok=True)
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        out = target.open("xb")
    except (FileExistsError, IsADirectoryError, NotADirectoryError):
        content.fail("is in the archive twice, or as a file and as a folder", member.name)
    with out:
        for chunk in content.read(member.size, member.name):
            out.write(chunk)
    content.skip(-member.size % _BLOCK, member.name)
    return True


def _members(content: _Content) -> Iterator[_Member]:
    """Read the headers. Each member's data has to be read before the next one is asked for."""
    name: str | None = None
    size: int | None = None
    while (block := content.block()) is not None:
        header = _header(content, block)
        if header.type in _PAX or header.type == tarfile.GNUTYPE_LONGNAME:
            data = content.small(header)
            if header.type == tarfile.GNUTYPE_LONGNAME:
                name = _text(content, data.rstrip(b"\0"))
                continue
            records = _pax(content, data)
            if any(key.startswith("GNU.sparse.") for key in records):
                content.fail("is a sparse file, which is not unpacked", records.get("path") or header.name)
            if header.type == tarfile.XGLTYPE:
                if records.keys() & {"path", "size"}:
                    content.fail("sets one path or size for all of its members")
                continue
            name = records.get("path", name)
            if "size" in records:
                size = int(records["size"]) if re.fullmatch("[0-9]{1,18}", records["size"], re.ASCII) else -1
            continue
        shown = header.name if name is None else name
        if header.type not in _FILES and header.type != tarfile.DIRTYPE:
            content.fail(
                f"is {_KINDS.get(header.type, 'of an unknown type')}; only files and folders are unpacked", shown
            )
        is_folder = header.type == tarfile.DIRTYPE or (header.type == tarfile.AREGTYPE and shown.endswith("/"))
        length = header.size if size is None else size
        if length < 0:
            content.fail("has an invalid size", shown)
        try:
            parts = split_name(shown)
        except ValueError as error:
            content.fail(str(error), shown)
        if not parts and not is_folder:
            content.fail("has a name that no file can have", shown)
        yield _Member(shown, parts, 0 if is_folder else length, is_folder)
        name = size = None
    if name is not None:
        content.fail("names a member that does not follow", name)


def _header(content: _Content, block: bytes) -> tarfile.TarInfo:
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        if content.position == _BLOCK:
            content.fail("is not a tar archive, plain or gzipped")
        content.fail(f"is damaged: {error}, at byte {content.position - _BLOCK:,} of its content")


def _pax(content: _Content, data: bytes) -> dict[str, str]:
    """Parse pax records, each `<length> <key>=<value>` and a line feed, where the length counts the whole record."""
    records: dict[str, str] = {}
    data, start = data.rstrip(b"\0"), 0
    while start < len(data):
        found = _PAX_LENGTH.match(data, start)
        end = start + int(found[1]) if found else start
        record = data[found.end() : end] if found else b""
        key, equals, value = record.partition(b"=")
        if not (equals and value.endswith(b"\n") and end <= len(data)):
            content.fail("is damaged: a pax record cannot be read")
        if key in {b"path", b"size"} or key.startswith(b"GNU.sparse."):
            records[key.decode("ascii", "replace")] = _text(content, value[:-1])
        start = end
    return records


def _text(content: _Content, name: bytes) -> str:
    text = name.decode("utf-8", "surrogateescape")
    if not text:
        content.fail("has a member without a name")
    return text


def split_name(name: str) -> tuple[str, ...]:
    """Split the name that a stranger gave a file, with slashes. It has to stay below its folder on every system.

    >>> split_name("./run/eval_results//results.json")
    ('run', 'eval_results', 'results.json')

    Raises:
        ValueError: it does not, or cannot be a file's name; the message reads behind the name.
    """
    if not name.isprintable():  # NUL, control characters, bytes that are not UTF-8
        raise ValueError("has a name with a character that cannot be printed")
    if name.startswith("/") or "\\" in name or re.match("[A-Za-z]:", name):
        raise ValueError("has an absolute name, or one for Windows; names must be relative, with slashes")
    parts = tuple(part for part in name.split("/") if part not in {"", "."})
    if ".." in parts:
        raise ValueError("has a name that leads out of the folder")
    if len(name.encode()) > _MAX_NAME or any(len(part.encode()) > _MAX_PART for part in parts):
        raise ValueError(f"has a name longer than {_MAX_NAME} bytes, or than {_MAX_PART} between slashes")
    return parts


class _Content:
    """The uncompressed bytes of an archive, read once, in order, and no more than allowed.

    Attributes:
        position: the bytes read so far.
    """

    def __init__(self, archive: Path, file: IO[bytes], max_bytes: int) -> None:
        self.position = 0
        self._archive = archive
        self._max_bytes = max_bytes
        self._file = file
        compressed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        self._source: IO[bytes] | gzip.GzipFile = gzip.GzipFile(fileobj=file, mode="rb") if compressed else file

    def fail(self, reason: str, member: str | None = None) -> NoReturn:
        """Refuse the archive because of a member, or as a whole."""
        if member is not None:
            member = member if len(member) <= 100 else f"{member[:100]}…"
            member = member if member.isprintable() else ascii(member)
        raise InputError(reason, path=self._archive, field=member)

    def block(self) -> bytes | None:
        """Read the next header; None at the end of the archive."""
        block = self._take(_BLOCK)
        if not block and not self.position:
            self.fail("is empty")
        if len(block) < _BLOCK:
            if self.position < _BLOCK:
                self.fail("is not a tar archive, plain or gzipped")
            self.fail("is cut off: the end of the archive is missing")
        return None if block.count(0) == _BLOCK else block

    def read(self, size: int, member: str) -> Iterator[bytes]:
        """Read the data of a member in pieces."""
        if self.position + size > self._max_bytes:
            self.fail(f"is too large: with it, the archive would have more than {self._max_bytes:,} bytes", member)
        while size:
            chunk = self._take(min(size, _CHUNK), member)
            if not chunk:
                self.fail("is cut off: the archive ends within it", member)
            size -= len(chunk)
            yield chunk

    def small(self, header: tarfile.TarInfo) -> bytes:
        """Read the data of a header that describes another member."""
        if not 0 <= header.size <= _MAX_HEADER:
            self.fail(f"is a header of {header.size:,} bytes; the limit is {_MAX_HEADER:,}", header.name)
        data = b"".join(self.read(header.size, header.name))
        self.skip(-header.size % _BLOCK, header.name)
        return data

    def skip(self, size: int, member: str) -> None:
        """Read over the padding behind a member."""
        for _ in self.read(size, member):
            pass

    def drain(self) -> None:
        """Read what follows the end: nothing but zeros, and the checksum at the very end of a gzip file."""
        while data := self._take(_CHUNK):
            if data.count(0) != len(data):
                self.fail("has data after its end; is it two archives in one file?")

    def _take(self, size: int, member: str | None = None) -> bytes:
        try:
            data = self._source.read(size)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            self.fail(f"is damaged or cut off: {error}", member)
        except OSError as error:
            self.fail(f"cannot be read: {error.strerror or error}", member)
        self.position += len(data)
        if self.position > self._max_bytes:
            self.fail(f"has more than {self._max_bytes:,} bytes uncompressed", member)
        if self.position > _FREE_RATIO and self.position > _MAX_RATIO * self._file.tell():
            self.fail(f"expands to more than {_MAX_RATIO} times its size, which the output of a job never does", member)
        return data
