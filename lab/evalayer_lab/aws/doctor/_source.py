"""Python source of a layer or a function, parsed and never run."""

from __future__ import annotations

import ast
import warnings
from typing import Final

from evalayer_lab.aws.doctor._artefact import Entry

UNREADABLE: Final = (SyntaxError, ValueError, RecursionError, MemoryError)
_MAX_BYTES: Final = 1024 * 1024


def parse(entry: Entry, name: str) -> ast.Module:
    """Parse a file's first MiB; what Python would warn of is not said.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it is no Python, or nested too deeply: `UNREADABLE`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(entry.read(name, _MAX_BYTES))
