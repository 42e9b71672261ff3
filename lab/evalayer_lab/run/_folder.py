"""The folder of a run: what may be in it, and what may be replaced."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from evalayer_lab.inputs import InputError
from evalayer_lab.output import FAILURES, JOURNAL, RECORD, RESULTS, TENSORBOARD
from evalayer_lab.run.journal import Journal

_WRITTEN: Final = (RESULTS, TENSORBOARD, FAILURES)


def open_journal(folder: Path, fingerprint: Mapping[str, Any], started: str, *, overwrite: bool) -> Journal:
    """Open the journal of a run in a folder that this process holds.

    The journal of an unfinished run of the same fingerprint is taken up. Results without a journal are of a finished
    run, or not of this tool: they are replaced only if `overwrite` says so.

    Raises:
        InputError: the folder holds something else, and must not be overwritten.
    """
    path = folder / JOURNAL
    if (folder / RECORD).exists():
        path.unlink(missing_ok=True)  # of a run that was killed just after it had finished
        if not overwrite:
            raise InputError("a finished run is here; use --overwrite to replace it, or another --output", path=folder)
        _clear(folder)
    elif path.exists():
        try:
            return Journal(path, fingerprint, started)
        except InputError:
            if not overwrite:
                raise
            _clear(folder)
    elif any((folder / name).exists() for name in _WRITTEN):
        if not overwrite:
            raise InputError(
                "there are results here that are not of a finished run; "
                "use --overwrite to replace them, or another --output",
                path=folder,
            )
        _clear(folder)
    return Journal(path, fingerprint, started)


def _clear(folder: Path) -> None:
    # The record first: results without it are never taken for a finished run.
    for name in (RECORD, *_WRITTEN, JOURNAL):
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
