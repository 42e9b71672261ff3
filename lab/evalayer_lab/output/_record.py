"""What a run says of itself: `run.json`, and the values that the job reports in `results_*.json`."""

from __future__ import annotations

import json
import math
import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, TypeAlias, TypeVar

from annotated_types import Ge, MinLen

from evalayer import Aggregation, CorpusMetric, Task, label_of, label_part
from evalayer_lab.inputs import InputError, reading
from evalayer_lab.output._text import clean
from evalayer_lab.output._tree import RECORD
from evalayer_lab.output._write import Totals

CORRECT: Final = "correct"
COUNTERS: Final = ("tp", "fp", "fn")
_MAX_BYTES: Final = 64 << 20
_LIBRARIES: Final = ("evalayer", "jsonschema", "jsonschema-rs", "numpy", "pyarrow", "scikit-learn")
_ASSUMPTIONS: Final = (
    "A row on which the model or the handler fails is left out of the aggregates and counted; "
    "what the container does with it is not documented.",
    "Metric names carry the prefix lambda_ in eval_results, as rft_eval jobs write them; "
    "the naming for custom metrics of gen_qa is not documented.",
    "The container's own text metrics (rouge, em, qem, f1, bleu) are not computed.",
)
_Count: TypeAlias = Annotated[int, Ge(0)]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MetricInfo:
    """A metric as its task declared it.

    Attributes:
        name: what it reports under.
        parts: what it reports, each as `<name>.<part>`; empty if it reports one number, `<name>`.
        corpus: whether its parts are counters from which the values of the whole dataset are decoded.
        higher_is_better: which way is good; None where neither is, or the metric does not say.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = {"strict": True}

    name: Annotated[str, MinLen(1)]
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
        wanted = {CORRECT, *(f"{counter}.{label}" for counter in COUNTERS for label in encoded)}
        return tuple(map(label_of, encoded)) if wanted <= set(self.parts) else ()

    def gold_counters(self, label: str) -> tuple[str, ...]:
        """The names of the counters that say that a row's gold is this label of a classification."""
        return tuple(f"{self.name}.{label_part(counter, label)}" for counter in ("tp", "fn"))

    def predicted_counters(self, label: str) -> tuple[str, ...]:
        """The names of the counters that say that a row's prediction is this label of a classification."""
        return tuple(f"{self.name}.{label_part(counter, label)}" for counter in ("tp", "fp"))


@dataclass(frozen=True, slots=True)
class RowCounts:
    """What became of the dataset's rows.

    Attributes:
        read: good rows of the dataset.
        bad: rows left out because their line is broken.
        failed: rows on which inference or the handler failed.
        scored: rows that were folded.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = {"strict": True}

    read: _Count
    bad: _Count
    failed: _Count
    scored: _Count


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """`run.json`. Of a run without the file, only the name and what the rows show is known.

    Attributes:
        status: `"complete"` once every row is folded.
        evalayer: the version that wrote it.
        python: the version that it ran on.
        libraries: the versions of what the outcome may depend on.
        run_name: `run.name` of the recipe.
        started: when, ISO 8601.
        aggregation: how the job folded each reported name; None if unknown.
        task: the task's name.
        paths: where the recipe, the dataset and the handler were.
        recipe: the recipe.
        dataset: the hash of the dataset, and how many of its rows were to be taken.
        handler: the hash of the handler's sources.
        backend: where the answers came from: its `name`, and whatever else they depend on.
        rows: what became of the dataset's rows; None if unknown.
        failures: failed rows by kind.
        metrics: the task's metrics in the order of their declaration.
        unscored: by metric, the number of rows that it did not score, by reason; the commonest reasons.
        aggregates: the folded values, by reported name.
        decoded: the values of corpus metrics, by reported name; None where a value is undefined.
        undecoded: by metric, why its values could not be decoded.
        uneven: the number of rows that reported a name, where that is not all of them.
        assumptions: what the run assumed where the container's behaviour is not known.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = {"strict": True}

    status: str = "complete"
    evalayer: str | None = None
    python: str | None = None
    libraries: dict[str, str] = field(default_factory=dict)
    run_name: str
    started: str | None = None
    aggregation: Aggregation | None = None
    task: str | None = None
    paths: dict[str, str] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    dataset: dict[str, Any] = field(default_factory=dict)
    handler: dict[str, Any] = field(default_factory=dict)
    backend: dict[str, Any] | None = None
    rows: RowCounts | None = None
    failures: dict[str, _Count] = field(default_factory=dict)
    metrics: tuple[MetricInfo, ...] = ()
    unscored: dict[str, dict[str, _Count]] = field(default_factory=dict)
    aggregates: dict[str, float] = field(default_factory=dict)
    decoded: dict[str, float | None] = field(default_factory=dict)
    undecoded: dict[str, str] = field(default_factory=dict)
    uneven: dict[str, _Count] = field(default_factory=dict)
    assumptions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.backend is not None and not isinstance(self.backend.get("name"), str):
            raise ValueError("a backend without a name")
        if not all(value is None or math.isfinite(value) for value in self.decoded.values()):
            raise ValueError("a decoded value that is not finite")


def write_record(
    folder: Path,
    fingerprint: Mapping[str, Any],
    totals: Totals,
    *,
    started: str,
    task: Task | None,
    paths: Mapping[str, object],
    bad_rows: int,
) -> None:
    """Write `run.json`, whole or not at all: with it the run counts as finished.

    Args:
        folder: the run's folder.
        fingerprint: everything that the outcome depends on.
        totals: what was folded.
        started: when the run began, ISO 8601.
        task: the task that reported the metrics, if it is known.
        paths: where the recipe, the dataset and the handler are.
        bad_rows: the number of rows left out because their line is broken.
    """
    aggregator = totals.aggregator
    values = aggregator.values()
    undecoded: dict[str, str] = {}
    decoded: dict[str, float | None] = {}
    if task is not None and aggregator.aggregation in {"average", "sum"} and values:
        decoded |= task.decode(values, aggregator.rows, lambda name, error: undecoded.update({name: repr(error)}))
    record = RunRecord(
        evalayer=fingerprint["evalayer"],
        python=platform.python_version(),
        libraries={name: found for name in _LIBRARIES if (found := _version(name))},
        run_name=folder.name,
        started=started,
        aggregation=aggregator.aggregation,
        task=None if task is None else task.name,
        paths={name: str(path) for name, path in paths.items()},
        recipe=fingerprint["recipe"],
        dataset={"sha256": fingerprint["dataset"], "limit": fingerprint["limit"]},
        handler={"sha256": fingerprint["handler"][1]},
        backend=fingerprint["backend"],
        rows=RowCounts(read=totals.processed, bad=bad_rows, failed=totals.failures.total(), scored=aggregator.rows),
        failures=dict(sorted(totals.failures.items())),
        metrics=tuple(
            MetricInfo(
                name=metric.name,
                parts=tuple(metric.parts),
                corpus=isinstance(metric, CorpusMetric),
                higher_is_better=metric.higher_is_better,
            )
            for metric in (() if task is None else task.metrics)
        ),
        unscored={metric: dict(reasons.most_common()) for metric, reasons in sorted(totals.unscored.items())},
        aggregates=values,
        decoded=decoded,
        undecoded=undecoded,
        uneven={name: count for name in values if (count := aggregator.count(name)) != aggregator.rows},
        assumptions=_ASSUMPTIONS,
    )
    path = folder / RECORD
    draft = path.with_suffix(".json.tmp")
    draft.write_text(json.dumps(_cleaned(asdict(record)), indent=2) + "\n", encoding="ascii")
    draft.replace(path)


def read_record(path: Path) -> RunRecord:
    """Read `run.json`.

    Raises:
        InputError: it cannot be read, a field is of the wrong type, or the run is not complete.
    """
    record = _read(path, RunRecord)
    if record.status != "complete":
        raise InputError(f"the run is {record.status!r}, not complete; finish it first", path=path, field="status")
    names = [metric.name for metric in record.metrics]
    if len(set(names)) != len(names):
        raise InputError("two metrics have the same name", path=path, field="metrics")
    return record


def read_reported(path: Path) -> dict[str, float]:
    """Read the folded values that the job reports, by the key it gives them: `all`, or else the first task with any.

    Raises:
        InputError: the file cannot be read, or is not of this form.
    """
    results = _read(path, _Reported).results
    values = results.get("all") or next((values for values in results.values() if values), {})
    return {
        key: float(value)
        for key, value in values.items()
        if isinstance(value, int | float) and abs(value) <= sys.float_info.max
    }


@dataclass(frozen=True, slots=True)
class _Reported:
    __pydantic_config__: ClassVar[dict[str, object]] = {"strict": True}

    results: dict[str, dict[str, Any]]


def _read(path: Path, kind: type[T]) -> T:
    from pydantic import TypeAdapter, ValidationError  # reading results a second time does without

    try:
        with reading(path):
            if path.stat().st_size > _MAX_BYTES:
                raise InputError(f"larger than {_MAX_BYTES >> 20} MiB", path=path)
            return TypeAdapter(kind).validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or None
        raise InputError(first["msg"], path=path, field=place) from None


def _cleaned(value: Any) -> Any:
    """The name of a file or of a metric may hold bytes or halves of characters that a file in UTF-8 cannot."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(each) for key, each in value.items()}
    return [_cleaned(each) for each in value] if isinstance(value, list | tuple) else value


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
