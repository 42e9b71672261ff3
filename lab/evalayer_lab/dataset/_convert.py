"""Tables of other formats made into datasets."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from os import PathLike, fspath
from shlex import quote
from typing import Any, Final

from pydantic import ValidationError

from evalayer_lab.dataset._csv import DELIMITERS
from evalayer_lab.dataset._findings import Code, Reporter, listed, shown, suggest_shown
from evalayer_lab.dataset._kinds import FACTS, Kind, KindFacts
from evalayer_lab.dataset._lines import PROGRESS_ROWS, new_file
from evalayer_lab.dataset._models import explain
from evalayer_lab.dataset._sources import Source, SourceRow, read_source
from evalayer_lab.dataset._text import UnusableCell, as_text, to_json
from evalayer_lab.inputs import Finding, Findings, InputError, near_match

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
        warnings: the number of warnings.
        findings: the first of them; the field is the column.
        columns: by field, the column that it was taken from.
        unused: the columns of the first row that were not written.
    """

    path: str
    out: str
    kind: Kind
    rows: int
    written: int
    errors: int
    warnings: int
    findings: Sequence[Finding]
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
        max_problems: how many findings the result keeps; all are counted.
        on_progress: is called from time to time with the number of rows written since the last call.

    Raises:
        InputError: the source cannot be read or has no rows, a column is not there, or the file cannot be written; in
            strict mode also for the first bad row.
    """
    mapped = mapped or Mapped()
    findings = Findings(max_problems)
    not_rows = Findings(0)

    def add_not_a_row(finding: Finding) -> None:
        findings.add(finding)
        not_rows.add(finding)

    rows = read_source(source, Reporter(source.path, add_not_a_row, strict=strict))
    first = next(rows, None)
    if first is None:
        first_error = f"; the first error: {findings.first[0]}" if findings.first else ""
        raise InputError(f"has no rows{first_error}", path=source.path)
    builder = _Builder(kind, mapped, tuple(first.cells), source.path)
    written = left_out = 0
    with new_file(out, overwrite=overwrite) as file:
        for row in chain([first], rows):
            line = builder.line(row, Reporter(row.path, findings.add, strict=strict))
            if line is None:
                left_out += 1
                continue
            file.write(line)
            written += 1
            if written % PROGRESS_ROWS == 0:
                on_progress(PROGRESS_ROWS)
        if not written:
            first_error = f"; the first error: {findings.first[0]}" if findings.first else ""
            raise InputError(f"has no good row, so nothing is written{first_error}", path=source.path)
    return Conversion(
        path=source.path,
        out=fspath(out),
        kind=kind,
        rows=written + left_out + not_rows.errors,
        written=written,
        errors=findings.errors,
        warnings=findings.warnings,
        findings=findings.first,
        columns=builder.columns,
        unused=builder.unused,
    )


class _Builder:
    """Makes rows of one kind out of a table's rows."""

    def __init__(self, kind: Kind, mapped: Mapped, known: Sequence[str], path: str) -> None:
        _refuse_unknown(kind, mapped, known, path)
        self._facts = FACTS[kind]
        self._mapped = mapped
        self.columns = _choose_columns(self._facts, mapped, known, path)
        self.unused = [name for name in known if name not in {*self.columns.values(), *mapped.metadata}]

    def line(self, row: SourceRow, reporter: Reporter) -> bytes | None:
        """The line of a dataset that a row makes; None if it makes none, which is reported."""
        faults: list[tuple[Code, str | None, str]] = []
        made = _take(row.cells, self.columns, self._field, faults)
        if self._mapped.system is not None:
            made["system"] = self._mapped.system
        if metadata := _take(row.cells, {name: name for name in self._mapped.metadata}, _metadata_value, faults):
            made["metadata"] = to_json(metadata).decode()
        if "user" in made:
            system = [{"role": "system", "content": made.pop("system")}] if "system" in made else []
            made["messages"] = [*system, {"role": "user", "content": made.pop("user")}]
        if not faults:
            try:
                self._facts.model.model_validate(made)
                return to_json(made) + b"\n"
            except ValidationError as error:
                faults = [explain(details, self._facts.example) for details in error.errors(include_url=False)]
            except UnusableCell as error:
                faults = [("value", None, str(error))]
        for code, field_name, reason in faults:
            reporter.error(code, row.line, self._column(field_name), reason)
        return None

    def _field(self, name: str, cell: object) -> object:
        if name in {"images", "messages"} and isinstance(cell, str):
            try:
                return json.loads(cell)
            except (ValueError, RecursionError) as error:
                raise UnusableCell("is text that is not a JSON list") from error
        if name not in self._facts.texts or name == "reference_answer":
            return cell
        text = as_text(cell)
        return None if text == "" and name in {"system", "metadata"} else text

    def _column(self, name: str | None) -> str | None:
        """The column that a field such as `images[0].data` was taken from."""
        if name is None:
            return None
        end = next((index for index, character in enumerate(name) if character in "[."), len(name))
        column = self.columns.get(name[:end])
        return name if column is None else shown(column) + name[end:]


def _take(
    cells: Mapping[str, Any],
    columns: Mapping[str, str],
    convert_cell: Callable[[str, object], object],
    faults: list[tuple[Code, str | None, str]],
) -> dict[str, Any]:
    """The values by name, without those that are None; a cell that cannot be used is added to the faults."""
    made: dict[str, Any] = {}
    for name, column in columns.items():
        try:
            value = convert_cell(name, cells.get(column))
        except UnusableCell as error:
            faults.append(("value", name, str(error)))
            continue
        if value is not None:
            made[name] = value
    return made


def _metadata_value(_name: str, cell: object) -> object:
    if cell is None or cell == "":
        return None
    to_json(cell)  # fails on what cannot be written
    return cell


def _choose_columns(facts: KindFacts, mapped: Mapped, known: Sequence[str], path: str) -> Mapping[str, str]:
    """By field, the column that it is taken from."""
    columns = {name: mapped.columns.get(name, name) for name in (*facts.parts, *facts.fields)}
    columns = {name: column for name, column in columns.items() if column in known}
    required, made = facts.required, set[str]()
    if mapped.system is not None:
        made.add("system")
    if mapped.metadata:
        made.add("metadata")
    if "messages" in columns:
        made.update(facts.parts)
    elif facts.parts:
        required = ("user",)
    for name in required:
        if name not in columns:
            raise InputError(f"has no column for {name}; {_suggest_mapping(name, known)}", path=path)
    return {name: column for name, column in columns.items() if name not in made}


def _refuse_unknown(kind: Kind, mapped: Mapped, known: Sequence[str], path: str) -> None:
    fields = (*FACTS[kind].parts, *FACTS[kind].fields)
    for name in mapped.columns:
        if name not in fields:
            raise InputError(f"a row of {kind} has no field {name!r}; {suggest_shown(name, fields)}", path=path)
    for column in (*mapped.columns.values(), *mapped.metadata):
        if column not in known:
            raise InputError(f"there is no column {column!r}; {suggest_shown(column, known)}", path=path)
    if mapped.metadata and "metadata" not in fields:
        raise InputError(f"a row of {kind} has no metadata", path=path)
    if mapped.metadata and "metadata" in mapped.columns:
        raise InputError("the metadata is either one column or made of several, not both", path=path)
    if mapped.system is not None and "system" not in fields:
        raise InputError(f"a row of {kind} has no system prompt", path=path)


def _suggest_mapping(name: str, known: Sequence[str]) -> str:
    lower = {column.lower(): column for column in reversed(known)}
    near = next((called for called in (name.lower(), *_ALSO_CALLED.get(name, ())) if called in lower), None)
    near = near or near_match(name, lower)
    if near is not None:
        return f"did you mean --map {quote(f'{name}={shown(lower[near])}')}?"
    if len(known) == 1 and any(delimiter in known[0] for delimiter in DELIMITERS):
        return f"the only column is {shown(known[0])}: is --delimiter right?"
    return f"name it with --map {name}=COLUMN; there are: {listed(known)}"
