"""The container's output tree: names, one row's outcome, `run.json`, writer and finder."""

from evalayer_lab.output._entry import Entry
from evalayer_lab.output._json import decode, encode
from evalayer_lab.output._record import RECORD, write_record
from evalayer_lab.output._tree import CACHE, METRIC_PREFIX, PARTIAL, Tree, find_tree, without_copies
from evalayer_lab.output._write import FAILURES_FILE, write_results, write_rows

__all__ = [
    "CACHE",
    "FAILURES_FILE",
    "METRIC_PREFIX",
    "PARTIAL",
    "RECORD",
    "Entry",
    "Tree",
    "decode",
    "encode",
    "find_tree",
    "without_copies",
    "write_record",
    "write_results",
    "write_rows",
]
