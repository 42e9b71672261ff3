"""The journal of a run: what has been done, on disk before it counts as done."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO, Final

from evalayer_lab.inputs import InputError
from evalayer_lab.output import Entry, decode, encode

_VERSION: Final = 1
_SYNC_SECONDS: Final = 1.0
_BEGINNING: Final = b'{"version":1,"started":"'


class Journal:
    """An append-only file of JSON Lines: a header that says what the run is, then one entry a row, in order.

    Opening it repairs a last line that was cut off, so a run that was killed goes on after its last whole entry. A
    journal without any entry is begun anew. Whoever opens it holds the lock of its folder.

    Args:
        path: the file; its folder exists.
        fingerprint: everything that the outcome depends on. A journal of another fingerprint is refused.
        started: when the run began, ISO 8601; kept from the first opening.

    Raises:
        InputError: the journal belongs to another run, or is damaged.
    """

    def __init__(self, path: Path, fingerprint: Mapping[str, Any], started: str) -> None:
        self._path = path
        self._synced = monotonic()
        self.done = 0
        self.last_line = 0
        self.started = started
        try:
            self._file: BinaryIO = path.open("a+b")
        except OSError as error:
            raise InputError(f"cannot be opened: {error.strerror}", path=path) from error
        try:
            self._open(fingerprint)
        except InputError:
            self._file.close()
            raise

    def append(self, entries: Iterable[Entry]) -> None:
        """Write entries. When this returns, killing the process does not lose them; they are synced once a second."""
        lines = [encode(entry.to_json()) for entry in entries]
        if not lines:
            return
        self._file.write(b"\n".join(lines) + b"\n")
        self._file.flush()
        self.done += len(lines)
        if monotonic() - self._synced > _SYNC_SECONDS:
            os.fsync(self._file.fileno())
            self._synced = monotonic()

    def entries(self) -> Iterator[Entry]:
        """Read the entries from the first on."""
        with self._path.open("rb") as lines:
            lines.readline()
            for number, line in enumerate(lines, start=2):
                yield self._entry(line, number)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _open(self, fingerprint: Mapping[str, Any]) -> None:
        header = encode({"version": _VERSION, "started": self.started, **fingerprint}) + b"\n"
        self._file.seek(0)
        found = self._file.readline()
        if not found.endswith(b"\n") or not self._file.read(1):  # nothing is lost by beginning anew
            if not (found.startswith(_BEGINNING) or _BEGINNING.startswith(found)):
                raise InputError("is not the journal of a run; use another --output", path=self._path, line=1)
            self._file.truncate(0)
            self._file.write(header)
            self._file.flush()
            return
        self.started = self._checked_start(found, decode(header))
        self._file.seek(len(found))
        whole = len(found)
        last = b""
        for line in self._file:
            if not line.endswith(b"\n"):
                break
            whole += len(line)
            self.done += 1
            last = line
        if last:
            self.last_line = self._entry(last, self.done + 1).line
        self._file.truncate(whole)
        self._file.seek(0, os.SEEK_END)

    def _checked_start(self, header: bytes, expected: dict[str, Any]) -> str:
        try:
            found = decode(header)
            started = found["started"]
            datetime.fromisoformat(started)
        except (ValueError, KeyError, TypeError) as error:
            raise InputError("is not the journal of a run; use another --output", path=self._path, line=1) from error
        changed = sorted(
            key for key in (found.keys() | expected.keys()) - {"started"} if found.get(key) != expected.get(key)
        )
        if changed:
            raise InputError(
                f"an unfinished run is here that differs in {', '.join(changed)}; "
                "use --overwrite to start again, or another --output",
                path=self._path.parent,
            )
        return str(started)

    def _entry(self, line: bytes, number: int) -> Entry:
        try:
            return Entry.from_json(decode(line))
        except (ValueError, TypeError, RecursionError) as error:
            raise InputError(
                "the journal is damaged here; use --overwrite to start again", path=self._path, line=number
            ) from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for one process.

    Raises:
        InputError: another process holds it.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise InputError("another run is writing to this folder", path=folder) from error
    try:
        yield
    finally:
        os.close(descriptor)
