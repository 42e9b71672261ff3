"""The handler that a template names: looked for in the source, and why its import failed."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import PurePath
from typing import Any, Final

from evalayer_lab.doctor._powertools import unknown_layers
from evalayer_lab.doctor._report import file_place, listed, not_checked
from evalayer_lab.doctor._source import (
    UNREADABLE,
    find_source,
    fits_newer,
    has_module,
    parse,
    read_text,
    suggest_module,
)
from evalayer_lab.function import RUNTIME_PACKAGES, PathEntry, Target
from evalayer_lab.inputs import Finding, Place, near_match

_VARIABLE: Final = "EVALAYER_TASK"
# modules of the standard library that some Python from 3.11 on has and another has not
_SOMETIMES_STANDARD: Final = frozenset(
    {
        "aifc", "annotationlib", "asynchat", "asyncore", "audioop", "cgi", "cgitb", "chunk", "compression", "crypt",
        "distutils", "imghdr", "imp", "lib2to3", "mailcap", "msilib", "nis", "nntplib", "ossaudiodev", "pipes",
        "smtpd", "sndhdr", "spwd", "sunau", "telnetlib", "uu", "xdrlib",
    }
)  # fmt: skip
_SYNTAX: Final = {"SyntaxError", "IndentationError", "TabError"}
ON_LAMBDA: Final = RUNTIME_PACKAGES | {"dateutil", "jmespath", "six"}


def check_handler(target: Target) -> Iterator[Finding]:
    """Look for the handler's file and, in it, for its name."""
    if target.function is None:
        return
    if target.handler is None:
        yield not_checked(f"the handler of {target.name}", "no template says what it is")
        return
    module, dot, name = target.handler.rpartition(".")
    found = find_source(target, module.replace("/", "."))
    if not dot or not module:
        reason = f"the handler {target.handler!r} does not name a function"
        fix = "write it as file.function, such as app.lambda_handler"
        yield Finding("handler-missing", "error", Place(field=target.name), reason, fix)
    elif found is None:
        path = module.replace(".", "/")
        files = [file.removesuffix(".py") for file in target.function.tree.files if file.endswith(".py")]
        near = near_match(path, files[:1000])
        hint = f"; did you mean {near}.py?" if near else ""
        reason = f"the handler is {target.handler}, but neither the function nor its layers contain {path}.py{hint}"
        yield Finding("handler-missing", "error", Place(field=target.name), reason, "correct Handler, or CodeUri")
    else:
        yield from _check_source(target, name, *found)


def _check_source(target: Target, name: str, entry: PathEntry, file: str) -> Iterator[Finding]:
    """Look for the handler's name in its file, and for the task that the file imports."""
    try:
        tree = parse(entry, file)
    except UNREADABLE as problem:
        syntax = problem if isinstance(problem, SyntaxError) else None
        lines = (syntax.lineno, syntax.end_lineno) if syntax else (None, None)
        if syntax and fits_newer(syntax.msg, lines, read_text(entry, file), target.runtime):
            here = f"Python 3.{sys.version_info.minor}, which runs the doctor,"
            reason = f"{here} cannot read {file}; {target.runtime.name} may be able to"
            yield not_checked(f"the handler of {target.name}", reason)
        else:
            place = file_place(entry, file, syntax.lineno if syntax else None)
            reason = f"is not valid Python: {syntax.msg if syntax else problem}"
            yield Finding("handler-syntax", "error", place, reason, "correct the file and build again")
        return
    names = set(_names(tree.body))
    if name not in names and "*" not in names and "__getattr__" not in names:
        near = near_match(name, names)
        hint = f"did you mean {near}?" if near else f"it defines: {listed(sorted(names)) or 'nothing'}"
        reason = f"does not define {name}, which the handler {target.handler} names; {hint}"
        fix = f"write `{name} = build_lambda_handler(task)` there, or correct Handler"
        yield Finding("handler-attribute", "error", file_place(entry, file), reason, fix)
    yield from _task(target, entry, file)


def _task(target: Target, entry: PathEntry, file: str) -> Iterator[Finding]:
    """Look for the module that `EVALAYER_TASK` names, if the handler imports what that variable says."""
    task = (target.environment or {}).get(_VARIABLE)
    if not task or has_module(target, task) or unknown_layers(target):
        return
    source = read_text(entry, file)
    if _VARIABLE not in source or "import_module" not in source:
        return
    path, hint = task.replace(".", "/"), suggest_module(target, task)
    reason = f"{_VARIABLE} is {task!r}, but neither the function nor its layers contain {path}.py{hint}"
    fix = "correct the parameter or variable that names the task, or add the file beside the handler and build again"
    yield Finding("handler-task", "error", Place(field=target.name), reason, fix)


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


def judge_failure(
    check: str, target: Target, outcome: Mapping[str, Any], paths: Sequence[str], elsewhere: Set[str]
) -> Finding:
    """Turn what the import raised into an error, or say why it may not happen on Lambda.

    Args:
        check: what was tried.
        target: the function.
        outcome: what the probe wrote.
        paths: the search path of the import, one folder for each of the target's entries.
        elsewhere: the packages that stand-ins were allowed for: what Lambda or a Powertools layer has among them.
    """
    file = _find_file(outcome["file"], target, paths)
    module = outcome["module"]
    if module is not None and file is not None and _is_missing(module, target, elsewhere):
        reason = (
            f"imports {module}, which is in neither the function nor its layers nor Lambda"
            f"{suggest_module(target, module)}"
        )
        fix = "correct the name, or add the module to the function or to a layer and build again"
        return Finding("handler-module", "error", file_place(*file, outcome["line"]), reason, fix)
    if outcome["error"] in _SYNTAX and file is not None:
        lines = (outcome["line"], outcome["end_line"])
        if not fits_newer(outcome["message"], lines, read_text(*file), target.runtime):
            reason = f"is not valid Python: {outcome['message']}; importing {target.handler} fails because of it"
            fix = "correct the file and build again"
            return Finding("handler-syntax", "error", file_place(*file, outcome["line"]), reason, fix)
    raised = f"{outcome['error']}: {outcome['message']}"
    doubts = _doubts(target, outcome["stand_ins"])
    if doubts and not outcome["ours"]:
        return not_checked(check, f"{'; '.join(doubts)}; it raised {raised}")
    reason = f"importing {target.handler} raises {raised}"
    fix = "correct the task, or build in what is missing; Lambda would fail on every event"
    return Finding("handler-import", "error", Place(field=target.name), reason, fix)


def _find_file(file: str | None, target: Target, paths: Sequence[str]) -> tuple[PathEntry, str] | None:
    """Find a file of the import among those of the function and its layers."""
    for entry, folder in zip(target.entries, paths, strict=True):
        if file is not None and PurePath(file).is_relative_to(folder):
            name = PurePath(file).relative_to(folder).as_posix()
            if name in entry.files:
                return entry, name
    return None


def _is_missing(module: str, target: Target, elsewhere: Set[str]) -> bool:
    """Whether nothing that cannot be seen from here may bring a module."""
    top = module.partition(".")[0]
    possible = elsewhere | sys.stdlib_module_names
    if target.runtime.minor != sys.version_info.minor:
        possible |= _SOMETIMES_STANDARD
    return top not in possible and not unknown_layers(target)


def _doubts(target: Target, stand_ins: Sequence[str]) -> list[str]:
    reasons = []
    if sys.version_info.minor != target.runtime.minor:
        reasons.append(f"this was tested with Python 3.{sys.version_info.minor}, not {target.runtime.name}")
    if stand_ins:
        reasons.append(f"{', '.join(stand_ins)} came from the doctor's own environment")
    if target.unseen:
        reasons.append(f"{', '.join(target.unseen)} cannot be seen from here")
    return reasons
