"""A whole run: the local twin of an evaluation job."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import file_digest
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from evalayer import __version__
from evalayer_lab.backends import Backend
from evalayer_lab.dataset import read_gen_qa
from evalayer_lab.function import LoadedHandler
from evalayer_lab.inputs import Finding, Findings, InputError, reading
from evalayer_lab.output import JOURNAL, write_record, write_results, write_rows
from evalayer_lab.recipe import Recipe
from evalayer_lab.run._folder import open_journal
from evalayer_lab.run._pipeline import Failure, OnProgress, Pipeline, StageSeconds
from evalayer_lab.run.journal import locked

_KEPT_FINDINGS: Final = 100


@dataclass(frozen=True)
class RunPlan:
    """What to run.

    Attributes:
        recipe: the evaluation recipe, of the gen_qa kind.
        recipe_path: where it was read from, for the record.
        data: the dataset.
        handler: the Lambda function.
        backend: the model.
        output: the folder under which the run's own folder, named by the recipe, is written.
        limit: the number of rows to take from the dataset's start; None for all.
        strict: stop at the first broken row of the dataset instead of leaving it out.
        overwrite: replace what another run has written there; an unfinished run of the same plan goes on.
    """

    recipe: Recipe
    recipe_path: Path
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
        first_failures: of the rows that failed in this run, by stage and kind, how many and the first failure.
        metric_failures: of the metrics that failed in this run, on how many rows and the first failure.
        findings: what is wrong with the dataset, in the order of its lines; the first of them.
        finding_count: how many there are in all.
        seconds: where the time went.
    """

    folder: Path
    resumed: int
    processed: int
    scored: int
    failures: Mapping[str, int]
    first_failures: Mapping[str, Failure] = field(repr=False)
    metric_failures: Mapping[str, Failure] = field(repr=False)
    findings: Sequence[Finding] = field(repr=False)
    finding_count: int
    seconds: StageSeconds = field(repr=False)


def run(plan: RunPlan, on_progress: OnProgress = lambda rows: None) -> RunOutcome:
    """Run an evaluation job on this machine and write what the container writes.

    A run that was killed goes on where its journal ends and gives the same output as one that was not.

    Args:
        plan: what to run.
        on_progress: called with the number of rows of each batch that is done, resumed ones first.

    Raises:
        InputError: the dataset cannot be read, the folder holds another run, or the handler was built for another
            aggregation than the recipe's.
        EvalayerError: the backend answers another number of requests than it was given.
    """
    processor = plan.recipe.processor
    built = plan.handler.built
    if built is not None and built.aggregation != processor.aggregation:
        raise InputError(
            f"the recipe aggregates with {processor.aggregation}, but the handler was built for {built.aggregation}; "
            f"set EVALAYER_AGGREGATION={processor.aggregation}",
            path=plan.handler.spec,
        )
    fingerprint = _fingerprint(plan)
    try:
        plan.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"the output folder cannot be made: {error.strerror}", path=plan.folder) from error
    with locked(plan.folder):
        return _run(plan, fingerprint, on_progress)


def _run(plan: RunPlan, fingerprint: Mapping[str, Any], on_progress: OnProgress) -> RunOutcome:
    processor = plan.recipe.processor
    journal = open_journal(plan.folder, fingerprint, _now(), overwrite=plan.overwrite)
    try:
        resumed = journal.done
        on_progress(resumed)
        findings = Findings(_KEPT_FINDINGS)
        pipeline = Pipeline(
            plan.handler,
            plan.backend,
            preprocessing=processor.preprocessing.enabled,
            postprocessing=processor.postprocessing.enabled,
        )
        rows = read_gen_qa(plan.data, on_finding=findings.add, strict=plan.strict)
        pipeline.process(islice(rows, plan.limit), journal, on_progress)
        started = perf_counter()
        timestamp = journal.started.replace(":", "-")
        model = plan.backend.name
        totals = write_rows(
            plan.folder, journal.entries(), aggregation=processor.aggregation, model=model, timestamp=timestamp
        )
        values = totals.aggregator.values()
        write_results(plan.folder, values, model=model, started=journal.started, timestamp=timestamp)
        write_record(
            plan.folder,
            fingerprint,
            totals,
            started=journal.started,
            task=plan.handler.task if processor.postprocessing.enabled else None,
            paths={"recipe": plan.recipe_path, "dataset": plan.data, "handler": plan.handler.spec},
            bad_rows=findings.bad_rows,
        )
        (plan.folder / JOURNAL).unlink()
        pipeline.seconds.write = perf_counter() - started
    finally:
        journal.close()
    return RunOutcome(
        folder=plan.folder,
        resumed=resumed,
        processed=totals.processed,
        scored=totals.aggregator.rows,
        failures=dict(totals.failures),
        first_failures=pipeline.failures,
        metric_failures=pipeline.metric_failures,
        findings=findings.first,
        finding_count=findings.count,
        seconds=pipeline.seconds,
    )


def _fingerprint(plan: RunPlan) -> Mapping[str, Any]:
    task = plan.handler.task
    return {
        "evalayer": __version__,
        "recipe": plan.recipe.model_dump(mode="json"),
        "dataset": _sha256(plan.data),
        "handler": [plan.handler.spec, plan.handler.sha256],
        "task": None if task is None else [task.name, *(metric.name for metric in task.metrics)],
        "backend": {"name": plan.backend.name, **plan.backend.settings},
        "limit": plan.limit,
    }


def _sha256(path: Path) -> str:
    with reading(path), path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _now() -> str:
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if not epoch:
        return datetime.now(UTC).isoformat(timespec="microseconds")
    try:
        return datetime.fromtimestamp(int(epoch), UTC).isoformat(timespec="microseconds")
    except (ValueError, OverflowError, OSError) as error:
        raise InputError(f"SOURCE_DATE_EPOCH={epoch} is not a time in seconds since 1970") from error
