"""The Lambda handler of a task."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final, Literal, TypeAlias, overload

from evalayer._aggregation import Aggregation, checked_aggregation
from evalayer._errors import EvalayerError, IllegalAggregation, InvalidEvent, InvalidTask, suggest
from evalayer._records import Completion, Sample
from evalayer._task import RowScores, Task
from evalayer.contracts import custom_metrics, is_rft
from evalayer.contracts.custom_metrics import Response

TASK_VARIABLE: Final = "EVALAYER_TASK"
AGGREGATION_VARIABLE: Final = "EVALAYER_AGGREGATION"
LOG_TEXT_VARIABLE: Final = "EVALAYER_LOG_TEXT"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Observation:
    """One answered row, for logs and metrics.

    Attributes:
        task: the task's name.
        process_type: `"preprocess"`, `"postprocess"`, or `"reward"` for each row of an rft event.
        row: the row as received; empty for a row of an rft event that could not be read. It is the user's text: log
            `row_hash` instead.
        unscored: for each metric that did not score the row, why.
        errors: for each metric that failed, the exception.
        seconds: how long the answer took.
        failure: for a row of an rft event that was answered with a reward of 0.0 because it breaks the contract, or
            the task's own code failed on it, the exception.
    """

    task: str
    process_type: Literal["preprocess", "postprocess", "reward"]
    row: Sample | Completion
    unscored: Mapping[str, str]
    errors: Mapping[str, Exception]
    seconds: float
    failure: EvalayerError | None = None

    @property
    def row_hash(self) -> str:
        """Sixteen hexadecimal digits of the SHA-256 of prompt and gold: names a row without showing it."""
        from hashlib import sha256

        text = f"{self.row.prompt}\0{self.row.gold}"
        return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


Observer: TypeAlias = Callable[[Observation], None]


class LambdaHandler:
    """A task behind the Lambda calling convention: `handler(event, context)`.

    Attributes:
        task: the task that answers.
        aggregation: how the evaluation job folds what the handler reports.
        observer: called with an `Observation` for each row of an answered event; can be replaced.
    """

    def __init__(self, task: Task, aggregation: Aggregation, observer: Observer) -> None:
        self.task = task
        self.aggregation = aggregation
        self.observer = observer

    @overload
    def __call__(self, event: list[Any], context: object = None) -> list[dict[str, Any]]: ...
    @overload
    def __call__(self, event: Mapping[str, Any], context: object = None) -> Response: ...
    @overload
    def __call__(self, event: object, context: object = None) -> Any: ...
    def __call__(self, event: Any, context: object = None) -> Any:
        """Answer one event, as `answer` does, and show the observer each row of it.

        Args:
            event: of the evaluation container, or of a reward function.
            context: Lambda's, of which nothing is used. A caller who wants to know what `answer` knows through
                decorators around the handler passes one with a list `evalayer_observations`: every `Observation` is
                added to it, and the default observer, which logs failures, is left out.

        Raises:
            EvalayerError: as `answer`.
        """
        response, observations = self.answer(event)
        wanted = getattr(context, "evalayer_observations", None)
        if isinstance(wanted, list):
            wanted.extend(observations)
            if self.observer is log_failures:
                return response
        for observation in observations:
            self._observe(observation)
        return response

    def answer(self, event: Any) -> tuple[Any, Sequence[Observation]]:
        """Answer one event: of the evaluation container, or of a reward function, told apart by their shape.

        Returns:
            The response, and what was observed: one `Observation` for an event of the evaluation container, one for
            each row of an rft event, none for an event of an unknown process type. The observer is not called.

        Raises:
            InvalidEvent: the event breaks the contract, or asks for a reward that the task does not declare.
            PayloadTooLarge: the event or its response has more than Lambda carries.
            PreprocessFailed: the task's own preprocess failed.
            PostprocessFailed: the task's own postprocess failed; in an rft event this fails the row only.
        """
        if is_rft(event):
            return self._reward(event)
        started = perf_counter()
        kind = custom_metrics.process_type(event)
        if kind is None:
            return custom_metrics.write_unsupported(event), ()
        row: Sample | Completion
        unscored: Mapping[str, str] = {}
        errors: Mapping[str, Exception] = {}
        if kind == "preprocess":
            row = custom_metrics.read_sample(event)
            response = custom_metrics.write_sample(self.task.prepare(row))
        else:
            row = custom_metrics.read_completion(event)
            scores = self.task.score(row)
            unscored, errors = scores.unscored, scores.errors
            response = custom_metrics.write_scores(self._reported(scores))
        return response, (Observation(self.task.name, kind, row, unscored, errors, perf_counter() - started),)

    def _reward(self, event: Any) -> tuple[Any, Sequence[Observation]]:
        weights = self.task.reward
        if weights is None:
            raise InvalidEvent(
                f"this is an rft event, and {self.task.name} declares no reward; give "
                "Task(…, reward={reported name: weight}), or set lambda_type to custom_metrics in the recipe"
            )
        from evalayer._reward import weighted
        from evalayer.contracts import rft  # only a reward function pays for this import

        rewards: list[rft.Reward] = []
        observations: list[Observation] = []
        for row in rft.read_rows(event):
            started = perf_counter()
            completion = row.completion or Completion("", "", "")
            failure = row.failure
            scores, value = self.task.unscored("the row failed"), 0.0
            if failure is None:
                try:
                    attempt = self.task.score(completion)
                    scores, value = attempt, weighted(weights, attempt.values)
                except EvalayerError as error:
                    failure = error
            rewards.append(rft.Reward(row.id, value, self._reported(scores), failed=failure is not None))
            seconds = perf_counter() - started
            observations.append(
                Observation(self.task.name, "reward", completion, scores.unscored, scores.errors, seconds, failure)
            )
        return rft.write_rewards(event, rewards, weights), observations

    def _observe(self, observation: Observation) -> None:
        try:
            self.observer(observation)
        except Exception as error:  # noqa: BLE001 (an answer that is ready must not be lost to its log line)
            import logging

            logging.getLogger("evalayer").error("the observer failed\n%s", format_failure(error))

    def _reported(self, scores: RowScores) -> Mapping[str, float]:
        if not scores.unscored or self.aggregation in {"average", "sum"}:
            return scores.values
        left_out = {name for metric in scores.unscored for name in self.task.reported_names(metric)[:-1]}
        return {name: value for name, value in scores.values.items() if name not in left_out}

    def __repr__(self) -> str:
        return f"<LambdaHandler {self.task!r} aggregation={self.aggregation}>"


def build_lambda_handler(
    *tasks: Task, aggregation: Aggregation = "average", observer: Observer | None = None
) -> LambdaHandler:
    """Build the function that Lambda calls.

    Args:
        tasks: one task, or several of which the environment variable `EVALAYER_TASK` picks one.
        aggregation: how the recipe folds the reported numbers; `EVALAYER_AGGREGATION` overrides it.
        observer: called with an `Observation` for each row of an answered event; by default failed metrics and rows
            are logged through `logging`, under the name `evalayer`.

    Raises:
        InvalidTask: there is no task to pick, it has nothing to do, or its reward weighs what is not reported.
        IllegalAggregation: the aggregation does not exist, or cannot carry what a metric reports.
    """
    task = _picked(tasks)
    override = os.environ.get(AGGREGATION_VARIABLE)
    chosen = checked_aggregation(override or aggregation)
    if chosen in {"min", "max"} and task.corpus_metrics:
        names = ", ".join(metric.name for metric in task.corpus_metrics)
        raise IllegalAggregation(
            f"{names} cannot be aggregated with {chosen}: a corpus metric reports counters of each row and is "
            f"computed from their totals, which {chosen} does not keep; use average or sum"
            + (f" ({AGGREGATION_VARIABLE} is set to {chosen})" if override else "")
        )
    task.seal()
    return LambdaHandler(task, chosen, observer or log_failures)


def log_failures(observation: Observation) -> None:
    """Log each failed metric, and a failed row of an rft event, with its traceback.

    The exception's own message is left out, because it may quote the row, unless the environment variable
    `EVALAYER_LOG_TEXT` is set to 1.
    """
    if not observation.errors and observation.failure is None:
        return
    import logging  # only a failure pays for this import

    logger = logging.getLogger("evalayer")
    if observation.failure is not None:
        cause = observation.failure.__cause__ or observation.failure
        logger.error("a row of %s failed\n%s", observation.task, format_failure(cause))
    for name, error in observation.errors.items():
        logger.error(
            "metric %s of %s failed on row %s\n%s",
            name,
            observation.task,
            observation.row_hash,
            format_failure(error),
        )


def format_failure(error: BaseException) -> str:
    """Format an exception for a log: the traceback outside evalayer, and the message only where it quotes no row.

    evalayer's own messages never do; those of other exceptions are kept if `EVALAYER_LOG_TEXT` is 1.
    """
    import traceback
    from pathlib import Path

    own = str(Path(__file__).parent)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(own)]
    if isinstance(error, EvalayerError) or os.environ.get(LOG_TEXT_VARIABLE) == "1":
        message = str(error)
    else:
        message = f"(message withheld, it may quote the row; set {LOG_TEXT_VARIABLE}=1 to log it)"
    return f"{''.join(traceback.format_list(frames))}{type(error).__name__}: {message}"


def _picked(tasks: tuple[Task, ...]) -> Task:
    for task in tasks:
        if not isinstance(task, Task):
            raise InvalidTask(f"build_lambda_handler takes tasks, not a {type(task).__name__}")
    by_name = {task.name: task for task in tasks}
    if len(by_name) != len(tasks):
        raise InvalidTask(f"two tasks have one name: {', '.join(task.name for task in tasks)}")
    wanted = os.environ.get(TASK_VARIABLE)
    if wanted:
        if wanted not in by_name:
            raise InvalidTask(f"{TASK_VARIABLE} names the unknown task {wanted!r}{suggest(wanted, by_name)}")
        return by_name[wanted]
    if len(tasks) > 1:
        raise InvalidTask(f"set {TASK_VARIABLE} to pick one of the tasks {', '.join(by_name)}")
    for task in tasks:
        return task
    raise InvalidTask("build_lambda_handler needs a task")
