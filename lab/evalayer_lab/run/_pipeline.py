"""The row pipeline: read, preprocess, infer, postprocess, journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from time import perf_counter
from typing import Final

from evalayer import EvalayerError, Observation, PayloadTooLarge, Sample, format_failure
from evalayer_lab.backends import Backend, Generation, Request
from evalayer_lab.dataset import Row
from evalayer_lab.function import LoadedHandler, LocalContext, postprocess, preprocess
from evalayer_lab.output import Entry
from evalayer_lab.run.journal import Journal

OnProgress = Callable[[int], None]
_MAX_REASON: Final = 200


@dataclass
class StageSeconds:
    """Seconds of wall time spent in each stage of a run."""

    read: float = 0.0
    preprocess: float = 0.0
    infer: float = 0.0
    postprocess: float = 0.0
    journal: float = 0.0
    write: float = 0.0


@dataclass
class Failure:
    """Something of the user's that failed, on one row or more.

    Attributes:
        rows: on how many rows.
        first: the first time, as a log has it: the error and its traceback, without text of the row.
    """

    rows: int
    first: str


@dataclass
class Pipeline:
    """The work of the evaluation container on each row.

    Attributes:
        handler: the Lambda function. One that evalayer built also tells why it did not score a row.
        backend: the model.
        preprocessing: whether the recipe sends preprocess events.
        postprocessing: whether the recipe sends postprocess events.
        seconds: where the time went so far.
        failures: the stages that failed so far, by stage and kind of error.
        metric_failures: the metrics that failed so far, by name.
    """

    handler: LoadedHandler
    backend: Backend
    preprocessing: bool
    postprocessing: bool
    seconds: StageSeconds = field(default_factory=StageSeconds)
    failures: dict[str, Failure] = field(default_factory=dict)
    metric_failures: dict[str, Failure] = field(default_factory=dict)

    def process(self, rows: Iterable[Row], journal: Journal, on_progress: OnProgress) -> None:
        """Process the rows that the journal does not have yet, in batches, in order.

        Args:
            rows: all rows of the dataset.
            journal: where every outcome goes.
            on_progress: called with the number of rows of each batch that is in the journal.
        """
        pending = self._numbered(rows, journal.last_line)
        while True:
            started = perf_counter()
            batch = list(islice(pending, self.backend.batch_size))
            self.seconds.read += perf_counter() - started
            if not batch:
                return
            entries = self._outcomes(batch)
            started = perf_counter()
            journal.append(entries)
            self.seconds.journal += perf_counter() - started
            on_progress(len(batch))

    def _numbered(self, rows: Iterable[Row], last_line: int) -> Iterator[tuple[Row, int]]:
        if not self.backend.needs_occurrence:
            yield from ((row, 0) for row in rows if row.line > last_line)
            return
        seen: Counter[str] = Counter()
        for row in rows:
            occurrence = seen[row.query]
            seen[row.query] = occurrence + 1
            if row.line > last_line:
                yield row, occurrence

    def _outcomes(self, batch: Sequence[tuple[Row, int]]) -> Sequence[Entry]:
        started = perf_counter()
        samples = [self._sample(row) for row, _ in batch]
        prepared = perf_counter()
        self.seconds.preprocess += prepared - started
        generations = iter(
            self._answers(
                [
                    Request(row.query, sample.system, sample.prompt, occurrence)
                    for (row, occurrence), sample in zip(batch, samples, strict=True)
                    if isinstance(sample, Sample)
                ]
            )
        )
        inferred = perf_counter()
        self.seconds.infer += inferred - prepared
        entries = [
            self._failed(row, sample) if isinstance(sample, str) else self._scored(row, sample, next(generations))
            for (row, _), sample in zip(batch, samples, strict=True)
        ]
        self.seconds.postprocess += perf_counter() - inferred
        return entries

    def _answers(self, requests: Sequence[Request]) -> Sequence[Generation]:
        generations = self.backend.generate(requests) if requests else ()
        if len(generations) != len(requests):
            raise EvalayerError(
                f"the backend {self.backend.name} gave {len(generations)} answers to {len(requests)} requests"
            )
        return generations

    def _sample(self, row: Row) -> Sample | str:
        sample = Sample(row.query, row.response, row.system)
        if not self.preprocessing:
            return sample
        try:
            return preprocess(self.handler.call, sample)
        except (Exception, SystemExit) as error:  # noqa: BLE001 (a row that fails must not take the others with it)
            return self._failure("preprocess", error)

    def _failure(self, stage: str, error: BaseException) -> str:
        # evalayer's own messages quote no row; those of others may.
        own = isinstance(error, EvalayerError) and not isinstance(error, PayloadTooLarge)
        kind = f"{stage}: {type(error).__name__}" + (f": {_shortened(str(error))}" if own else "")
        _count(self.failures, kind, error.__cause__ or error)
        return kind

    def _failed(self, row: Row, failure: str) -> Entry:
        return Entry(
            line=row.line,
            system=row.system,
            prompt=row.query,
            gold=row.response,
            metadata=row.metadata,
            inference=None,
            logprobs=None,
            scores=None,
            unscored=None,
            failure=failure,
        )

    def _scored(self, row: Row, sample: Sample, generation: Generation) -> Entry:
        scores: dict[str, float] | None = None
        unscored: Mapping[str, str] = {}
        failure = None if generation.error is None else f"infer: {generation.error}"
        if failure is None and self.postprocessing:
            observed: list[Observation] = []
            context = LocalContext(evalayer_observations=observed)
            try:
                scores = postprocess(self.handler.call, sample.prompt, generation.text, sample.gold, context)
            except (Exception, SystemExit) as error:  # noqa: BLE001 (a row that fails must not take the others with it)
                failure = self._failure("postprocess", error)
            unscored = self._reasons(observed)
        return Entry(
            line=row.line,
            system=sample.system,
            prompt=sample.prompt,
            gold=sample.gold,
            metadata=row.metadata,
            inference=generation.text if generation.error is None else None,
            logprobs=generation.logprobs,
            scores=scores,
            unscored=unscored or None,
            failure=failure,
        )

    def _reasons(self, observed: Sequence[Observation]) -> Mapping[str, str]:
        """Count the metrics that failed on a row, and return why which metric did not score it."""
        for observation in observed:
            for metric, error in observation.errors.items():
                _count(self.metric_failures, metric, error)
        return {metric: _shortened(reason) for last in observed[-1:] for metric, reason in last.unscored.items()}


def _count(failures: dict[str, Failure], key: str, error: BaseException) -> None:
    if key in failures:
        failures[key].rows += 1
    else:
        failures[key] = Failure(1, format_failure(error))


def _shortened(reason: str) -> str:
    """A reason as it is written and counted: of bounded length, and text that a file can hold."""
    return reason[:_MAX_REASON].encode("utf-8", "backslashreplace").decode()
