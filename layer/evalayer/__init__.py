"""Bring your own metrics to Amazon Nova evaluation: the part that runs in Lambda."""

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
from evalayer._records import Completion, Sample, Score, Unscored
from evalayer._task import RowScores, Task
from evalayer._version import __version__

__all__ = [
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
    "label_of",
    "label_part",
    "metric",
]
