"""The journal of a run: what has been done, on disk before it counts as done."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO, Final

from evalayer_lab._errors import InputError
from evalayer_lab.run._json import decode, encode

_VERSION: Final = 1
_SYNC_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One row's outcome.

    Attributes:
        line: the row's line in the dataset.
        system: the system prompt after preprocessing.
        prompt: the user's text after preprocessing.
        gold: the expected answer after preprocessing.
        metadata: the row's metadata.
        inference: the model's answer.
        logprobs: the answer's token log probabilities.
        scores: the reported numbers; None if the row failed, or if postprocessing is off.
        unscored: for each metric that did not score the row, why, as far as the handler tells.
        failure: the stage at which the row failed and the kind of error, `"postprocess: KeyError"`.
    """

    line: int
    system: str | None
    prompt: str
    gold: str
    metadata: str | None
    inference: str
    logprobs: Any
    scores: Mapping[str, float] | None
    unscored: Mapping[str, str] | None
    failure: str | None


class Journal:
    """An append-only file of JSON Lines: a header that says what the run is, then one entry a row, in order.

    Opening it repairs a last line that was cut off, so a run that was killed goes on after its last whole entry.
    One process at a time can have it open.

    Args:
        path: the file; its folder exists.
        fingerprint: everything that the outcome depends on. A journal of another fingerprint is refused.
        started: when the run began, kept from the first opening.

    Raises:
        InputError: the journal belongs to another run, is open elsewhere, or is damaged.
    """

    def __init__(self, path: Path, fingerprint: Mapping[str, Any], started: str) -> None:
        self._path = path
        self._file: BinaryIO = path.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise InputError("another run is writing to this folder", path=path.parent) from error
        self._synced = monotonic()
        self.done = 0
        self.last_line = 0
        self.started = started
        try:
            self._open(fingerprint)
        except InputError:
            self._file.close()
            raise

    def append(self, entries: Iterable[Entry]) -> None:
        """Write entries. When this returns, a killed process has not lost them."""
        lines = [
            encode(
                [
                    entry.line,
                    entry.system,
                    entry.prompt,
                    entry.gold,
                    entry.metadata,
                    entry.inference,
                    entry.logprobs,
                    entry.scores,
                    entry.unscored,
                    entry.failure,
                ]
            )
            for entry in entries
        ]
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
        """Close the file, and let another process have it."""
        self._file.close()

    def _open(self, fingerprint: Mapping[str, Any]) -> None:
        self._file.seek(0)
        header = self._file.readline()
        if not header.endswith(b"\n"):
            self._file.truncate(0)
            self._file.write(encode({"version": _VERSION, "started": self.started, **fingerprint}) + b"\n")
            self._file.flush()
            return
        try:
            found = decode(header)
            self.started = found.pop("started")
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise InputError("is no journal of a run; use another --output", path=self._path, line=1) from error
        expected = decode(encode({"version": _VERSION, **fingerprint}))
        changed = sorted(key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key))
        if changed:
            raise InputError(
                f"an unfinished run is here, and {', '.join(changed)} changed since; "
                "use --overwrite to begin anew, or another --output",
                path=self._path.parent,
            )
        whole = self._file.tell()
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

    def _entry(self, line: bytes, number: int) -> Entry:
        try:
            return Entry(*decode(line))
        except (ValueError, TypeError, RecursionError) as error:
            raise InputError(
                "the journal is damaged here; use --overwrite to begin anew", path=self._path, line=number
            ) from error
