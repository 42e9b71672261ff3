"""What a run found: read its folder, summarize it, show it."""

from evalayer_lab.report._json import to_json
from evalayer_lab.report._load import RunResults, load
from evalayer_lab.report._records import Confusion, MetricRow, Summary, Weakest
from evalayer_lab.report._render import render
from evalayer_lab.report._run_file import MetricInfo, RowCounts, RunInfo
from evalayer_lab.report._summary import summarize

__all__ = [
    "Confusion",
    "MetricInfo",
    "MetricRow",
    "RowCounts",
    "RunInfo",
    "RunResults",
    "Summary",
    "Weakest",
    "load",
    "render",
    "summarize",
    "to_json",
]
