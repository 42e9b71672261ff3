"""Where the rows come from, what became of them, and how their files met."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from rich.console import Console

from evalayer_lab.report import write
from evalayer_lab.report._document import Document, Join, Rows, Run
from evalayer_lab.report._part import EXAMPLES, UNREADABLE, Part, RowFinding
from evalayer_lab.report._question import Question, scored_by
from evalayer_lab.report._tables import say
from evalayer_lab.results import Results

METHODS: Final[dict[str, str]] = {}
_MOST_PROBLEMS: Final = 20


def analyse(question: Question) -> Part:
    """Account for every row."""
    results, notes = question.results, list(question.results.notes)
    if n := results.join.unread_metadata.count:
        named = f"{write.rows(n)} {write.have(n)} metadata that is not a JSON object"
        notes.append(f"{named}, and {write.are(n)} in no segment.")
    return Part(
        fields={
            "run": describe_run(results),
            "rows": _rows(results),
            "join": _join(results),
            "failures": results.run.failures,
            "unscored": results.run.unscored,
            "assumptions": results.run.assumptions,
        },
        findings=[*_failed(results), *_missing(results), *_unscored(question)],
        notes=notes,
    )


def show(document: Document, console: Console) -> None:
    """Print what was run, and what became of its rows."""
    run, rows = document.run, document.rows
    say(console, run.name, style="bold")
    named = (("task", run.task), ("backend", run.backend), ("aggregation", run.aggregation))
    if origin := ", ".join(f"{what} {name}" for what, name in named if name is not None):
        say(console, origin)
    if rows.read is None:
        say(console, f"{rows.scored:,} rows scored")
    else:
        counts = f"{rows.read:,} rows read, {rows.failed:,} failed, {rows.scored:,} scored"
        say(console, f"{counts}; {rows.bad:,} broken lines left out")
    for kind, count in sorted(document.failures.items(), key=lambda item: (-item[1], item[0])):
        say(console, f"  failed with {kind}: {count:,}")


def describe_run(results: Results) -> Run:
    """Say where the rows of a run come from."""
    run = results.run
    return Run.of(
        run,
        name=run.run_name,
        folder=str(results.folder),
        backend=None if run.backend is None else run.backend["name"],
        digest=results.digest,
    )


def _rows(results: Results) -> Rows:
    counts, expected = results.run.rows, results.join.expected
    if expected is None and counts is not None:
        expected = counts.read + counts.bad
    unparseable = None
    if results.field is not None:
        codes, kinds = results.codes("answer_kind")
        unparseable = int(np.count_nonzero(np.isin(codes, [kinds.index(kind) for kind in UNREADABLE if kind in kinds])))
    return Rows.of(counts, expected=expected, scored=results.rows, unparseable=unparseable)


def _join(results: Results) -> Join:
    join = results.join
    problems = [
        f"{place}: {what}"
        for found, what in (
            (join.missing, "has no partner in the results"),
            (join.unexpected, "has no partner in the answers or the dataset"),
            (join.ambiguous, "could have any of several different metadata, so it was given none"),
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


def _failed(results: Results) -> Iterator[RowFinding]:
    run = results.run
    if run.rows is not None and run.rows.failed:
        kind = max(run.failures, key=lambda kind: run.failures[kind], default=None)
        most = f", most often with {kind}" if kind else ""
        sentence = f"{run.rows.failed:,} of {run.rows.read:,} rows failed{most}."
        yield RowFinding(1, "failed rows", sentence, "Fix these first, because no metric counts them.", run.rows.failed)


def _missing(results: Results) -> Iterator[RowFinding]:
    join = results.join
    missing, others = join.missing.count, join.unexpected.count
    if join.expected is None or not (missing or others):
        return
    without = f"{missing:,} of {join.expected:,} rows of the dataset {write.have(missing)} no result"
    if not others:
        step = "Find out whether rows failed, a limit was set, or a replica is missing, and run them."
        yield RowFinding(1, "missing rows", f"{without}.", step, missing)
        return
    unknown = f"{others:,} of {join.rows:,} rows of the run {write.are(others)} not in the dataset"
    sentence = f"{without}, and {unknown}." if missing else f"{unknown}."
    step = "The dataset has changed since the run, or is another: give the one that was run, or run this one."
    yield RowFinding(1, "missing rows", sentence, step, missing + others)


def _unscored(question: Question) -> Iterator[RowFinding]:
    gap = max(question.metrics, key=lambda row: row.estimate.n_unscored, default=None)
    if gap is None or not gap.estimate.n_unscored:
        return
    count, step = gap.estimate.n_unscored, "Find out why."
    reasons = question.results.run.unscored.get(gap.metric)
    if reasons:
        reason, most_rows = max(reasons.items(), key=lambda item: (item[1], item[0]))
        step = f"Look into the most common reason, on {write.rows(most_rows)}: {reason}."
    sentence = f"{gap.metric} could not score {count:,} of {gap.estimate.n + count:,} rows."
    rows = np.flatnonzero(~scored_by(question.results, gap.metric))[:EXAMPLES].tolist()
    yield RowFinding(1, "unscored rows", sentence, step, count, rows)
