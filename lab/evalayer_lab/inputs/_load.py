"""A user's function, `FILE.py:NAME` or `MODULE:NAME`."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from evalayer import EvalayerError, LambdaHandler
from evalayer_lab.inputs._errors import InputError


def load_function(source: str, name: str) -> tuple[ModuleType, Callable[..., Any]]:
    """Import a module by name, or a file that ends in `.py`, and return it with its function of that name.

    Modules beside a file can be imported by it.

    Raises:
        InputError: there is no such file, module or function, or importing it fails.
    """
    module = _imported(source)
    function = getattr(module, name, None)
    if not callable(function):
        known = [key for key, value in vars(module).items() if _is_own_function(value, module)]
        raise InputError(f"has no function {name!r}; it has: {', '.join(known) or 'none'}", path=source)
    return module, function


def _is_own_function(value: Any, module: ModuleType) -> bool:
    return isinstance(value, LambdaHandler) or (
        callable(value) and getattr(value, "__module__", None) == module.__name__
    )


def _imported(source: str) -> ModuleType:
    path = Path(source).resolve() if source.endswith(".py") else None
    if path is not None and not path.is_file():
        raise InputError("there is no such file", path=source)
    if path is not None and str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    name = source if path is None else path.stem
    try:
        if path is None:
            return importlib.import_module(name)
        loaded = sys.modules.get(name)
        if loaded is not None and getattr(loaded, "__file__", None) == str(path):
            return loaded
        found = importlib.util.spec_from_file_location(name, path)
        if found is None or found.loader is None:
            raise InputError("cannot be imported", path=source)
        module = importlib.util.module_from_spec(found)
        sys.modules[name] = module
        found.loader.exec_module(module)
    except EvalayerError as error:
        line = _line_in(path, error)
        raise InputError(f"{type(error).__name__}: {error}", path=source, line=line) from error
    except (Exception, SystemExit) as error:
        if isinstance(error, SyntaxError):
            raise InputError(f"{error.msg}", path=error.filename, line=error.lineno) from error
        if isinstance(error, ModuleNotFoundError) and path is None and Path(f"{source}.py").is_file():
            raise InputError(f"there is no such module; did you mean {source}.py?", path=source) from error
        raise InputError(
            f"cannot be imported: {type(error).__name__}: {error}", path=source, line=_line_in(path, error)
        ) from error
    return module


def _line_in(path: Path | None, error: BaseException) -> int | None:
    """The last line of a file that an error came through."""
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame.lineno for frame in reversed(frames) if path and frame.filename == str(path)), None)
