"""A run in a notebook."""

from __future__ import annotations

from functools import cached_property
from html import escape
from os import PathLike
from typing import TYPE_CHECKING, Any, Final

from evalayer_lab.results import Results, read_results

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

    from evalayer_lab.report import Document

_FRAME: Final = (
    '<iframe sandbox srcdoc="{}" title="Report of {}" style="width: 100%; height: 40rem; border: 1px solid"></iframe>'
)


class Run:
    """What a run found: its rows to query, and its report to look at.

    A notebook shows the report without prompts and answers, because what it shows is saved in it.

    Attributes:
        results: the rows, and what the run says about itself.
    """

    def __init__(self, results: Results) -> None:
        self.results = results

    @property
    def relation(self) -> duckdb.DuckDBPyRelation:
        """The rows as a DuckDB relation; `Results` describes its columns."""
        return self.results.relation

    def to_pandas(self) -> pd.DataFrame:
        """The rows as a data frame."""
        return self.results.to_pandas()

    @cached_property
    def report(self) -> Document:
        """The report, with the defaults of `evalayer report`."""
        from evalayer_lab.report import analyse

        return analyse(self.results)

    def _repr_html_(self) -> str:
        from evalayer_lab.report.html import render_html

        return _FRAME.format(escape(render_html(self.report)), escape(self.results.run.run_name))

    def __repr__(self) -> str:
        return f"<Run {self.results.run.run_name!r}, {self.results.rows:,} rows>"


def load(path: str | PathLike[str], **options: Any) -> Run:
    """Read what a run or a job wrote.

    Args:
        path: a folder, a .tar.gz archive, or an s3:// URI.
        options: `field`, `labels`, `dataset`, `partial` and `cache`, as in `evalayer_lab.results.read_results`.

    Raises:
        InputError: the output cannot be read; the message names the file and what was expected.
    """
    return Run(read_results(path, **options))
