"""Read what a job or the local twin wrote, into one table of rows."""

from evalayer_lab.results._details_file import RowTexts
from evalayer_lab.results._join import Found, JoinReport
from evalayer_lab.results._read import read_results
from evalayer_lab.results._results import Results
from evalayer_lab.results._run_file import Backend, MetricInfo, RowCounts, RunInfo

__all__ = [
    "Backend",
    "Found",
    "JoinReport",
    "MetricInfo",
    "Results",
    "RowCounts",
    "RowTexts",
    "RunInfo",
    "read_results",
]
