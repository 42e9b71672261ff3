"""Documents of reports for tests: of real runs, odd ones, and anything that the model allows."""

import dataclasses
import functools
import json
import tempfile
import types
import typing
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from pydantic import BaseModel
from tests.lab.report.output_folder import class_info, class_row, score_info, score_row, write_run
from tests.lab.report.ticket_rows import mixed_rows, read_tickets, ticket

from evalayer_lab.report import Document, analyse
from evalayer_lab.results import read_results

HOSTILE = (
    "<script>alert(1)</script>",
    "</style></title><img src=x onerror=alert(1)>",
    "\" onfocus='alert(1)' autofocus x=`",
    "&lt;script&gt; &amp; ]]> <!-- -->",
    "a \u202egnp.exe\u202c b \u2066 \u200f",
    "\x00\x07\x1b[31m\x7f\x9f\r\n",
    "lone \ud800 and \udfff, \ufffe, \U0001ffff",
    "w" * 100_000,
    "שלום עולם",
    "",
)
NAME = {"run_name": "support_tickets", "task": "support_tickets", "unscored": {"grade": {"no text": 80}}}


@functools.cache
def tickets(count: int = 400) -> Document:
    """A report on rows of every kind, compared with a run on half of them."""
    rows = mixed_rows(count)
    with tempfile.TemporaryDirectory() as folder:
        this = read_tickets(Path(folder) / "this", rows, run=NAME)
        other = [ticket(index, "access", "network", confidence=0.5) for index in range(3)]
        those = read_tickets(Path(folder) / "other", [*rows[::2], *other], run={"run_name": "baseline"})
        return analyse(this, other=those, margin=0.02, max_risk=0.5, texts=True)


def one_row() -> Document:
    """A single row."""
    with tempfile.TemporaryDirectory() as folder:
        return analyse(read_tickets(Path(folder) / "run", [ticket(0, confidence=0.9, metadata={"domain": "a"})]))


@functools.cache
def bare() -> Document:
    """The least that a report can say."""
    return _of_run("bare", [], metrics=[])


def without_values() -> Document:
    """Metrics and classes without a single value."""
    rows = [score_row("grade", None) | class_row(None, None)] * 12
    return _of_run("without_values", rows, metrics=[score_info("grade"), class_info()])


@functools.cache
def many_labels(n: int = 40) -> Document:
    """More labels than a matrix can show."""
    labels = [f"label {index:03d}" for index in range(n)]
    rows = [class_row(label, label if index % 7 else labels[index - 1], labels) for index, label in enumerate(labels)]
    return _of_run("many_labels", [*rows, *rows[:1], *rows[7:8] * 3], metrics=[class_info(labels)])


@functools.cache
def many_segments(n: int = 200) -> Document:
    """More segments than can be listed; the names are long."""
    names = [f"customer {index} " + "long_name_" * 12 for index in range(n)]
    rows = [score_row("grade", float(index % 41 % 2)) for index in range(10 * n)]
    metadata = [json.dumps({"customer": names[index % n], "tiny": str(index // 200 % 2)}) for index in range(10 * n)]
    metadata[:17] = [json.dumps({"tiny": f"few {index}"}) for index in range(17)]
    return _of_run("long_" * 20, rows, metrics=[score_info("grade")], metadata=metadata)


def hostile() -> Document:
    """Hostile text wherever text goes."""
    tainted: Document = _tainted(tickets(), iter(HOSTILE * 1000))
    return tainted


def _of_run(name: str, rows: list[dict[str, float]], **options: Any) -> Document:
    with tempfile.TemporaryDirectory() as folder:
        return analyse(read_results(write_run(Path(folder) / name, rows, **options), cache=False))


@functools.cache
def documents() -> st.SearchStrategy[Document]:
    """Any document that the model allows, texts hostile, numbers and lengths of lists in any relation."""
    return typing.cast("st.SearchStrategy[Document]", _strategy(Document))


_SHARES = st.floats(0, 1)
_NUMBERS = st.one_of(
    _SHARES, _SHARES, st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([0.0, -0.0, 1.0, 1e-300])
)
_TEXTS = st.one_of(
    st.sampled_from([text for text in HOSTILE if len(text) < 1000]), st.text(max_size=8), st.sampled_from(["a", "b"])
)


@functools.cache
def _strategy(annotation: Any) -> st.SearchStrategy[Any]:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    plain = {str: _TEXTS, int: st.integers(0, 10**9) | st.integers(-3, 3), float: _NUMBERS, bool: st.booleans()}
    if annotation in plain:
        return plain[annotation]
    if annotation is type(None):
        return st.none()
    if origin is typing.Literal:
        return st.sampled_from(arguments)
    if origin in {typing.Union, types.UnionType}:
        return st.one_of(*map(_strategy, arguments))
    if origin is tuple:
        return st.lists(_strategy(arguments[0]), max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(_strategy(arguments[0]), _strategy(arguments[1]), max_size=3)
    record: type[Any] = annotation
    assert issubclass(record, BaseModel) or dataclasses.is_dataclass(record), annotation
    fields = _fields(record)
    return st.builds(record, **{name: _strategy(field) for name, field in fields.items()})


def _fields(record: type[Any]) -> dict[str, Any]:
    """The fields of a model or a record with their types."""
    if dataclasses.is_dataclass(record):
        return typing.get_type_hints(record)
    return {name: field.annotation for name, field in record.model_fields.items()}


def _tainted(value: Any, texts: Any) -> Any:
    """The same with every text replaced, except those from a fixed choice."""
    if isinstance(value, BaseModel) or dataclasses.is_dataclass(value):
        changes = {
            name: _tainted(getattr(value, name), texts)
            for name, field in _fields(type(value)).items()
            if typing.get_origin(field) is not typing.Literal
        }
        if isinstance(value, BaseModel):
            return value.model_copy(update=changes)
        return dataclasses.replace(typing.cast("Any", value), **changes)
    if isinstance(value, tuple):
        return tuple(_tainted(item, texts) for item in value)
    if isinstance(value, dict):
        return {_tainted(key, texts): _tainted(item, texts) for key, item in value.items()}
    return next(texts) if isinstance(value, str) else value
