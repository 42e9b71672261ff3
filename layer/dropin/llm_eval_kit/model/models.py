"""The payloads as classes."""

from _evalayer_dropin._models import (
    MetricResult,
    PostprocessingDataItem,
    PostprocessingPayload,
    PostprocessingResponse,
    PreprocessingData,
    PreprocessingPayload,
    PreprocessingResponse,
    PreprocessingResponseBody,
    ProcessType,
)
from _evalayer_dropin._validation import ValidationError

__all__ = [
    "MetricResult",
    "PostprocessingDataItem",
    "PostprocessingPayload",
    "PostprocessingResponse",
    "PreprocessingData",
    "PreprocessingPayload",
    "PreprocessingResponse",
    "PreprocessingResponseBody",
    "ProcessType",
    "ValidationError",
]
