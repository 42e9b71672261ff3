"""Two runs, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from evalayer_lab.inputs import InputError, suggest
from evalayer_lab.report import write
from evalayer_lab.report._document import Comparison, Difference, Document
from evalayer_lab.report._part import Part
from evalayer_lab.report._question import Question, scored_by
from evalayer_lab.report._tables import by_metric, say, show_table, with_interval
from evalayer_lab.report.sections.rows import describe_run
from evalayer_lab.results import Results
from evalayer_lab.statistics import (
    benjamini_hochberg,
    mcnemar,
    mean_interval,
    paired_difference,
    permutation_test,
    smallest_detectable_difference,
)

Verdict: TypeAlias = Literal["better", "worse", "equivalent", "no evidence"]

METHODS: Final = {
    "comparison": "Rows are paired by prompt and gold. Metrics of 0 and 1 are tested with McNemar's exact test, "
    "others, and rows in clusters, by flipping signs; p-values are corrected for the number of metrics (Benjamini and "
    "Hochberg 1995). A difference is called where its corrected p-value is at most one less the level and its "
    "interval leaves out 0.",
}
_IDENTITY: Final = "SELECT key, ordinal FROM rows"


def analyse(question: Question) -> Part:
    """Compare the run with the other one, if there is one."""
    return Part({} if question.other is None else {"comparison": compare(question, question.other)})


def show(document: Document, console: Console) -> None:
    """Print the comparison."""
    if document.comparison is not None:
        render_comparison(document.comparison, console)


def render_comparison(comparison: Comparison, console: Console) -> None:
    """Print how two runs differ on the rows they share."""
    interval = f"{write.level(comparison.differences[0].difference.level)} interval"
    heads = ("beside the other run", "this", "other", "change", interval, "rows", "verdict")
    rows = (
        (
            each.metric,
            write.number(each.this),
            write.number(each.other),
            *with_interval(each.difference, sign=True),
            write.count(each.difference.n),
            each.verdict,
        )
        for each in comparison.differences
    )
    show_table(console, heads, by_metric(rows))
    say(
        console,
        f"The other run is {comparison.other.folder}. {comparison.n_paired:,} rows are in both; "
        f"{comparison.n_only_this:,} in this run only, {comparison.n_only_other:,} in the other only.",
    )
    say(console, comparison.sentence)


def compare(question: Question, other: Results) -> Comparison:
    """Compare the metrics of two runs on the rows that both have, matched by content.

    Args:
        question: the run that the verdict is about; its metrics that the other one reports too, and that have a good
            way, are compared, the chosen one first. A difference is called where its corrected p-value is at most
            1 - level.
        other: the run it is compared with.

    Raises:
        InputError: there is no such metric or metadata key, or the runs share no row, no metric with a good way that
            both score on a row, or not the one that was asked for.
    """
    this, chosen = question.results, question.chosen
    pairs = _pair_rows(this, other)
    if not len(pairs[0]):
        reason = f"it has no row in common with {this.folder}: prompt and gold must be the same"
        raise InputError(reason, path=other.folder)
    wanted = [row.name for row in question.metrics if row.higher_is_better is not None]
    wanted.sort(key=lambda name: chosen is None or name != chosen.name)
    compared = list(_compared(question, other, wanted, pairs))
    if not compared:
        reason = f"it shares no scored metric with {this.folder} that says whether higher or lower is better"
        raise InputError(reason, path=other.folder)
    if question.metric is not None and chosen is not None and compared[0].metric != chosen.name:
        raise InputError(f"it has no score of {chosen.name} on a row that {this.folder} scores", path=other.folder)
    differences = judge_all(compared, margin=question.margin)
    return Comparison(
        other=describe_run(other),
        n_paired=len(pairs[0]),
        n_only_this=this.rows - len(pairs[0]),
        n_only_other=other.rows - len(pairs[1]),
        margin=question.margin,
        differences=differences,
        sentence=differences[0].sentence,
    )


def compare_scores(
    metric: str,
    this: NDArray[np.float64],
    other: NDArray[np.float64],
    *,
    higher_is_better: bool = True,
    clusters: NDArray[np.int64] | None = None,
    level: float = 0.95,
    n_unscored: int = 0,
) -> Difference:
    """Compare the scores of two runs on the same rows in the same order, shape (n,), of at least one row.

    Scores of 0 and 1 are tested with McNemar's exact test, others, and rows in clusters, by flipping signs. The verdict
    waits for `judge_all`.
    """
    binary = all(bool(np.all((scores == 0) | (scores == 1))) for scores in (this, other))
    if binary and clusters is None:
        test = mcnemar(other, this, n_unscored=n_unscored)
    else:
        test = permutation_test(other, this, clusters=clusters, n_unscored=n_unscored)
    paired = paired_difference(other, this, clusters=clusters, level=level, n_unscored=n_unscored)
    difference, sd = paired.estimate, paired.sd
    here, there = (mean_interval(scores).value for scores in (this, other))
    return Difference(
        metric=metric,
        higher_is_better=higher_is_better,
        this=here,
        other=there,
        difference=difference,
        p_value=test.p_value,
        q_value=None,
        test=test.method,
        sd=sd,
        smallest_detectable=smallest_detectable_difference(difference.n, sd, alpha=round(1 - level, 12))
        if sd
        else None,
        verdict="no evidence",
        sentence="",
    )


def judge_all(compared: Sequence[Difference], *, margin: float | None = None) -> tuple[Difference, ...]:
    """Give each metric its verdict, with p-values corrected for the number of metrics (Benjamini and Hochberg)."""
    adjusted = benjamini_hochberg([each.p_value for each in compared])
    return tuple(_judge(each, float(q), margin) for each, q in zip(compared, adjusted, strict=True))


def _pair_rows(this: Results, other: Results) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The rows that both runs have, by content and ordinal: their indices in each, shape (pairs,)."""
    these, others = (each.connection.execute(_IDENTITY).fetchall() for each in (this, other))
    places = {identity: row for row, identity in enumerate(others)}
    pairs = [(row, places[identity]) for row, identity in enumerate(these) if identity in places]
    matched = np.array(pairs, dtype=np.intp).reshape(-1, 2)
    return matched[:, 0], matched[:, 1]


def _compared(
    question: Question, other: Results, wanted: Sequence[str], pairs: tuple[NDArray[np.intp], NDArray[np.intp]]
) -> Iterator[Difference]:
    this, (here, there) = question.results, pairs
    clusters = None if question.cluster is None else _clusters(this, question.cluster)[here]
    ways = {metric.name: metric.higher_is_better for metric in question.metrics}
    known = {name for metric in other.metrics for name in metric.reported}
    for name in wanted:
        if name not in known:
            continue
        scored = scored_by(this, name)[here] & scored_by(other, name)[there]
        n = int(np.count_nonzero(scored))
        if n:
            yield compare_scores(
                name,
                this.values(name)[here][scored],
                other.values(name)[there][scored],
                higher_is_better=ways[name] is True,
                clusters=None if clusters is None else clusters[scored],
                level=question.level,
                n_unscored=len(here) - n,
            )


def _clusters(results: Results, key: str) -> NDArray[np.int64]:
    """A cluster for each row; a row without the key is a cluster of its own."""
    if key not in results.metadata_keys:
        hint = suggest(key, results.metadata_keys)
        raise InputError(f"no row has the metadata key {key!r}; {hint}", path=results.folder)
    codes, values = results.codes(f"metadata.{key}")
    return np.where(codes < 0, len(values) + np.arange(len(codes)), codes)


def _judge(compared: Difference, q_value: float, margin: float | None) -> Difference:
    difference, smallest = compared.difference, compared.smallest_detectable
    low, high, value = difference.low, difference.high, difference.value
    named = (
        f"{compared.metric} is {write.number(compared.this)} beside {write.number(compared.other)}, a difference of "
        f"{write.value(difference, sign=True)} ({write.level(difference.level)} interval "
        f"{write.interval(difference, sign=True)}) over {difference.n:,} paired rows"
    )
    verdict: Verdict = "no evidence"
    if low is None or high is None or value is None:
        sentence = f"No evidence: {named}; too few rows, or clusters of rows, for an interval."
    elif margin is not None and -margin <= low and high <= margin:
        verdict = "equivalent"
        sentence = f"Equivalent within {margin:g}: {named}."
    elif q_value <= round(1 - difference.level, 12) and not low <= 0 <= high:
        verdict = "better" if (value > 0) == compared.higher_is_better else "worse"
        sentence = f"{verdict.capitalize()}: {named}."
    elif compared.sd == 0 and value == 0:
        rows = f"{difference.n:,} paired rows"
        both = write.number(compared.this)
        sentence = f"No difference: {compared.metric} is {both} in both, alike on each of {rows}."
    else:
        shown = write.number(smallest)
        shows = "" if smallest is None else f"; this many rows would show a difference of {shown} with a power of 0.8"
        but = f"; the corrected p-value is {write.number(q_value)}" if not low <= 0 <= high else ""
        sentence = f"No evidence of a difference: {named}{but}{shows}."
    return compared.model_copy(update={"q_value": q_value, "verdict": verdict, "sentence": sentence})
