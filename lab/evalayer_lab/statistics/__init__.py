"""Numbers only: estimates with their intervals, segments, confusion matrices. No I/O, no printing."""

from evalayer_lab.statistics._confusion import ConfusionMatrix, confusion_from_counters
from evalayer_lab.statistics._intervals import Estimate, mean_interval, score_interval, wilson_interval
from evalayer_lab.statistics._segments import Segment, SegmentTable, segment_table

__all__ = [
    "ConfusionMatrix",
    "Estimate",
    "Segment",
    "SegmentTable",
    "confusion_from_counters",
    "mean_interval",
    "score_interval",
    "segment_table",
    "wilson_interval",
]
