"""Where the rows come from, what became of them, and how their files met."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from evalayer_lab.report._document import Join, Rows, Run
from evalayer_lab.report._failures import unreadable
from evalayer_lab.results import JoinReport, Results

_MOST_PROBLEMS: Final = 20


def run_of(results: Results) -> Run:
    """Where the rows of a run come from."""
    run = results.run
    return Run(
        name=run.run_name,
        folder=str(results.folder),
        started=run.started,
        evalayer=run.evalayer,
        task=run.task,
        backend=None if run.backend is None else run.backend.name,
        aggregation=run.aggregation,
        digest=results.digest,
    )


def rows_of(results: Results) -> Rows:
    """What became of the rows of the dataset."""
    counts, expected = results.run.rows, results.join.expected
    if expected is None and counts is not None:
        expected = counts.read + counts.bad
    return Rows(
        expected=expected,
        read=None if counts is None else counts.read,
        bad=None if counts is None else counts.bad,
        failed=None if counts is None else counts.failed,
        scored=results.rows,
        unparseable=None if results.field is None else int(np.count_nonzero(unreadable(results))),
    )


def join_of(join: JoinReport) -> Join:
    """How the files met, with the first of the rows that did not."""
    problems = [
        f"{place}: {what}"
        for found, what in (
            (join.missing, "has no partner in the results"),
            (join.unexpected, "has no partner in the answers or the dataset"),
            (join.ambiguous, "could have one of several different metadata, and got none"),
            (join.unread_metadata, "has metadata that is not a JSON object"),
        )
        for place in found.places
    ]
    return Join(
        missing=join.missing.count + join.unexpected.count,
        duplicate=join.duplicates.count,
        ambiguous=join.ambiguous.count,
        without_metadata=join.without_metadata.count,
        unread_metadata=join.unread_metadata.count,
        without_logprobs=join.without_log_probabilities.count,
        problems=tuple(problems[:_MOST_PROBLEMS]),
    )


def unread_metadata(join: JoinReport) -> Iterator[str]:
    """Say how many rows have metadata that cannot be read."""
    if count := join.unread_metadata.count:
        which = "1 row has" if count == 1 else f"{count:,} rows have"
        yield f"{which} metadata that is not a JSON object, and is in no segment."
