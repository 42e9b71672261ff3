"""Documents of reports for tests: support tickets, odd ones, and anything that the model allows."""

import functools
import types
import typing
from typing import Any

from hypothesis import strategies as st
from pydantic import BaseModel
from tests.lab.report.estimates import share
from tests.lab.report.ticket_document import tickets

from evalayer_lab.report import Document, Estimate
from evalayer_lab.report._document import Classification, Join, Label, Metric, Rows, Run, Segment, Segments

__all__ = [
    "HOSTILE",
    "bare",
    "documents",
    "hostile",
    "many_labels",
    "many_segments",
    "one_row",
    "tickets",
    "without_values",
]

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


def bare(**changes: Any) -> Document:
    """The least that a report can say."""
    given: dict[str, Any] = {
        "evalayer": "0.2.0",
        "run": Run(name="bare", folder="output/bare", digest="0" * 64),
        "rows": Rows(scored=0),
        "join": Join(),
        "metrics": (),
        "no_confidence": "The answers hold no log probabilities. Set `top_logprobs: 2` in the recipe and run again.",
    }
    return Document(**(given | changes))


def one_row() -> Document:
    """A single row."""
    return tickets(1, compared=False)


def without_values() -> Document:
    """Metrics and classes without a single value."""
    nothing = Estimate(value=None, method="wilson", n=0, n_unscored=12)
    label = Label(label="hardware", gold=0, predicted=0, precision=nothing, recall=nothing, f1=nothing)
    return bare(
        rows=Rows(expected=12, read=12, failed=0, scored=12),
        metrics=(Metric(name="grade", metric="grade", higher_is_better=True, estimate=nothing, worst=0.0, best=1.0),),
        classifications=(
            Classification(metric="class", figures={"accuracy": nothing}, labels=(label,), confusion=((0, 0),)),
        ),
        segments=Segments(
            metric="grade", higher_is_better=True, whole=nothing, min_rows=10, too_small=3, ranked=(), n_ranked=0
        ),
    )


def many_labels(n: int = 200) -> Document:
    """More labels than a matrix can show."""
    return tickets(5000, [f"label {index:03d}" for index in range(n)], compared=False)


def many_segments(n: int = 1000) -> Document:
    """More segments than can be listed; the names are long."""
    ranked = tuple(
        Segment(
            conditions={"customer": f"customer {index} " + "long_name_" * 12}, rows=40, estimate=share(index % 41, 40)
        )
        for index in range(100)
    )
    whole = share(20 * n, 40 * n)
    segments = Segments(
        metric="class.correct", higher_is_better=True, whole=whole, min_rows=10, too_small=17, ranked=ranked, n_ranked=n
    )
    return bare(segments=segments, run=Run(name="long_" * 60, folder="f" * 500, digest="1" * 64))


def hostile() -> Document:
    """Hostile text wherever text goes."""
    tainted: Document = _tainted(tickets(), iter(HOSTILE * 1000))
    return tainted


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
    assert issubclass(annotation, BaseModel), annotation
    fields = {name: _strategy(field.annotation) for name, field in annotation.model_fields.items()}
    return st.builds(annotation, **fields)


def _tainted(value: Any, texts: Any) -> Any:
    """The same with every text replaced, except those from a fixed choice."""
    if isinstance(value, BaseModel):
        fixed = {
            name
            for name, field in type(value).model_fields.items()
            if typing.get_origin(field.annotation) is typing.Literal
        }
        changes = {
            name: _tainted(getattr(value, name), texts) for name in type(value).model_fields if name not in fixed
        }
        return value.model_copy(update=changes)
    if isinstance(value, tuple):
        return tuple(_tainted(item, texts) for item in value)
    if isinstance(value, dict):
        return {_tainted(key, texts): _tainted(item, texts) for key, item in value.items()}
    return next(texts) if isinstance(value, str) else value
