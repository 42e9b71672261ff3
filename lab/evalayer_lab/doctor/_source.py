"""Modules of a function and its layers: found by name, parsed and never run."""

from __future__ import annotations

import ast
import re
import sys
import warnings
from typing import Final

from evalayer_lab.doctor._report import listed
from evalayer_lab.function import PathEntry, Runtime, Target
from evalayer_lab.inputs import near_match

UNREADABLE: Final = (SyntaxError, ValueError, RecursionError, MemoryError)
_MAX_BYTES: Final = 1024 * 1024
# what came after Python 3.11: PEP 695 (type, name[T]), 701 (f-strings), 750 (t-strings), 758 (except without brackets)
_NEWER: Final = re.compile(r"""\btype\s+\w|\b(?:def|class)\s+\w+\s*\[|\b[fFrRtT]{1,2}["']|\bexcept\b[^:]*,""")


def parse(entry: PathEntry, name: str) -> ast.Module:
    """Parse a file's first MiB, without the warnings of the compiler.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: not valid Python, or nested too deeply: `UNREADABLE`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(entry.read(name, _MAX_BYTES))


def read_text(entry: PathEntry, name: str) -> str:
    """Read a file's first MiB as text, whatever its bytes are."""
    return entry.read(name, _MAX_BYTES).decode("utf-8", "replace")


def find_source(target: Target, module: str) -> tuple[PathEntry, str] | None:
    """Find the source of a module: where it is on the search path, and the file there."""
    path = module.replace(".", "/")
    for entry in target.entries:
        for file in (f"{path}/__init__.py", f"{path}.py"):
            if file in entry.files:
                return entry, file
    return None


def has_module(target: Target, module: str) -> bool:
    """Whether a module, with source or compiled, is anywhere on the search path."""
    start = f"{module.replace('.', '/')}."
    return find_source(target, module) is not None or any(
        name.startswith(start) and name.endswith(".so") for entry in target.entries for name in entry.files
    )


def suggest_module(target: Target, module: str) -> str:
    """Say which module of the function may have been meant, or which it has; nothing if it has none."""
    handler = (target.handler or "").replace("/", ".").partition(".")[0]
    own = target.entries[0].packages if target.function and target.entries else {}
    names = sorted(name for name in own if name != handler)
    near = near_match(module, names)
    if near is not None:
        return f"; did you mean {near}?"
    return f"; the function has: {listed(names)}" if names else ""


def fits_newer(message: str, lines: tuple[int | None, int | None], source: str, runtime: Runtime) -> bool:
    """Whether a later Python than this one, that of the runtime, may accept what this one refuses in some lines."""
    if runtime.minor <= sys.version_info.minor:
        return False
    first, last = lines[0] or 1, lines[1] or 0
    refused = source.splitlines()[first - 1 : max(first, last)]
    return "f-string" in message or _NEWER.search("\n".join(refused)) is not None
