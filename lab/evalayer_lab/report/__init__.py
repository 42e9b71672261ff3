"""What a run found: one document, shown on a terminal, as JSON and as HTML."""

from evalayer_lab.report._analyse import analyse, compare_runs, gate_of
from evalayer_lab.report._confidence import ConfidenceKind
from evalayer_lab.report._document import Comparison, Document, Estimate
from evalayer_lab.report._router import FoundGate, write_router
from evalayer_lab.report._terminal import render
from evalayer_lab.report._terminal_comparison import render_comparison

__all__ = [
    "Comparison",
    "ConfidenceKind",
    "Document",
    "Estimate",
    "FoundGate",
    "analyse",
    "compare_runs",
    "gate_of",
    "render",
    "render_comparison",
    "write_router",
]
