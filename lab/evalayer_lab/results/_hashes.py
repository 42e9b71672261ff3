"""Content hashes of files, without reading again what did not change."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple
from uuid import uuid4

from evalayer_lab._errors import InputError

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
        try:
            before = file.stat()
            entry = known.get(name)
            if (
                entry is not None
                and entry[:3] == (before.st_size, before.st_mtime_ns, before.st_ctime_ns)
                and entry.changed + _SETTLED < entry.hashed
            ):
                record[name] = entry
                hashed[file] = entry.digest
                continue
            hashed[file] = file_hash(file)
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", path=file) from None
        record[name] = _Entry(before.st_size, before.st_mtime_ns, before.st_ctime_ns, now, hashed[file])
    if store is not None and record != known:
        write_json(store / _INDEX, {"version": _VERSION, "files": record})
    return hashed


def file_hash(path: Path) -> str:
    """The SHA-256 of a file's content.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


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
