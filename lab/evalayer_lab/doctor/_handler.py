"""The handler that a template names, looked for in the source without running it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from evalayer_lab.doctor._packages import has_module
from evalayer_lab.doctor._powertools import unknown_layers
from evalayer_lab.doctor._report import Results, Skipped, error, listed
from evalayer_lab.doctor._source import UNREADABLE, fits_newer, near_module, parse, read_text
from evalayer_lab.function import PathEntry, Target

_VARIABLE: Final = "EVALAYER_TASK"


def check_handler(target: Target) -> Results:
    """Look for the handler's file and, in it, for its name."""
    check = f"the handler of {target.name}"
    if target.function is None:
        return
    if target.handler is None:
        yield Skipped(check, "no template names it")
        return
    module, dot, name = target.handler.rpartition(".")
    module = module.replace("/", ".")
    if not dot or not module:
        yield error(
            "handler-missing",
            target.name,
            f"the handler {target.handler!r} names no function",
            "write it as file.function, such as app.lambda_handler",
        )
        return
    found = _source(target, module)
    if found is None:
        files = [file.removesuffix(".py") for file in target.function.tree.files if file.endswith(".py")]
        near = get_close_matches(module.replace(".", "/"), files[:1000], n=1)
        yield error(
            "handler-missing",
            target.name,
            f"the handler is {target.handler}, and there is no {module.replace('.', '/')}.py in the function or its "
            "layers" + (f"; there is {near[0]}.py" if near else ""),
            "correct Handler, or CodeUri",
        )
        return
    entry, file = found
    subject = f"{entry.artefact.name}: {entry.prefix}{file}"
    try:
        tree = parse(entry, file)
    except UNREADABLE as problem:
        if isinstance(problem, SyntaxError) and fits_newer(problem, read_text(entry, file), target.runtime):
            here = f"Python 3.{sys.version_info.minor}, which runs the doctor"
            yield Skipped(check, f"{here}, cannot read {file}; {target.runtime.name} may")
            return
        line = f", line {problem.lineno}" if isinstance(problem, SyntaxError) else ""
        yield error("handler-syntax", subject, f"is no Python{line}: {problem}", "correct the file and build again")
        return
    names = set(_names(tree.body))
    if name not in names and "*" not in names and "__getattr__" not in names:
        near = get_close_matches(name, names, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; it has: {listed(sorted(names)) or 'nothing'}"
        yield error(
            "handler-attribute",
            subject,
            f"has no {name}, which the handler {target.handler} asks for{hint}",
            f"write `{name} = build_lambda_handler(task)` there, or correct Handler",
        )
    yield from _task(target, entry, file)


def _task(target: Target, entry: PathEntry, file: str) -> Results:
    """Look for the module that `EVALAYER_TASK` names, if the handler imports what that variable says."""
    task = (target.environment or {}).get(_VARIABLE)
    if not task or has_module(target, task) or unknown_layers(target):
        return
    source = read_text(entry, file)
    if _VARIABLE not in source or "import_module" not in source:
        return
    yield error(
        "handler-task",
        target.name,
        f"{_VARIABLE} is {task!r}, and there is no {task.replace('.', '/')}.py in the function or its layers"
        + near_module(target, task),
        "correct the parameter or variable that names the task, or add the file beside the handler and build again",
    )


def _source(target: Target, module: str) -> tuple[PathEntry, str] | None:
    path = module.replace(".", "/")
    for entry in target.entries:
        for file in (f"{path}/__init__.py", f"{path}.py"):
            if file in entry.files:
                return entry, file
    return None


def _names(body: list[ast.stmt]) -> Iterator[str]:
    """Yield the names that a module's statements bind, within `if`, `try`, `with` and loops too; `*` for a star."""
    for statement in body:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                yield from (name.asname or name.name.partition(".")[0] for name in names)
            case _:
                yield from _stored(statement)
                for field in ("body", "orelse", "finalbody"):
                    yield from _names(getattr(statement, field, []))
                for handler in getattr(statement, "handlers", []):
                    yield from _names(handler.body)
                for case in getattr(statement, "cases", []):
                    yield from _names(case.body)


def _stored(statement: ast.stmt) -> Iterator[str]:
    pending: list[ast.AST] = [statement]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        pending += [
            child
            for child in ast.iter_child_nodes(node)
            if not isinstance(child, ast.stmt | ast.Lambda | ast.comprehension)
        ]
