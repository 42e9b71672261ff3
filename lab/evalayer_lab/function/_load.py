"""The user's Lambda handler, loaded from a file or a module."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeAlias

from evalayer import LambdaHandler, Task
from evalayer_lab.inputs import InputError, load_function

Handler: TypeAlias = Callable[[Any, Any], Any]
_DEFAULT: Final = "processors/app.py:lambda_handler"


@dataclass(frozen=True, slots=True)
class LoadedHandler:
    """A handler and what is known of it.

    Attributes:
        call: the handler, as Lambda would call it. What evalayer's part of it observed is known where it passes the
            context on.
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


def load_handler(spec: str | None = None) -> LoadedHandler:
    """Load `file.py:name` or `module:name`; the name is `lambda_handler` where it is left out.

    Without a specification it is `processors/app.py:lambda_handler`, as `evalayer init` makes it.

    As in Lambda, modules beside the file can be imported by it.

    Raises:
        InputError: there is no such file or name, or importing it fails.
    """
    spec = spec or _DEFAULT
    source, _, name = spec.rpartition(":") if ":" in spec else (spec, "", "lambda_handler")
    if source.endswith(".py") and not Path(source).is_file():
        reason = "there is no such file; run this in a project (`evalayer init` makes one), or give --handler FILE:NAME"
        raise InputError(reason, path=source)
    module, call = load_function(source, name)
    built = inspect.unwrap(call)
    built = built if isinstance(built, LambdaHandler) else None
    return LoadedHandler(
        call=call,
        spec=spec,
        sha256=_sources_hash(module, None if built is None else built.task),
        built=built,
    )


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
