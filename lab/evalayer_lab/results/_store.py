"""The folder beside the output that keeps what was read, in columns; it can be deleted at any time."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from evalayer_lab.results._hashes import file_hash, write_json
from evalayer_lab.results._tree import CACHE

VERSION: Final = 1
ROWS: Final = "rows.parquet"
_MANIFEST: Final = "manifest.json"
_MAX_MANIFEST: Final = 64 << 20
_KEPT: Final = 8
_UNUSED: Final = 86_400  # seconds
_OWN: Final = re.compile(r"\..+-[0-9a-f]{32}|[0-9a-f]{32}|unpacked-[0-9a-f]{16}")


def store_of(folder: Path) -> Path | None:
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


def key_of(parts: object) -> str:
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
        found = rows.stat()
        if [found.st_size, found.st_mtime_ns] != manifest["rows_signature"]:
            if file_hash(rows) != manifest["rows_sha256"]:
                return None
            manifest["rows_signature"] = [found.st_size, found.st_mtime_ns]
            write_json(path, manifest)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    note_use(folder)
    return manifest  # type: ignore[no-any-return]  # indexed by text above, so it is a dict


def write_manifest(folder: Path, key: str, known: Mapping[str, object]) -> None:
    """Write down what is known of the rows in a folder."""
    found = (folder / ROWS).stat()
    signature = [found.st_size, found.st_mtime_ns]
    document = {"version": VERSION, "key": key, "rows_sha256": file_hash(folder / ROWS), "rows_signature": signature}
    (folder / _MANIFEST).write_text(json.dumps(document | dict(known)), encoding="ascii")


@contextmanager
def draft_of(folder: Path) -> Iterator[Path]:
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
