"""From the rows of a run to what a reader needs to know of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from evalayer import __version__
from evalayer_lab.inputs import InputError
from evalayer_lab.report import _findings as find
from evalayer_lab.report._choice import choose, target_of, verdict_of
from evalayer_lab.report._classifications import classifications
from evalayer_lab.report._comparison import compare
from evalayer_lab.report._confidence import ConfidenceKind, Judged, confidence, judge, why_none
from evalayer_lab.report._document import Classification, Comparison, Document, Metric
from evalayer_lab.report._examples import with_examples
from evalayer_lab.report._failures import error_kinds, hedging, wrong_rows
from evalayer_lab.report._methods import methods_of
from evalayer_lab.report._metrics import disagreements, metric_rows
from evalayer_lab.report._provenance import join_of, rows_of, run_of, unread_metadata
from evalayer_lab.report._router import FoundGate
from evalayer_lab.report._where import heat_map, metadata_of, segments, slices, table_of
from evalayer_lab.results import Results
from evalayer_lab.statistics import gate_threshold

_NO_VERDICT = "No metric says 0 or 1 of a row, so there is nothing for a confidence to be right about."


def analyse(
    results: Results,
    *,
    metric: str | None = None,
    kind: ConfidenceKind = "joint",
    max_risk: float = 0.05,
    level: float = 0.95,
    texts: bool = False,
    other: Results | None = None,
    cluster: str | None = None,
    margin: float | None = None,
) -> Document:
    """Say what is true of a run, how sure that is, where it fails, and what to do.

    Args:
        results: the run.
        metric: the reported name to look into; by default a classification's, else the first that has a good way.
        kind: how a row's confidence is taken from the tokens of its label.
        max_risk: the error rate that the gate promises.
        level: confidence level of every interval.
        texts: whether the example rows hold their prompts, answers and golds.
        other: a run to compare with, on the same rows.
        cluster: a metadata key whose rows are not independent of each other, for the comparison.
        margin: differences within it count as equivalent.

    Raises:
        InputError: there is no such metric, or the other run has no row or no metric in common with this one.
    """
    rows = tuple(metric_rows(results, level=level))
    decoded = tuple(classifications(results, level=level))
    chosen = choose(results, rows, metric)
    target = None if chosen is None else target_of(results, chosen)
    verdict = None if target is None else verdict_of(results, rows, target)
    keys, too_many = metadata_of(results)

    judged = None if verdict is None else judge(results, verdict, kind)
    described = sure = None
    if judged is not None and len(judged.rows):
        gate = gate_threshold(judged.confidence, judged.correct, max_risk, level=level, n_unscored=judged.n_missing)
        described = confidence(results, judged, gate, level=level)
        sure = results.column(f"confidence_{kind}")

    table = None if target is None or not keys else table_of(target, keys, sure, level=level)
    where = None if target is None or table is None else segments(target, table)
    failing = None if target is None or not keys else slices(target, keys, level=level)

    kinds = [] if verdict is None else wrong_rows(results, verdict)
    doubt, doubtful = (None, ()) if verdict is None else hedging(results, verdict, level=level)
    found = [
        *find.run_findings(results.run, results.join, rows, lambda name: _unscored(results, name)),
        *find.error_findings(kinds, 0 if verdict is None else verdict.n),
        *(() if target is None else find.place_findings(target, failing, where, keys)),
        *(() if described is None or judged is None else find.confidence_findings(described, judged)),
        *find.confusion_findings(decoded, lambda name: _codes(results, name)),
        *find.hedging_findings(doubt, doubtful),
    ]
    findings, examples = with_examples(results, found, keys, verdict, sure, texts=texts)
    document = Document(
        evalayer=__version__,
        run=run_of(results),
        rows=rows_of(results),
        join=join_of(results.join),
        failures=results.run.failures,
        unscored=results.run.unscored,
        metrics=rows,
        decoded=results.run.decoded,
        classifications=decoded,
        correctness=None if verdict is None else verdict.metric,
        confidence=described,
        no_confidence=None if described is not None else _no_confidence(judged, results.field),
        segments=where,
        heat_map=None if target is None or table is None else heat_map(target, table, keys, level=level),
        slices=failing,
        error_kinds=() if verdict is None else tuple(error_kinds(results, kinds, verdict.n, level=level)),
        hedging=doubt,
        findings=findings,
        examples=examples,
        comparison=None
        if other is None
        else compare(
            results, other, rows, chosen, asked=metric is not None, cluster=cluster, margin=margin, level=level
        ),
        assumptions=results.run.assumptions,
        notes=tuple(_notes(results, rows, decoded, too_many)),
        next_step=None if not findings else f"{findings[0].sentence} {findings[0].next_step}",
    )
    return document.model_copy(update={"methods": methods_of(document)})


def compare_runs(
    this: Results,
    other: Results,
    *,
    metric: str | None = None,
    cluster: str | None = None,
    margin: float | None = None,
    level: float = 0.95,
) -> Comparison:
    """Compare a run with another one on the rows that both have, as `analyse` does with `other`.

    Raises:
        InputError: there is no such metric or metadata key, or the runs have no row or no metric in common.
    """
    rows = tuple(metric_rows(this, level=level))
    chosen = choose(this, rows, metric)
    return compare(this, other, rows, chosen, asked=metric is not None, cluster=cluster, margin=margin, level=level)


def gate_of(
    results: Results,
    *,
    metric: str | None = None,
    kind: ConfidenceKind = "joint",
    max_risk: float,
    level: float = 0.95,
) -> FoundGate:
    """Find the confidence above which at most `max_risk` of the answers are wrong.

    Raises:
        InputError: there is no such metric, it or all others say something else than 0 or 1, or no confidence.
    """
    rows = tuple(metric_rows(results, level=level))
    chosen = choose(results, rows, metric)
    verdict = None if chosen is None else verdict_of(results, rows, target_of(results, chosen))
    if metric is not None and chosen is not None and verdict is not None and verdict.metric != chosen.name:
        reason = f"{chosen.name} is not 0 or 1 on every row, so no answer is right or wrong by it; {verdict.metric} is"
        raise InputError(reason, path=results.folder)
    judged = None if verdict is None else judge(results, verdict, kind)
    if judged is None or not len(judged.rows):
        raise InputError(_no_confidence(judged, results.field), path=results.folder)
    gate = gate_threshold(judged.confidence, judged.correct, max_risk, level=level, n_unscored=judged.n_missing)
    return FoundGate(gate, judged, results.field)


def _notes(
    results: Results, rows: Sequence[Metric], decoded: Sequence[Classification], too_many: Sequence[str]
) -> Iterator[str]:
    yield from results.notes
    yield from unread_metadata(results.join)
    for each in decoded:
        if each.n_left_out:
            yield (
                f"The figures of {each.metric} leave out rows whose counters name no single label: {each.n_left_out:,}."
            )
    if not rows:
        yield "No metric was reported: the recipe has postprocessing off, or the handler has no metric."
    yield from disagreements(results)
    if too_many:
        yield f"Too many different values to be segments: {', '.join(too_many)}."


def _unscored(results: Results, name: str) -> NDArray[np.intp]:
    metric = next(metric for metric in results.metrics if metric.name == name)
    return np.flatnonzero(~results.scored(metric))


def _codes(results: Results, name: str) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    metric = next(metric for metric in results.metrics if metric.name == name)
    gold, predicted, _ = results.classes(metric)
    return gold, predicted


def _no_confidence(judged: Judged | None, field: str | None) -> str:
    return _NO_VERDICT if judged is None else why_none(judged, field)
