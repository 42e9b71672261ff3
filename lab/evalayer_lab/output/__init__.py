"""The container's output tree: names, one row's outcome, `run.json`, writer and finder."""

from evalayer_lab.output._entry import Entry
from evalayer_lab.output._record import (
    CORRECT,
    COUNTERS,
    MetricInfo,
    RowCounts,
    RunRecord,
    read_record,
    read_reported,
    write_record,
)
from evalayer_lab.output._text import clean, decode, encode
from evalayer_lab.output._tree import (
    CACHE,
    FAILURES,
    JOURNAL,
    METRIC_PREFIX,
    PARTIAL,
    RECORD,
    RESULTS,
    TENSORBOARD,
    UNSCORED,
    Tree,
    find_tree,
    without_copies,
)
from evalayer_lab.output._write import write_results, write_rows

__all__ = [
    "CACHE",
    "CORRECT",
    "COUNTERS",
    "FAILURES",
    "JOURNAL",
    "METRIC_PREFIX",
    "PARTIAL",
    "RECORD",
    "RESULTS",
    "TENSORBOARD",
    "UNSCORED",
    "Entry",
    "MetricInfo",
    "RowCounts",
    "RunRecord",
    "Tree",
    "clean",
    "decode",
    "encode",
    "find_tree",
    "read_record",
    "read_reported",
    "without_copies",
    "write_record",
    "write_results",
    "write_rows",
]
