"""The doctor: reads built layers, a function and a SAM template, and explains what would break on Lambda."""

from evalayer_lab.doctor._examine import examine
from evalayer_lab.doctor._render import render, to_json
from evalayer_lab.doctor._report import Finding, Report, Results, Skipped, error

__all__ = [
    "Finding",
    "Report",
    "Results",
    "Skipped",
    "error",
    "examine",
    "render",
    "to_json",
]
