"""The folder beside the output that keeps what was read, in columns; it can be deleted at any time."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import uuid4

from evalayer_lab.inputs import InputError, reading
from evalayer_lab.output import CACHE

_INDEX: Final = "index.json"
_VERSION: Final = 2
_SETTLED: Final = 2_000_000_000  # nanoseconds: a file changed this shortly before may change again unseen
_MAX_INDEX: Final = 64 << 20


class _Entry(NamedTuple):
    size: int  # bytes
    changed: int  # nanoseconds since the epoch
    touched: int  # likewise: of the file or what is known of it, which no program can set
    hashed: int  # likewise
    digest: str


def hash_files(root: Path, files: Sequence[Path], store: Path | None) -> dict[Path, str]:
    """The SHA-256 of each file.

    As in an index of git, a hash that was recorded for the same path, size and times of change is trusted, unless the
    file was so young then that a later change could have left its times as they were.

    Args:
        root: a folder above the files.
        files: the files.
        store: the folder that keeps the recorded hashes; None to record nothing.

    Raises:
        InputError: a file cannot be read.
    """
    known = {} if store is None else _read_index(store / _INDEX)
    hashed: dict[Path, str] = {}
    record: dict[str, _Entry] = {}
    now = time.time_ns()
    for file in files:
        name = str(file.relative_to(root))
        with reading(file):
            before = file.stat()
        entry = known.get(name)
        if (
            entry is None
            or entry[:3] != (before.st_size, before.st_mtime_ns, before.st_ctime_ns)
            or entry.changed + _SETTLED >= entry.hashed
        ):
            entry = _Entry(before.st_size, before.st_mtime_ns, before.st_ctime_ns, now, hash_file(file))
        record[name] = entry
        hashed[file] = entry.digest
    if store is not None and record != known:
        write_json(store / _INDEX, {"version": _VERSION, "files": record})
    return hashed


def hash_file(path: Path) -> str:
    """The SHA-256 of a file's content.

    Raises:
        InputError: it cannot be read.
    """
    with reading(path), path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def read_signature(path: Path) -> tuple[int, int]:
    """The size in bytes and the time of change in nanoseconds of a file.

    Raises:
        InputError: it cannot be read.
    """
    with reading(path):
        found = path.stat()
    return found.st_size, found.st_mtime_ns


def write_json(path: Path, document: object) -> None:
    """Write a file so that a reader sees the old one or the new one; if it cannot be written, nothing happens."""
    draft = path.with_name(f".{path.name}-{uuid4().hex}")
    try:
        draft.write_text(json.dumps(document), encoding="ascii")
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)


def _read_index(path: Path) -> dict[str, _Entry]:
    try:
        if path.stat().st_size > _MAX_INDEX:
            return {}
        document = json.loads(path.read_bytes())
        if document["version"] != _VERSION:
            return {}
        return {
            str(name): _Entry(int(size), int(changed), int(touched), int(hashed), str(digest))
            for name, (size, changed, touched, hashed, digest) in document["files"].items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


VERSION: Final = 2
ROWS: Final = "rows.parquet"
_MANIFEST: Final = "manifest.json"
_MAX_MANIFEST: Final = 64 << 20
_KEPT: Final = 8
_UNUSED: Final = 86_400  # seconds
_OWN: Final = re.compile(r"\..+-[0-9a-f]{32}|[0-9a-f]{32}|unpacked-[0-9a-f]{16}")


def find_store(folder: Path) -> Path | None:
    """The folder to keep things in: `.evalayer` in the given one, or one for temporary files if that cannot be written.

    None if neither can.
    """
    beside = folder / CACHE
    if _is_writable(beside):
        return beside
    own = private_folder()
    aside = own / blake2b(os.fsencode(folder.resolve()), digest_size=16).hexdigest() if own else None
    return aside if aside and _is_writable(aside) else None


def private_folder() -> Path | None:
    """A folder for temporary files that nobody else can write to; None if there cannot be one."""
    own = Path(tempfile.gettempdir(), f"evalayer-{os.getuid() if hasattr(os, 'getuid') else 'cache'}")
    try:
        own.mkdir(mode=0o700, exist_ok=True)
        found = own.lstat()
    except OSError:
        return None
    is_own = not hasattr(os, "getuid") or (found.st_uid == os.getuid() and not found.st_mode & 0o077)
    return own if is_own and stat.S_ISDIR(found.st_mode) else None


def make_key(parts: object) -> str:
    """A name for what depends on these values only: 32 hexadecimal digits."""
    return blake2b(json.dumps([VERSION, parts]).encode(), digest_size=16).hexdigest()


def read_manifest(folder: Path, key: str) -> dict[str, Any] | None:
    """What is known of the rows kept in a folder; None if they are not those of the key, not whole, or not there."""
    rows, path = folder / ROWS, folder / _MANIFEST
    try:
        if path.stat().st_size > _MAX_MANIFEST:
            return None
        manifest = json.loads(path.read_bytes())
        if manifest["version"] != VERSION or manifest["key"] != key:
            return None
        signature = [*read_signature(rows)]
        if signature != manifest["rows_signature"]:
            if hash_file(rows) != manifest["rows_sha256"]:
                return None
            manifest["rows_signature"] = signature
            write_json(path, manifest)
    except (InputError, OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    note_use(folder)
    return manifest  # type: ignore[no-any-return]  # indexed by text above, so it is a dict


def write_manifest(folder: Path, key: str, known: Mapping[str, object]) -> None:
    """Write down what is known of the rows in a folder."""
    rows = folder / ROWS
    about = {"version": VERSION, "key": key, "rows_sha256": hash_file(rows), "rows_signature": read_signature(rows)}
    (folder / _MANIFEST).write_text(json.dumps(about | dict(known)), encoding="ascii")


@contextmanager
def make_draft(folder: Path) -> Iterator[Path]:
    """A new folder beside another one, for `publish`; deleted afterwards if it was not published."""
    draft = folder.with_name(f".{folder.name}-{uuid4().hex}")
    draft.mkdir(parents=True)
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def publish(draft: Path, folder: Path, *, is_good: Callable[[Path], bool]) -> None:
    """Give a finished folder its name. If another process was faster, its folder stays; a damaged one is replaced."""
    for _ in range(10):
        try:
            draft.rename(folder)
        except OSError:
            if is_good(folder):
                return
            aside = folder.with_name(f".{folder.name}-{uuid4().hex}")
            try:
                folder.rename(aside)
            except OSError:
                continue
            if aside.is_dir():
                shutil.rmtree(aside, ignore_errors=True)
            else:
                aside.unlink(missing_ok=True)
        else:
            return


def note_use(folder: Path) -> None:
    """Let a kept folder be the one used last."""
    with suppress(OSError):
        os.utime(folder)


def prune(store: Path) -> None:
    """Delete what was not used for a day: drafts that a killed process left, and all but the 8 folders used last."""
    found: list[tuple[float, Path]] = []
    with suppress(OSError):
        for path in store.iterdir():
            status = path.lstat()
            if _OWN.fullmatch(path.name) and stat.S_ISDIR(status.st_mode):
                found.append((status.st_mtime, path))
    kept = 0
    for used, path in sorted(found, reverse=True):
        kept += not path.name.startswith(".")
        if used < time.time() - _UNUSED and (kept > _KEPT or path.name.startswith(".")):
            shutil.rmtree(path, ignore_errors=True)


def _is_writable(folder: Path) -> bool:
    probe = folder / f".probe-{uuid4().hex}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError:
        return False
    return True
