"""Read what a job or the local twin wrote, into one table of rows; `results.sql` quotes names and texts for DuckDB."""

from evalayer_lab.results._join import JoinReport, Occurrences
from evalayer_lab.results._read import read_results
from evalayer_lab.results._results import Results
from evalayer_lab.results._texts import RowTexts

__all__ = ["JoinReport", "Occurrences", "Results", "RowTexts", "read_results"]
