"""The errors evalayer raises, each named for what is wrong."""

from __future__ import annotations

from collections.abc import Iterable


class EvalayerError(Exception):
    """Base of every error that evalayer raises on purpose."""


class InvalidEvent(EvalayerError):
    """An event that breaks the contract of the evaluation container."""


class PayloadTooLarge(EvalayerError):
    """An event or a response of more than the 6 MiB that Lambda carries."""


class InvalidTask(EvalayerError):
    """A task or handler that is declared in a way that cannot work."""


class InvalidMetric(EvalayerError):
    """A metric that is declared in a way that cannot work, or that returned something that is not a score."""


class UnknownMetric(InvalidMetric):
    """A metric name that no installed distribution offers."""


class ConflictingMetrics(InvalidMetric):
    """Two metrics that would report under one name."""


class IllegalAggregation(EvalayerError):
    """An aggregation that does not exist, or that would destroy what a metric reports."""


class PreprocessFailed(EvalayerError):
    """A task's own preprocess function raised, or returned something other than a sample."""


class PostprocessFailed(EvalayerError):
    """A task's own postprocess function raised, or returned something other than a completion."""


def suggest(name: str, known: Iterable[str]) -> str:
    """Say which known name is nearest to `name`, and what there is: the end of an error message."""
    from difflib import get_close_matches  # only an error pays for this import

    names = sorted(known)
    if not names:
        return " (there are none)"
    near = get_close_matches(name, names, n=1)
    return (f"; did you mean {near[0]}?" if near else ";") + f" available: {', '.join(names)}"
