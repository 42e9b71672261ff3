"""The user's Lambda handler, loaded from a file or a module."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeAlias

from evalayer import EvalayerError, LambdaHandler, Task
from evalayer_lab._errors import InputError

Handler: TypeAlias = Callable[[Any, Any], Any]
DEFAULT_HANDLER: Final = "processors/app.py:lambda_handler"


@dataclass(frozen=True, slots=True)
class LoadedHandler:
    """A handler and what is known of it.

    Attributes:
        call: the handler, as Lambda would call it.
        spec: how the user named it.
        sha256: of the source files that its scores depend on, so that a change is noticed.
        built: the handler that `build_lambda_handler` made, if it did; decorators may stand around it.
    """

    call: Handler
    spec: str
    sha256: str
    built: LambdaHandler | None

    @property
    def task(self) -> Task | None:
        """The handler's task, if evalayer built it."""
        return None if self.built is None else self.built.task


def load_handler(spec: str) -> LoadedHandler:
    """Load `file.py:name` or `module:name`; the name is `lambda_handler` where it is left out.

    As in Lambda, modules beside the file can be imported by it.

    Raises:
        InputError: there is no such file or name, or importing it fails.
    """
    source, _, name = spec.rpartition(":") if ":" in spec else (spec, "", "lambda_handler")
    if source.endswith(".py"):
        path = Path(source).resolve()
        if not path.is_file():
            raise InputError(
                "there is no such file; run this in a project (`evalayer init` makes one), or give --handler FILE:NAME",
                path=source,
            )
        if str(path.parent) not in sys.path:
            sys.path.insert(0, str(path.parent))
        module = _imported(path.stem, source, path)
    else:
        module = _imported(source, source, None)
    call = getattr(module, name, None)
    if not callable(call):
        known = [key for key, value in vars(module).items() if _is_own_function(value, module)]
        raise InputError(f"has no function {name!r}; it has: {', '.join(known) or 'none'}", path=source)
    built = inspect.unwrap(call)
    built = built if isinstance(built, LambdaHandler) else None
    return LoadedHandler(
        call=call,
        spec=spec,
        sha256=_sources_hash(module, None if built is None else built.task),
        built=built,
    )


def _imported(name: str, source: str, path: Path | None) -> Any:
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


def _is_own_function(value: Any, module: Any) -> bool:
    return isinstance(value, LambdaHandler) or (
        callable(value) and getattr(value, "__module__", None) == module.__name__
    )


def _line_in(path: Path | None, error: BaseException) -> int | None:
    """The last line of a file that an error came through."""
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame.lineno for frame in reversed(frames) if path and frame.filename == str(path)), None)


def _sources_hash(module: Any, task: Task | None) -> str:
    """Hash the loaded modules below the handler's folder, and those of the packages that offer the task's metrics."""
    file = getattr(module, "__file__", None)
    folder = None if file is None else Path(file).parent
    packages = {metric.origin.partition(".")[0] for metric in (() if task is None else task.metrics)}
    digest = sha256()
    for name, other in sorted(sys.modules.items()):
        source = getattr(other, "__file__", None)
        if source is None or not source.endswith(".py"):
            continue
        path = Path(source)
        own = folder is not None and folder in path.parents and "site-packages" not in path.parts
        if own or name.partition(".")[0] in packages:
            digest.update(name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
