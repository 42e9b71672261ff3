"""What a metric is, and how a function becomes one."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Final, SupportsFloat, TypeAlias, TypeVar, cast, overload

from evalayer._errors import InvalidMetric
from evalayer._records import Completion, Score, Unscored

UNSCORED: Final = "unscored"
_TAG: Final = "__evalayer_metric__"

ScoreFunction: TypeAlias = Callable[[Completion], Score]
F = TypeVar("F", bound=ScoreFunction)


class Metric(ABC):
    """A row metric: a name and a way to score one completion.

    Decorate a function with `@metric` for a plain one; subclass this for one with settings.

    Attributes:
        name: what it reports under; no dot.
        parts: for a metric that scores a mapping, the keys of that mapping, the same on every row. Each is
            reported as `<name>.<part>`. Empty for a metric that scores one number.
        higher_is_better: which way is good; None where neither is.
    """

    def __init__(self, name: str, *, parts: Sequence[str] = (), higher_is_better: bool | None = True) -> None:
        if not isinstance(name, str) or not name or "." in name or not name.isprintable():
            raise InvalidMetric(f"{name!r} is not a metric name: use printable text without a dot")
        if isinstance(parts, str):
            raise InvalidMetric(f"{name}: parts={parts!r} is text; write parts=[{parts!r}]")
        printable = all(isinstance(part, str) and part and part.isprintable() for part in parts)
        if not printable or UNSCORED in parts or len(set(parts)) != len(parts):
            raise InvalidMetric(f"{name}: parts must be distinct printable text, none of it {UNSCORED!r}: {parts!r}")
        self.name = name
        self.parts = tuple(parts)
        self.higher_is_better = higher_is_better

    @abstractmethod
    def score(self, completion: Completion) -> Score:
        """Score one completion: a finite number, a mapping of the metric's parts to numbers, or `Unscored`."""

    @property
    def description(self) -> str:
        """One line for a list of metrics."""
        return _first_line(type(self).__doc__)

    @property
    def origin(self) -> str:
        """The module that defines the metric."""
        return type(self).__module__

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


class CorpusMetric(Metric):
    """A metric whose value is of the whole dataset, not a mean of rows: F1, correlation, …

    The container can only fold each reported number with average, min, max or sum. A corpus metric therefore
    scores each row as a mapping of counters and computes its value from their folded totals.
    """

    @abstractmethod
    def decode(self, totals: Mapping[str, float], rows: int) -> Mapping[str, float]:
        """Compute the corpus values from folded counters.

        Args:
            totals: by part, and `unscored`, the sum over all rows, or the average over all rows. The two differ
                by the factor `rows`; a value that is a ratio of counters is the same from both.
            rows: the number of rows that were folded.

        Returns:
            Values by the part they are reported under, `<name>.<part>`.
        """


class _FunctionMetric(Metric):
    def __init__(
        self, function: ScoreFunction, *, name: str | None, parts: Sequence[str], higher_is_better: bool | None
    ) -> None:
        super().__init__(name or function.__name__, parts=parts, higher_is_better=higher_is_better)
        self.function = function

    def score(self, completion: Completion) -> Score:
        return self.function(completion)

    @property
    def description(self) -> str:
        return _first_line(self.function.__doc__)

    @property
    def origin(self) -> str:
        return getattr(self.function, "__module__", None) or ""


@overload
def metric(function: F, /) -> F: ...
@overload
def metric(
    *, name: str | None = None, parts: Sequence[str] = (), higher_is_better: bool | None = True
) -> Callable[[F], F]: ...
def metric(
    function: F | None = None,
    /,
    *,
    name: str | None = None,
    parts: Sequence[str] = (),
    higher_is_better: bool | None = True,
) -> F | Callable[[F], F]:
    """Mark a function of one completion as a metric, and give the same function back.

    Args:
        function: takes a `Completion`, returns a `Score`.
        name: what it reports under; the function's name by default.
        parts: the keys it returns, if it returns a mapping; every row must return all of them.
        higher_is_better: which way is good; None where neither is.

    >>> @metric
    ... def is_short(completion):
    ...     return len(completion.text) < 80
    >>> is_short(Completion("", "ok", ""))
    True
    """

    def mark(function: F) -> F:
        check_function(function, "completion")
        setattr(function, _TAG, _FunctionMetric(function, name=name, parts=parts, higher_is_better=higher_is_better))
        return function

    return mark if function is None else mark(function)


def as_metric(candidate: object) -> Metric:
    """Return the metric that `candidate` is or was marked as.

    Raises:
        InvalidMetric: it is neither a `Metric` nor a function marked with `@metric`.
    """
    if isinstance(candidate, Metric):
        return candidate
    declared = getattr(candidate, _TAG, None)
    if declared is not None:
        return cast("Metric", declared)
    name = getattr(candidate, "__name__", None)
    if name is None:
        raise InvalidMetric(
            f"an object of the type {type(candidate).__name__} is not a metric: give a Metric, a function or a name"
        )
    raise InvalidMetric(f"{name} is not a metric: decorate it with @metric, or call it if it makes one: {name}(…)")


def check_function(function: Callable[..., object], argument: str) -> None:
    """Refuse a function that cannot be called with one argument and answer at once.

    Raises:
        InvalidMetric: it takes another number of arguments, or is a coroutine or generator function.
    """
    name = getattr(function, "__name__", type(function).__name__)
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise InvalidMetric(f"{name} must be a plain function, without async and yield")
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        raise InvalidMetric(f"{name} must take one argument, the {argument}") from None
    except ValueError:  # a function in C that does not tell its signature
        return


def is_metric(candidate: object) -> bool:
    """Whether `as_metric` would take it."""
    return isinstance(candidate, Metric) or hasattr(candidate, _TAG)


def label_part(part: str, label: str) -> str:
    """Name the counter `part` of one label, `<part>.<label>`, the label percent-encoded where it has a dot.

    >>> label_part("tp", "v2.1")
    'tp.v2%2E1'
    """
    return f"{part}.{label.replace('%', '%25').replace('.', '%2E')}"


def label_of(encoded: str) -> str:
    """Undo the encoding of `label_part`.

    >>> label_of("v2%2E1")
    'v2.1'
    """
    return encoded.replace("%2E", ".").replace("%25", "%")


def checked_number(value: object) -> float:
    """Return `value` as a finite float.

    Raises:
        InvalidMetric: it is not a number, or not a finite one.
    """
    if type(value) is not float:
        if value is None or isinstance(value, str | bytes) or not hasattr(value, "__float__"):
            raise InvalidMetric(
                f"returned {'None' if value is None else f'a value of type {type(value).__name__}'}; "
                "return a number, a mapping of the metric's parts to numbers, or Unscored(reason)"
            )
        try:
            value = float(cast("SupportsFloat", value))
        except (TypeError, ValueError, OverflowError):
            raise InvalidMetric(f"returned a {type(value).__name__} that is not a finite number") from None
    if value - value != 0.0:
        raise InvalidMetric(f"returned {value}; return Unscored(reason) where there is no number")
    return value


def checked_parts(metric: Metric, score: Score) -> Sequence[float]:
    """Return the numbers of a score in the order of the metric's parts (one number if it has none).

    Raises:
        InvalidMetric: the score is not what the metric declared.
    """
    if not isinstance(score, Mapping):
        if metric.parts:
            raise InvalidMetric(f"returned one value; it declares the parts {', '.join(metric.parts)}")
        return (checked_number(score),)
    if not metric.parts:
        raise InvalidMetric(
            f"returned a mapping of {len(score)}; declare its keys with parts=[…], so that every row reports the same"
        )
    try:
        numbers = [score[part] for part in metric.parts]
    except KeyError as error:
        raise InvalidMetric(f"left out the part {error.args[0]!r}, which it declares") from None
    if len(score) != len(metric.parts):
        raise InvalidMetric(f"returned {len(score)} parts; it declares only {', '.join(metric.parts)}")
    if set(map(type, numbers)) == {float}:
        total = sum(numbers)
        if total - total == 0.0:  # so every one of them is finite
            return numbers
    return [checked_number(number) for number in numbers]


def _first_line(doc: str | None) -> str:
    return (doc or "").strip().partition("\n")[0]


__all__ = [
    "UNSCORED",
    "CorpusMetric",
    "Metric",
    "ScoreFunction",
    "Unscored",
    "as_metric",
    "check_function",
    "checked_number",
    "checked_parts",
    "is_metric",
    "label_of",
    "label_part",
    "metric",
]
