"""`run.json` and `results_*.json`: what a run says of itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, NonNegativeInt, TypeAdapter, ValidationError

from evalayer import Aggregation
from evalayer_lab._errors import InputError
from evalayer_lab._names import METRIC_PREFIX

MAX_BYTES: Final = 64 << 20
T = TypeVar("T")


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)


class MetricInfo(_Record):
    """A metric as its task declared it.

    Attributes:
        name: what it reports under.
        parts: what it reports, each as `<name>.<part>`; empty if it reports one number, `<name>`.
        corpus: whether its parts are counters from which the values of the whole dataset are decoded.
        higher_is_better: which way is good; None where neither is, or nobody said.
    """

    name: Annotated[str, Field(min_length=1)]
    parts: tuple[str, ...] = ()
    corpus: bool = False
    higher_is_better: bool | None = None

    @property
    def reported(self) -> tuple[str, ...]:
        """The names it reports values under, without `<name>.unscored`."""
        return tuple(f"{self.name}.{part}" for part in self.parts) or (self.name,)


class RowCounts(_Record):
    """What became of the dataset's rows.

    Attributes:
        read: good rows of the dataset.
        bad: rows left out because their line is broken.
        failed: rows on which inference or the handler failed.
        scored: rows that were folded.
    """

    read: NonNegativeInt
    bad: NonNegativeInt
    failed: NonNegativeInt
    scored: NonNegativeInt


class Backend(_Record):
    """Where the answers came from."""

    name: str


class RunInfo(_Record):
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

    run_name: str
    status: str = "complete"
    evalayer: str | None = None
    started: str | None = None
    aggregation: Aggregation | None = None
    task: str | None = None
    backend: Backend | None = None
    rows: RowCounts | None = None
    failures: dict[str, NonNegativeInt] = {}
    unscored: dict[str, dict[str, NonNegativeInt]] = {}
    metrics: tuple[MetricInfo, ...] = ()
    decoded: dict[str, float | None] = {}
    assumptions: tuple[str, ...] = ()


def read_run_file(path: Path) -> RunInfo:
    """Read `run.json`.

    Raises:
        InputError: it cannot be read, a field is of the wrong type, or the run is not complete.
    """
    run = _read(path, TypeAdapter(RunInfo))
    if run.status != "complete":
        raise InputError(f"the run is {run.status!r}, not complete; finish it first", path=path, field="status")
    names = [metric.name for metric in run.metrics]
    if len(set(names)) != len(names):
        raise InputError("two metrics have one name", path=path, field="metrics")
    return run


class _Results(_Record):
    results: dict[str, dict[str, JsonValue]]


def read_reported(path: Path) -> dict[str, float]:
    """Read the folded values that the job reports: `all`, or else the first task that has any, without `lambda_`.

    Raises:
        InputError: the file cannot be read, or is not of this form.
    """
    results = _read(path, TypeAdapter(_Results)).results
    values = results.get("all") or next((values for values in results.values() if values), {})
    numbers = {
        key: float(value)
        for key, value in values.items()
        if isinstance(value, int | float) and abs(value) <= sys.float_info.max
    }
    own = {key: value for key, value in numbers.items() if plain_name(key) == key}
    return own | {plain_name(key): value for key, value in numbers.items() if key not in own}


def plain_name(key: str) -> str:
    """The name a handler reported under, from the key that the container made of it.

    >>> plain_name("lambda_class.correct")
    'class.correct'
    """
    name = key.removeprefix(METRIC_PREFIX) or key
    return name if name.isascii() else name.encode("utf-8", "backslashreplace").decode("utf-8")


def _read(path: Path, adapter: TypeAdapter[T]) -> T:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"larger than {MAX_BYTES >> 20} MiB", path=path)
        return adapter.validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=path) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or None
        raise InputError(first["msg"], path=path, field=field) from None
