"""Tables of other formats made into datasets."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import chain
from os import PathLike, fspath
from shlex import quote
from typing import Any, Final

from pydantic import ValidationError

from evalayer_lab.dataset._csv import DELIMITERS
from evalayer_lab.dataset._kinds import FACTS, Kind
from evalayer_lab.dataset._models import explain
from evalayer_lab.dataset._problem import Problem, Problems, Reporter, shown
from evalayer_lab.dataset._sources import Source, SourceRow, read_source
from evalayer_lab.dataset._text import UnusableCell, as_text, to_json
from evalayer_lab.dataset._write import new_file
from evalayer_lab.inputs import InputError

PROGRESS_ROWS: Final = 1000
# What other datasets call a field, so that the right column can be suggested.
_ALSO_CALLED: Final[Mapping[str, Sequence[str]]] = {
    "query": ("question", "prompt", "input", "instruction", "text", "user", "problem"),
    "response": ("answer", "output", "completion", "target", "label", "gold", "expected", "solution", "reference"),
    "prompt": ("question", "query", "input", "instruction", "text"),
    "response_A": ("baseline", "answer_a", "a", "chosen", "output_1"),
    "response_B": ("challenger", "answer_b", "b", "rejected", "output_2"),
    "messages": ("conversation", "conversations", "chat", "prompt"),
    "user": ("question", "query", "prompt", "input", "instruction", "problem"),
    "reference_answer": ("answer", "gold", "solution", "ground_truth", "label", "target", "response"),
    "images": ("image",),
}


@dataclass(frozen=True, slots=True)
class Mapped:
    """Where the fields of a row come from.

    Attributes:
        columns: by field, the column it is taken from; a field that is left out is taken from the column of its name.
            A row of `rft_eval` can be given `user` and `system` in place of `messages`.
        system: a system prompt for every row.
        metadata: the columns that are written as the metadata, one JSON object in a text.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    system: str | None = None
    metadata: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Conversion:
    """The result of a conversion.

    Attributes:
        path: the file or folder that was read.
        out: the file that was written; it is not if there was no good row.
        kind: what its rows are.
        rows: the rows that were read.
        written: those of them that were written.
        errors: the number of errors, of which a row can have several.
        problems: the first of the problems; the field is the column.
        columns: by field, the column that it was taken from.
        unused: the columns of the first row that were not written.
    """

    path: str
    out: str
    kind: Kind
    rows: int
    written: int
    errors: int
    problems: Sequence[Problem]
    columns: Mapping[str, str]
    unused: Sequence[str]


def convert(
    source: Source,
    out: str | PathLike[str],
    mapped: Mapped | None = None,
    *,
    kind: Kind = "gen_qa",
    overwrite: bool = False,
    strict: bool = False,
    max_problems: int = 20,
    on_progress: Callable[[int], object] = lambda rows: None,
) -> Conversion:
    """Write a table as a dataset.

    Numbers, lists and objects in a text field are written as JSON. A row with an error is reported and left out. The
    rows are read one at a time, and the file is written beside its place and moved there at the end.

    Args:
        source: what to read.
        out: the file to write.
        mapped: where the fields come from.
        kind: what the rows shall be.
        overwrite: replace a file that is there.
        strict: raise the first error instead of reporting it.
        max_problems: how many problems the result keeps; all are counted.
        on_progress: is called from time to time with the number of rows written since the last call.

    Raises:
        InputError: the source cannot be read or has no rows, a column is not there, or the file cannot be written; in
            strict mode also for the first bad row.
    """
    mapped = mapped or Mapped()
    problems = Problems(max_problems)
    no_rows = Problems(0)

    def add_no_row(problem: Problem) -> None:
        problems.add(problem)
        no_rows.add(problem)

    rows = read_source(source, Reporter(source.path, add_no_row, strict=strict))
    first = next(rows, None)
    if first is None:
        raise InputError(_nothing(problems), path=source.path)
    builder = _Builder(kind, mapped, tuple(first.cells), source.path)
    written = left_out = 0
    with new_file(out, overwrite=overwrite) as file:
        for row in chain([first], rows):
            line = builder.line(row, Reporter(row.path, problems.add, strict=strict))
            if line is None:
                left_out += 1
                continue
            file.write(line)
            written += 1
            if written % PROGRESS_ROWS == 0:
                on_progress(PROGRESS_ROWS)
        if not written:
            raise InputError(
                f"has no good row, so nothing is written; the first error: {problems.first[0]}", path=source.path
            )
    return Conversion(
        path=source.path,
        out=fspath(out),
        kind=kind,
        rows=written + left_out + no_rows.errors,
        written=written,
        errors=problems.errors,
        problems=problems.first,
        columns=builder.columns,
        unused=builder.unused,
    )


def _nothing(problems: Problems) -> str:
    return "has no rows" + (f"; the first error: {problems.first[0]}" if problems.first else "")


class _Builder:
    """Makes rows of one kind out of a table's rows."""

    def __init__(self, kind: Kind, mapped: Mapped, known: tuple[str, ...], path: str) -> None:
        self._facts = FACTS[kind]
        self._system = mapped.system
        self._metadata = mapped.metadata
        self._path = path
        self._known = known
        fields = [*self._facts.fields]
        if kind == "rft_eval":
            fields = ["system", "user", *fields]
        self._refuse_unknown(mapped, fields, kind)
        taken = {name: mapped.columns.get(name, name) for name in fields}
        self.columns = {name: column for name, column in taken.items() if column in known}
        if mapped.system is not None:
            self.columns.pop("system", None)
        if mapped.metadata:
            self.columns.pop("metadata", None)
        required = [*self._facts.required]
        if kind == "rft_eval" and "messages" not in self.columns:
            required = ["user"]
        elif kind == "rft_eval":
            self.columns = {name: column for name, column in self.columns.items() if name not in {"system", "user"}}
        for name in required:
            if name not in self.columns:
                raise InputError(f"has no column for {name}; {self._hint(name)}", path=path)
        self.unused = [name for name in known if name not in {*self.columns.values(), *mapped.metadata}]

    def line(self, row: SourceRow, reporter: Reporter) -> bytes | None:
        """The line of a dataset that a row makes; None if it makes none, which is reported."""
        wrong: list[tuple[str | None, str]] = []
        made: dict[str, Any] = {}
        for name, column in self.columns.items():
            try:
                value = self._value(name, row.cells.get(column))
            except UnusableCell as error:
                wrong.append((name, str(error)))
                continue
            if value is not None:
                made[name] = value
        if self._system is not None:
            made["system"] = self._system
        if self._metadata:
            self._add_metadata(made, row, wrong)
        self._add_messages(made)
        if not wrong:
            try:
                self._facts.model.model_validate(made)
                return to_json(made) + b"\n"
            except ValidationError as error:
                wrong = [explain(details, self._facts.example) for details in error.errors(include_url=False)]
            except UnusableCell as error:
                wrong = [(None, str(error))]
        for place, reason in wrong:
            reporter.error(row.line, self._column(place), reason)
        return None

    def _value(self, name: str, cell: object) -> object:
        if name in self._facts.texts or name == "user":
            if name == "reference_answer":
                return cell
            text = as_text(cell)
            return None if text == "" and name in {"system", "metadata"} else text
        if name in {"images", "messages"} and isinstance(cell, str):
            try:
                return json.loads(cell)
            except (ValueError, RecursionError) as error:
                raise UnusableCell("is text that holds no JSON list") from error
        return cell

    def _add_metadata(self, made: dict[str, Any], row: SourceRow, wrong: list[tuple[str | None, str]]) -> None:
        found: dict[str, object] = {}
        for name in self._metadata:
            cell = row.cells.get(name)
            try:
                if cell is not None and cell != "":
                    to_json(cell)
                    found[name] = cell
            except UnusableCell as error:
                wrong.append((name, str(error)))
        if found:
            made["metadata"] = to_json(found).decode()

    def _add_messages(self, made: dict[str, Any]) -> None:
        if "user" in made:
            system = [{"role": "system", "content": made.pop("system")}] if "system" in made else []
            made["messages"] = [*system, {"role": "user", "content": made.pop("user")}]

    def _column(self, name: str | None) -> str | None:
        """The column that a field such as `images[0].data` was taken from."""
        if name is None:
            return None
        end = next((index for index, character in enumerate(name) if character in "[."), len(name))
        column = self.columns.get(name[:end])
        return name if column is None else shown(column) + name[end:]

    def _refuse_unknown(self, mapped: Mapped, fields: Sequence[str], kind: Kind) -> None:
        for name, column in mapped.columns.items():
            if name not in fields:
                raise InputError(f"a row of {kind} has no field {name!r}; {_near(name, fields)}", path=self._path)
            self._refuse_unknown_column(column)
        for column in mapped.metadata:
            self._refuse_unknown_column(column)
        if mapped.metadata and "metadata" not in fields:
            raise InputError(f"a row of {kind} has no metadata", path=self._path)
        if mapped.metadata and "metadata" in mapped.columns:
            raise InputError("the metadata is one column or made of several, not both", path=self._path)
        if mapped.system is not None and "system" not in fields:
            raise InputError(f"a row of {kind} has no system prompt", path=self._path)

    def _refuse_unknown_column(self, column: str) -> None:
        if column not in self._known:
            raise InputError(f"there is no column {column!r}; {_near(column, self._known)}", path=self._path)

    def _hint(self, name: str) -> str:
        lower = {column.lower(): column for column in reversed(self._known)}
        near = [called for called in (name.lower(), *_ALSO_CALLED.get(name, ())) if called in lower]
        near = near or get_close_matches(name, lower, n=1)
        if near:
            return f"did you mean --map {quote(f'{name}={shown(lower[near[0]])}')}?"
        if len(self._known) == 1 and any(delimiter in self._known[0] for delimiter in DELIMITERS):
            return f"the only column is {shown(self._known[0])}: is --delimiter right?"
        return f"say which with --map {name}=COLUMN: {_listed(self._known)}"


def _near(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"did you mean {shown(near[0])}?" if near else f"there are: {_listed(known)}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return ", ".join(shown(name) for name in names[:12]) + more
