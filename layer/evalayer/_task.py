"""A task: how to ask, how to clean, what to measure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar, overload

from evalayer._errors import ConflictingMetrics, InvalidMetric, InvalidTask, PostprocessFailed, PreprocessFailed
from evalayer._metric import UNSCORED, CorpusMetric, F, Metric, as_metric, check_function, checked_number, checked_parts
from evalayer._metric import metric as mark_metric
from evalayer._records import Completion, Sample, Unscored

P = TypeVar("P", bound=Callable[[Sample], Sample])
Q = TypeVar("Q", bound=Callable[[Completion], Completion])


@dataclass(frozen=True, slots=True, eq=False, repr=False)  # each generated method costs a cold start 0.1 ms
class RowScores:
    """What a task's metrics say of one row.

    Attributes:
        values: every reported name; the same names on every row.
        unscored: for each metric that did not score the row, why.
        errors: for each metric that raised, or returned something that is not a score, the exception. Such a
            metric is in `unscored` too.
    """

    values: Mapping[str, float]
    unscored: Mapping[str, str]
    errors: Mapping[str, Exception]


class Task:
    """One evaluation task: an optional preprocess, an optional postprocess, and metrics.

    Args:
        name: how the task is called in logs, and in `EVALAYER_TASK` where one function has several.
        metrics: metrics, functions marked with `@metric`, or names of installed metrics.
        reward: for a reward function, weights by reported name, such as `{"class.correct": 0.7, "length": 0.3}`. The
            reward of a row is the sum of weight times value; the weights need not sum to 1, and may be negative. A
            metric that cannot score the row adds nothing.

    Raises:
        UnknownMetric: a name that nothing installed offers.
        ConflictingMetrics: two metrics of one name.
        InvalidMetric: something that is not a metric.
        InvalidTask: the name is not printable, or the reward no mapping. Its names and weights are checked by
            `build_lambda_handler`, when every metric is known.
    """

    def __init__(
        self,
        name: str,
        *,
        metrics: Iterable[Metric | Callable[..., object] | str] = (),
        reward: Mapping[str, float] | None = None,
    ) -> None:
        if not isinstance(name, str) or not name.isprintable() or not name.strip():
            raise InvalidTask(f"{name!r} is not a task name: use printable text")
        if isinstance(metrics, str):
            raise InvalidTask(f"{name}: metrics={metrics!r} is text; write metrics=[{metrics!r}]")
        if reward is not None and not isinstance(reward, Mapping):
            raise InvalidTask(f"{name}: reward is a {type(reward).__name__}; write reward={{reported name: weight}}")
        self.name = name
        self.reward: Mapping[str, float] | None = None if reward is None else dict(reward)
        self._metrics: dict[str, Metric] = {}
        self._reported: dict[str, tuple[str, ...]] = {}
        self._preprocess: Callable[[Sample], Sample] | None = None
        self._postprocess: Callable[[Completion], Completion] | None = None
        self._sealed = False
        for candidate in metrics:
            self._add(_resolved(candidate))

    @property
    def metrics(self) -> Sequence[Metric]:
        """The task's metrics, in the order of their declaration."""
        return tuple(self._metrics.values())

    @property
    def corpus_metrics(self) -> Sequence[CorpusMetric]:
        """Those of the metrics whose value is decoded from folded counters."""
        return tuple(metric for metric in self._metrics.values() if isinstance(metric, CorpusMetric))

    def preprocess(self, function: P) -> P:
        """Register the function that prepares a sample before inference, and give it back."""
        self._require_open(function)
        check_function(function, "sample")
        if self._preprocess is not None:
            raise InvalidTask(f"{self.name} has a preprocess already: {_name(self._preprocess)}")
        self._preprocess = function
        return function

    def postprocess(self, function: Q) -> Q:
        """Register the function that cleans a completion before any metric sees it, and give it back."""
        self._require_open(function)
        check_function(function, "completion")
        if self._postprocess is not None:
            raise InvalidTask(f"{self.name} has a postprocess already: {_name(self._postprocess)}")
        self._postprocess = function
        return function

    @overload
    def metric(self, function: F, /) -> F: ...
    @overload
    def metric(
        self, /, *, name: str | None = None, parts: Sequence[str] = (), higher_is_better: bool | None = True
    ) -> Callable[[F], F]: ...
    def metric(
        self,
        function: F | None = None,
        /,
        *,
        name: str | None = None,
        parts: Sequence[str] = (),
        higher_is_better: bool | None = True,
    ) -> F | Callable[[F], F]:
        """Mark a function as a metric of this task, and give it back; arguments as of `evalayer.metric`."""

        def record(function: F) -> F:
            self._require_open(function)
            self._add(as_metric(mark_metric(name=name, parts=parts, higher_is_better=higher_is_better)(function)))
            return function

        return record if function is None else record(function)

    def prepare(self, sample: Sample) -> Sample:
        """Run the task's preprocess on a sample; without one the sample is returned as it is.

        Raises:
            PreprocessFailed: the function raised, or returned something other than a sample.
        """
        if self._preprocess is None:
            return sample
        try:
            prepared: object = self._preprocess(sample)
        except Exception as error:
            raise PreprocessFailed(f"{self.name}: {_name(self._preprocess)} raised {type(error).__name__}") from error
        if not isinstance(prepared, Sample):
            raise PreprocessFailed(
                f"{self.name}: {_name(self._preprocess)} returned a {type(prepared).__name__}, not a Sample"
            )
        for field in ("prompt", "gold", "system"):
            value = getattr(prepared, field)
            if not isinstance(value, str) and (field != "system" or value is not None):
                raise PreprocessFailed(f"{self.name}: {_name(self._preprocess)} returned {_not_text(field, value)}")
        return prepared

    def score(self, completion: Completion) -> RowScores:
        """Run the task's postprocess and every metric on a completion. One metric's failure leaves the others.

        Raises:
            PostprocessFailed: the task's own postprocess raised, or returned something other than a completion.
        """
        if self._postprocess is not None:
            completion = self._cleaned(completion, self._postprocess)
        values: dict[str, float] = {}
        unscored: dict[str, str] = {}
        errors: dict[str, Exception] = {}
        for name, metric in self._metrics.items():
            reported = self._reported[name]
            try:
                score = metric.score(completion)
                if not isinstance(score, Unscored):
                    values.update(zip(reported, checked_parts(metric, score), strict=False))
                    values[reported[-1]] = 0.0
                    continue
                unscored[name] = score.reason
            except SystemExit:
                unscored[name] = "called sys.exit"
                errors[name] = InvalidMetric("called sys.exit; return Unscored(reason) instead")
            except Exception as error:  # noqa: BLE001 (the isolation of one metric from the others)
                unscored[name] = f"raised {type(error).__name__}"
                errors[name] = error
            values.update(dict.fromkeys(reported, 0.0))
            values[reported[-1]] = 1.0
        return RowScores(values, unscored, errors)

    def unscored(self, reason: str) -> RowScores:
        """Return what a row reports that no metric can score."""
        values = {name: 0.0 for names in self._reported.values() for name in names}
        values.update((names[-1], 1.0) for names in self._reported.values())
        return RowScores(values, dict.fromkeys(self._metrics, reason), {})

    def reported_names(self, metric: str) -> Sequence[str]:
        """The names that one metric reports on every row; the last is `<metric>.unscored`."""
        return self._reported[metric]

    def decode(
        self,
        folded: Mapping[str, float],
        rows: int,
        on_error: Callable[[str, Exception], None] | None = None,
    ) -> dict[str, float]:
        """Compute the values of the corpus metrics from folded counters.

        Args:
            folded: by reported name, the sum or the average over all rows.
            rows: the number of rows.
            on_error: called with the name of a metric that cannot be decoded and the reason; the others go on.

        Raises:
            InvalidMetric: a metric cannot be decoded, and there is no `on_error`.
        """
        decoded: dict[str, float] = {}
        for metric in self.corpus_metrics:
            try:
                decoded |= _decoded(metric, folded, rows)
            except Exception as error:
                if on_error is None:
                    raise InvalidMetric(f"{metric.name} cannot be decoded: {type(error).__name__}: {error}") from error
                on_error(metric.name, error)
        return decoded

    def seal(self) -> None:
        """Refuse further registrations: a handler has been built on what the task is now.

        Raises:
            InvalidTask: there is nothing to do, or the reward weighs what is not reported.
        """
        if not self._metrics and self._preprocess is None:
            raise InvalidTask(f"{self.name} has no metric and no preprocess: give Task(…, metrics=[…])")
        if self.reward is not None:
            from evalayer._reward import check_reward  # only a reward function pays for this import

            check_reward(self.name, self.reward, self._reported)
        self._sealed = True

    def _add(self, metric: Metric) -> None:
        other = self._metrics.get(metric.name)
        if other is metric:
            raise ConflictingMetrics(f"{self.name} lists the metric {metric.name} twice; remove one")
        if other is not None:
            raise ConflictingMetrics(
                f"{self.name} has two metrics called {metric.name}, of {other.origin} and {metric.origin}; "
                "give one another name with name=…"
            )
        self._metrics[metric.name] = metric
        parts = tuple(f"{metric.name}.{part}" for part in metric.parts) or (metric.name,)
        self._reported[metric.name] = (*parts, f"{metric.name}.{UNSCORED}")

    def _require_open(self, function: object) -> None:
        if not callable(function):
            raise InvalidTask(f"{self.name}: an object of the type {type(function).__name__} is not a function")
        if self._sealed:
            raise InvalidTask(f"{self.name}: {_name(function)} is registered after build_lambda_handler; move it above")

    def _cleaned(self, completion: Completion, clean: Callable[[Completion], Completion]) -> Completion:
        try:
            cleaned: object = clean(completion)
        except Exception as error:
            raise PostprocessFailed(f"{self.name}: {_name(clean)} raised {type(error).__name__}") from error
        if not isinstance(cleaned, Completion):
            raise PostprocessFailed(
                f"{self.name}: {_name(clean)} returned a {type(cleaned).__name__}, not a Completion"
            )
        for field in ("prompt", "inference_output", "gold"):
            value = getattr(cleaned, field)
            if not isinstance(value, str):
                raise PostprocessFailed(f"{self.name}: {_name(clean)} returned {_not_text(field, value)}")
        return cleaned

    def __repr__(self) -> str:
        return f"<Task {self.name}: {', '.join(self._metrics)}>"


def _decoded(metric: CorpusMetric, folded: Mapping[str, float], rows: int) -> dict[str, float]:
    reported = {part: f"{metric.name}.{part}" for part in (*metric.parts, UNSCORED)}
    missing = [name for name in reported.values() if name not in folded]
    if missing:
        raise InvalidMetric(f"{missing[0]} was not reported")
    values = metric.decode({part: folded[name] for part, name in reported.items()}, rows)
    return {f"{metric.name}.{part}": checked_number(value) for part, value in values.items()}


def _resolved(candidate: Metric | Callable[..., object] | str) -> Metric:
    if isinstance(candidate, str):
        from evalayer._discovery import metric_by_name  # importlib.metadata: only names pay for it

        return metric_by_name(candidate)
    return as_metric(candidate)


def _not_text(field: str, value: object) -> str:
    return f"a record whose {field} is a {type(value).__name__}, not text"


def _name(function: object) -> str:
    return getattr(function, "__name__", type(function).__name__)
