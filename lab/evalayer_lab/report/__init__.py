"""What a run found: one document, shown on a terminal, as JSON and as HTML."""

from evalayer_lab.report._analyse import analyse, compare_runs
from evalayer_lab.report._document import Comparison, Confidence, Document, Example, Finding
from evalayer_lab.report._gate import FoundGate, find_gate, write_router
from evalayer_lab.report._schema import json_schema
from evalayer_lab.report._sections import render
from evalayer_lab.report.sections.comparison import render_comparison
from evalayer_lab.statistics import Estimate

__all__ = [
    "Comparison",
    "Confidence",
    "Document",
    "Estimate",
    "Example",
    "Finding",
    "FoundGate",
    "analyse",
    "compare_runs",
    "find_gate",
    "json_schema",
    "render",
    "render_comparison",
    "write_router",
]
