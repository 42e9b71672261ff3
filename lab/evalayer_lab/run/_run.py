"""A whole run: the local twin of an evaluation job."""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import file_digest
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from evalayer import CorpusMetric, __version__
from evalayer_lab._errors import InputError
from evalayer_lab.backends import Backend
from evalayer_lab.dataset import Problem, read_gen_qa
from evalayer_lab.handler import LoadedHandler
from evalayer_lab.recipe import Recipe
from evalayer_lab.run._journal import Journal
from evalayer_lab.run._output import Totals, write_results, write_rows
from evalayer_lab.run._pipeline import MetricFailure, OnProgress, Pipeline, StageSeconds

_JOURNAL: Final = "journal.jsonl"
_RECORD: Final = "run.json"
_KEPT_PROBLEMS: Final = 100
_KEPT_REASONS: Final = 20
_WRITTEN: Final = ("eval_results", "tensorboard_results", "failures.jsonl", _JOURNAL, _RECORD)
_ASSUMPTIONS: Final = (
    "A row on which the model or the handler fails is left out of the aggregates and counted; "
    "what the container does with it is not documented.",
    "Metric names carry the prefix lambda_ in eval_results, as rft_eval jobs write them; "
    "the naming for custom metrics of gen_qa is not documented.",
    "The container's own text metrics (rouge, em, qem, f1, bleu) are not computed.",
)


@dataclass(frozen=True)
class RunPlan:
    """What to run.

    Attributes:
        recipe: the evaluation recipe, of the gen_qa kind.
        data: the dataset.
        handler: the Lambda function.
        backend: the model.
        output: the folder under which the run's own folder, named by the recipe, is written.
        limit: the number of rows to take from the dataset's start; None for all.
        strict: stop at the first broken row of the dataset instead of leaving it out.
        overwrite: replace what an earlier run has written there.
    """

    recipe: Recipe
    data: Path
    handler: LoadedHandler
    backend: Backend
    output: Path
    limit: int | None = None
    strict: bool = False
    overwrite: bool = False

    @property
    def folder(self) -> Path:
        """The run's own folder."""
        return self.output / self.recipe.run.name


@dataclass(frozen=True)
class RunOutcome:
    """What a run did.

    Attributes:
        folder: the run's folder.
        resumed: the number of rows that an earlier, unfinished run had done.
        processed: the number of rows that went through the pipeline, by this run and the earlier one.
        scored: the number of rows that were folded.
        failures: the number of rows that failed, by stage and kind.
        metric_failures: the metrics that raised in this run: on how many rows, and the first failure.
        problems: what is wrong with the dataset, in the order of its lines; the first of them.
        problem_count: how many there are in all.
        seconds: where the time went.
    """

    folder: Path
    resumed: int
    processed: int
    scored: int
    failures: Mapping[str, int]
    metric_failures: Mapping[str, MetricFailure]
    problems: Sequence[Problem] = field(repr=False)
    problem_count: int
    seconds: StageSeconds = field(repr=False)


def run(plan: RunPlan, on_progress: OnProgress = lambda rows: None) -> RunOutcome:
    """Run an evaluation job on this machine and write what the container writes.

    A run that was killed goes on where its journal ends and gives the same output as one that was not.

    Args:
        plan: what to run.
        on_progress: called with the number of rows of each batch that is done, resumed ones first.

    Raises:
        InputError: the dataset cannot be read, or the folder holds another run.
    """
    folder = plan.folder
    _prepare(folder, overwrite=plan.overwrite)
    journal = Journal(folder / _JOURNAL, _fingerprint(plan), _now())
    resumed = journal.done
    on_progress(resumed)
    problems = _Problems()
    processor = plan.recipe.processor
    pipeline = Pipeline(
        plan.handler,
        plan.backend,
        preprocessing=processor.preprocessing.enabled,
        postprocessing=processor.postprocessing.enabled,
    )
    try:
        rows = read_gen_qa(plan.data, on_problem=problems.add, strict=plan.strict)
        pipeline.process(islice(rows, plan.limit), journal, on_progress)
        started = perf_counter()
        timestamp = journal.started.replace(":", "-")
        totals = write_rows(
            folder,
            journal.entries(),
            aggregation=processor.aggregation,
            model=plan.backend.name,
            timestamp=timestamp,
        )
        values = totals.aggregator.values()
        write_results(folder, values, model=plan.backend.name, started=journal.started, timestamp=timestamp)
        _write_record(plan, journal, totals, values, problems)
        pipeline.seconds.write = perf_counter() - started
    finally:
        journal.close()
    (folder / _JOURNAL).unlink()
    return RunOutcome(
        folder=folder,
        resumed=resumed,
        processed=totals.processed,
        scored=totals.aggregator.rows,
        failures=dict(totals.failures),
        metric_failures=pipeline.metric_failures,
        problems=problems.first,
        problem_count=problems.count,
        seconds=pipeline.seconds,
    )


class _Problems:
    """The problems of a dataset, counted; only the first are kept."""

    def __init__(self) -> None:
        self.first: list[Problem] = []
        self.count = 0
        self.bad_rows = 0
        self._last_bad: int | None = None

    def add(self, problem: Problem) -> None:
        self.count += 1
        if len(self.first) < _KEPT_PROBLEMS:
            self.first.append(problem)
        if problem.severity == "error" and problem.line != self._last_bad:
            self.bad_rows += 1
            self._last_bad = problem.line


def _prepare(folder: Path, *, overwrite: bool) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the output folder: {error.strerror}", path=folder) from error
    if overwrite:
        for name in _WRITTEN:
            path = folder / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    elif (folder / _RECORD).exists():
        raise InputError("a finished run is here; use --overwrite to replace it, or another --output", path=folder)


def _now() -> str:
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    moment = datetime.fromtimestamp(int(epoch), UTC) if epoch and epoch.isdigit() else datetime.now(UTC)
    return moment.isoformat(timespec="microseconds")


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=path) from error


def _fingerprint(plan: RunPlan) -> dict[str, Any]:
    return {
        "evalayer": __version__,
        "recipe": plan.recipe.model_dump(mode="json"),
        "data": _sha256(plan.data),
        "handler": plan.handler.sha256,
        "backend": {"name": plan.backend.name, **plan.backend.settings},
        "limit": plan.limit,
    }


def _write_record(
    plan: RunPlan, journal: Journal, totals: Totals, values: Mapping[str, float], problems: _Problems
) -> None:
    task = plan.handler.task
    aggregator = totals.aggregator
    foldable = aggregator.aggregation in {"average", "sum"} and aggregator.rows and values
    fingerprint = _fingerprint(plan)
    record = {
        "status": "complete",
        "evalayer": __version__,
        "python": platform.python_version(),
        "run_name": plan.recipe.run.name,
        "started": journal.started,
        "aggregation": aggregator.aggregation,
        "task": None if task is None else task.name,
        "recipe": fingerprint["recipe"],
        "dataset": {"path": str(plan.data), "sha256": fingerprint["data"], "limit": plan.limit},
        "handler": {"spec": plan.handler.spec, "sha256": fingerprint["handler"]},
        "backend": fingerprint["backend"],
        "rows": {
            "read": totals.processed,
            "bad": problems.bad_rows,
            "failed": totals.failures.total(),
            "scored": aggregator.rows,
        },
        "failures": dict(sorted(totals.failures.items())),
        "metrics": [
            {
                "name": metric.name,
                "parts": list(metric.parts),
                "corpus": isinstance(metric, CorpusMetric),
                "higher_is_better": metric.higher_is_better,
            }
            for metric in (() if task is None else task.metrics)
        ],
        "unscored": {
            metric: dict(reasons.most_common(_KEPT_REASONS)) for metric, reasons in sorted(totals.unscored.items())
        },
        "aggregates": values,
        "decoded": task.decode(values, aggregator.rows) if task is not None and foldable else {},
        "uneven": {name: aggregator.count(name) for name in values if aggregator.count(name) != aggregator.rows},
        "assumptions": list(_ASSUMPTIONS),
    }
    path = plan.folder / _RECORD
    draft = path.with_suffix(".json.tmp")
    draft.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    draft.replace(path)
