"""`run.json` and `results_*.json`: what a run says of itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, TypeVar

from evalayer import Aggregation, label_of
from evalayer_lab.inputs import InputError
from evalayer_lab.output import METRIC_PREFIX

if TYPE_CHECKING:
    from pydantic import TypeAdapter

MAX_BYTES: Final = 64 << 20
UNSCORED: Final = ".unscored"
COUNTERS: Final = ("tp", "fp", "fn")
_CORRECT: Final = "correct"
T = TypeVar("T")


class _Limit:
    """A limit on a field, for pydantic, which is not imported before a file is read."""

    def __init__(self, **limits: int) -> None:
        self._limits = limits

    def __get_pydantic_core_schema__(self, source: object, handler: Callable[[object], Any]) -> Any:
        return {**handler(source), **self._limits}


_Count = Annotated[int, _Limit(ge=0)]
_STRICT: Final[dict[str, object]] = {"strict": True, "allow_inf_nan": False}


@dataclass(frozen=True, slots=True)
class MetricInfo:
    """A metric as its task declared it.

    Attributes:
        name: what it reports under.
        parts: what it reports, each as `<name>.<part>`; empty if it reports one number, `<name>`.
        corpus: whether its parts are counters from which the values of the whole dataset are decoded.
        higher_is_better: which way is good; None where neither is, or nobody said.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    name: Annotated[str, _Limit(min_length=1)]
    parts: tuple[str, ...] = ()
    corpus: bool = False
    higher_is_better: bool | None = None

    @property
    def reported(self) -> tuple[str, ...]:
        """The names it reports values under, without `<name>.unscored`."""
        return tuple(f"{self.name}.{part}" for part in self.parts) or (self.name,)

    @property
    def class_labels(self) -> tuple[str, ...]:
        """The labels of a classification, which reports `correct` and three counters of each label; else none."""
        encoded = [part.removeprefix("tp.") for part in self.parts if part.startswith("tp.")]
        wanted = {_CORRECT, *(f"{counter}.{label}" for counter in COUNTERS for label in encoded)}
        return tuple(map(label_of, encoded)) if wanted <= set(self.parts) else ()


@dataclass(frozen=True, slots=True)
class RowCounts:
    """What became of the dataset's rows.

    Attributes:
        read: good rows of the dataset.
        bad: rows left out because their line is broken.
        failed: rows on which inference or the handler failed.
        scored: rows that were folded.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    read: _Count
    bad: _Count
    failed: _Count
    scored: _Count


@dataclass(frozen=True, slots=True)
class Backend:
    """Where the answers came from."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    name: str


@dataclass(frozen=True, slots=True)
class RunInfo:
    """The part of `run.json` that a report uses. Without the file, only the name and what the rows show is known.

    Attributes:
        run_name: `run.name` of the recipe.
        status: `"complete"` once every row is folded.
        evalayer: the version that wrote it.
        started: when, ISO 8601.
        aggregation: how the job folded each reported name; None if unknown.
        task: the task's name.
        backend: where the answers came from.
        rows: what became of the dataset's rows; None if unknown.
        failures: failed rows by kind.
        unscored: by metric, the number of rows that it did not score, by reason; the commonest reasons.
        metrics: the task's metrics in the order of their declaration.
        decoded: the values of corpus metrics, by reported name; None where a value is undefined.
        assumptions: what the run assumed where the container's behaviour is not known.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    run_name: str
    status: str = "complete"
    evalayer: str | None = None
    started: str | None = None
    aggregation: Aggregation | None = None
    task: str | None = None
    backend: Backend | None = None
    rows: RowCounts | None = None
    failures: dict[str, _Count] = field(default_factory=dict)
    unscored: dict[str, dict[str, _Count]] = field(default_factory=dict)
    metrics: tuple[MetricInfo, ...] = ()
    decoded: dict[str, float | None] = field(default_factory=dict)
    assumptions: tuple[str, ...] = ()


def read_run_file(path: Path) -> RunInfo:
    """Read `run.json`.

    Raises:
        InputError: it cannot be read, a field is of the wrong type, or the run is not complete.
    """
    run = _read(path, _run_adapter())
    if run.status != "complete":
        raise InputError(f"the run is {run.status!r}, not complete; finish it first", path=path, field="status")
    names = [metric.name for metric in run.metrics]
    if len(set(names)) != len(names):
        raise InputError("two metrics have one name", path=path, field="metrics")
    return run


def run_from(document: Mapping[str, Any]) -> RunInfo:
    """Restore a record from what `dataclasses.asdict` and JSON made of it."""
    fields = dict(document)
    fields["backend"] = Backend(**fields["backend"]) if fields["backend"] else None
    fields["rows"] = RowCounts(**fields["rows"]) if fields["rows"] else None
    fields["metrics"] = metrics_from(fields["metrics"])
    fields["assumptions"] = tuple(fields["assumptions"])
    return RunInfo(**fields)


def metrics_from(documents: Iterable[Mapping[str, Any]]) -> tuple[MetricInfo, ...]:
    """Restore records from what `dataclasses.asdict` and JSON made of them."""
    return tuple(MetricInfo(**{**document, "parts": tuple(document["parts"])}) for document in documents)


def read_reported(path: Path) -> dict[str, float]:
    """Read the folded values that the job reports: `all`, or else the first task that has any, without `lambda_`.

    Raises:
        InputError: the file cannot be read, or is not of this form.
    """
    results = _read(path, _results_adapter()).results
    values = results.get("all") or next((values for values in results.values() if values), {})
    numbers = {
        key: float(value)
        for key, value in values.items()
        if isinstance(value, int | float) and abs(value) <= sys.float_info.max
    }
    own = {key: value for key, value in numbers.items() if plain_name(key) == key}
    return own | {plain_name(key): value for key, value in numbers.items() if key not in own}


def metrics_of(run: RunInfo, names: Mapping[str, object]) -> tuple[MetricInfo, ...]:
    """Every metric of the rows: the task's in order of declaration, then others, inferred, in order of name."""
    declared = {name for metric in run.metrics for name in (*metric.reported, metric.name + UNSCORED)}
    inferred: dict[str, list[str]] = {}
    for name in sorted(names):
        if name not in declared:
            metric, _, part = name.partition(".")
            inferred.setdefault(metric or name, []).append(part)
    others = []
    for name, parts in inferred.items():
        if "" in parts:  # it reports a number of its own
            others.append(MetricInfo(name=name))
        elif parts != ["unscored"]:
            values = tuple(part for part in parts if part != "unscored")
            others.append(MetricInfo(name=name, parts=values, higher_is_better=True if _CORRECT in values else None))
    known = {metric.name for metric in run.metrics}
    return (*run.metrics, *(metric for metric in others if metric.name not in known))


def plain_name(key: str) -> str:
    """The name a handler reported under, from the key that the container made of it.

    >>> plain_name("lambda_class.correct")
    'class.correct'
    """
    return column_text(key.removeprefix(METRIC_PREFIX) or key)


def column_text(name: str) -> str:
    """A name as it can stand in a query: without NUL and halves of surrogate pairs."""
    return clean(name).replace("\0", "\\0")


def clean(text: str) -> str:
    r"""Write halves of surrogate pairs, which no file in UTF-8 holds, as `\ud800`.

    >>> clean("\ud800")
    '\\ud800'
    """
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


@dataclass(frozen=True, slots=True)
class _Results:
    __pydantic_config__: ClassVar[dict[str, object]] = {"strict": True}

    results: dict[str, dict[str, Any]]


@cache
def _run_adapter() -> TypeAdapter[RunInfo]:
    from pydantic import TypeAdapter

    return TypeAdapter(RunInfo)


@cache
def _results_adapter() -> TypeAdapter[_Results]:
    from pydantic import TypeAdapter

    return TypeAdapter(_Results)


def _read(path: Path, adapter: TypeAdapter[T]) -> T:
    from pydantic import ValidationError

    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"larger than {MAX_BYTES >> 20} MiB", path=path)
        return adapter.validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=path) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or None
        raise InputError(first["msg"], path=path, field=place) from None
