"""Imports a handler and writes down what it found; run by `_imports`, as a script, in a Python of its own.

The standard library only, and only what Lambda's own runtime has imported before the handler.
"""

from __future__ import annotations

import importlib
import json
import sys
import traceback
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from time import process_time
from typing import Any

START = "evalayer probe starts"
END = "evalayer probe ends"


class StandIns:
    """Finds top-level packages in the environment of the doctor instead of in the layers."""

    def __init__(self, names: list[str], path: list[str]) -> None:
        self.names = frozenset(names)
        self.path = path
        self.used: list[str] = []

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Find one of the packages; nothing else."""
        spec = PathFinder.find_spec(name, self.path) if name in self.names else None
        if spec is not None:
            self.used.append(name)
        return spec


def main(config_file: str, result_file: str) -> None:
    """Import the handler that the configuration names, and write down the outcome as JSON."""
    config = json.loads(Path(config_file).read_text(encoding="utf-8"))
    instead = StandIns(config["instead"], config["packages"])
    missing = StandIns(config["if_missing"], config["packages"])
    own = str(Path(__file__).parent)
    sys.path[:] = [*config["path"], *(entry for entry in sys.path if entry != own)]
    sys.meta_path.insert(0, instead)
    sys.meta_path.append(missing)
    print(START, file=sys.stderr, flush=True)  # noqa: T201 (a mark for the parent, among what -X importtime prints)
    started = process_time()
    try:
        handler = getattr(importlib.import_module(config["module"]), config["name"])
    except BaseException as error:  # noqa: BLE001 (whatever the handler's import raises is the result)
        result = _failure(error)
    else:
        result = _described(handler)
    result["start_seconds"], result["seconds"] = started, process_time() - started
    print(END, file=sys.stderr, flush=True)  # noqa: T201
    result["stand_ins"] = sorted({*instead.used, *missing.used})
    Path(result_file).write_text(json.dumps(result), encoding="utf-8")


def _failure(error: BaseException) -> dict[str, Any]:
    """Describe what an import raised.

    `ours` is whether evalayer raised it for a reason of its own; `module` is the module that was not found, or None;
    `file` and `line` are where the statement stands that raised it, or for a SyntaxError what cannot be compiled, up to
    `end_line`.
    """
    cause = error.__cause__
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_import_system(frame.filename)]
    file, line = (frames[-1].filename, frames[-1].lineno) if frames else (None, None)
    if isinstance(error, SyntaxError):
        file, line = error.filename, error.lineno
    return {
        "module": error.name if isinstance(error, ModuleNotFoundError) else None,
        "file": file,
        "line": line,
        "end_line": getattr(error, "end_lineno", None),
        "error": type(error).__name__,
        "message": str(error)[:2000],
        "ours": _is_ours(error) and (cause is None or _is_ours(cause)),
    }


def _is_import_system(file: str) -> bool:
    return file.startswith("<frozen importlib") or file == importlib.__file__


def _is_ours(error: BaseException) -> bool:
    return any(kind.__name__ == "EvalayerError" for kind in type(error).__mro__)


def _described(handler: Any) -> dict[str, Any]:
    """Describe a handler; if `build_lambda_handler` made it, its aggregation and its corpus metrics too."""
    if not callable(handler):
        nowhere = dict.fromkeys(("module", "file", "line", "end_line"))
        message = f"it is a {type(handler).__name__}, not a function"
        return {"error": "TypeError", "message": message, "ours": True, **nowhere}
    built: Any = handler
    for _ in range(100):
        built = getattr(built, "__wrapped__", built)
    if type(built).__name__ != "LambdaHandler":
        return {}
    return {
        "aggregation": str(built.aggregation),
        "corpus_metrics": [str(metric.name) for metric in built.task.corpus_metrics],
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
