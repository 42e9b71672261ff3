"""Bring your own metrics to Amazon Nova evaluation: the part that runs in Lambda."""

import typing

from evalayer._aggregation import Aggregation, Aggregator
from evalayer._answer import JSONValue, Wrapping
from evalayer._errors import (
    ConflictingMetrics,
    EvalayerError,
    IllegalAggregation,
    InvalidEvent,
    InvalidMetric,
    InvalidTask,
    PayloadTooLarge,
    PostprocessFailed,
    PreprocessFailed,
    UnknownMetric,
)
from evalayer._handler import LambdaHandler, Observation, Observer, build_lambda_handler, format_failure
from evalayer._metric import CorpusMetric, Metric, label_of, label_part, metric
from evalayer._payload import MAX_PAYLOAD_BYTES
from evalayer._records import Completion, Sample, Score, Unscored
from evalayer._task import RowScores, Task
from evalayer._version import __version__

if typing.TYPE_CHECKING:
    from evalayer._discovery import installed_metrics

__all__ = [
    "MAX_PAYLOAD_BYTES",
    "Aggregation",
    "Aggregator",
    "Completion",
    "ConflictingMetrics",
    "CorpusMetric",
    "EvalayerError",
    "IllegalAggregation",
    "InvalidEvent",
    "InvalidMetric",
    "InvalidTask",
    "JSONValue",
    "LambdaHandler",
    "Metric",
    "Observation",
    "Observer",
    "PayloadTooLarge",
    "PostprocessFailed",
    "PreprocessFailed",
    "RowScores",
    "Sample",
    "Score",
    "Task",
    "UnknownMetric",
    "Unscored",
    "Wrapping",
    "__version__",
    "build_lambda_handler",
    "format_failure",
    "installed_metrics",
    "label_of",
    "label_part",
    "metric",
]


def __getattr__(name: str) -> object:
    if name == "installed_metrics":  # importlib.metadata takes longer than all the rest, and no event needs it
        from evalayer._discovery import installed_metrics

        return installed_metrics
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
