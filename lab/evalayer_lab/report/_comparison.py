"""Two runs, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from evalayer_lab.inputs import InputError
from evalayer_lab.report._document import Comparison, Difference, Metric
from evalayer_lab.report._estimate import estimate
from evalayer_lab.report._figures import interval, level_of, number
from evalayer_lab.report._provenance import run_of
from evalayer_lab.report._rows import paired
from evalayer_lab.results import Results
from evalayer_lab.statistics import (
    PairedDifference,
    PairedTest,
    benjamini_hochberg,
    mcnemar,
    mean_interval,
    paired_difference,
    permutation_test,
    smallest_detectable_difference,
)

Verdict: TypeAlias = Literal["better", "worse", "equivalent", "no evidence"]


@dataclass(frozen=True, slots=True)
class Compared:
    """One metric of two runs on the rows that both scored.

    Attributes:
        metric: its reported name.
        higher_is_better: which way is good.
        this: mean of the run that the verdict is about.
        other: mean of the run it is compared with.
        difference: of the first from the second.
        test: of whether they differ.
    """

    metric: str
    higher_is_better: bool
    this: float | None
    other: float | None
    difference: PairedDifference
    test: PairedTest


def compare(
    this: Results,
    other: Results,
    metrics: Sequence[Metric],
    chosen: Metric | None,
    *,
    asked: bool,
    cluster: str | None,
    margin: float | None,
    level: float,
) -> Comparison:
    """Compare the metrics of two runs on the rows that both have, matched by content.

    Args:
        this: the run that the verdict is about.
        other: the run it is compared with.
        metrics: the metrics of this run; those that the other one reports too, and that have a good way, are compared.
        chosen: the metric to name first.
        asked: whether somebody asked for that metric, so that no other one will do.
        cluster: a metadata key whose rows are not independent of each other.
        margin: differences within it count as equivalent.
        level: confidence level; a difference is called where its corrected p-value is at most 1 - level.

    Raises:
        InputError: there is no such metadata key, or the runs share no row, no metric with a good way that both
            score on a row, or not the one that was asked for.
    """
    here, there = paired(this, other)
    if not len(here):
        raise InputError(f"no row is in {this.folder} as well: prompt and gold must be the same", path=other.folder)
    clusters = None if cluster is None else _clusters(this, cluster)[here]
    wanted = [row for row in metrics if row.higher_is_better is not None]
    wanted.sort(key=lambda row: chosen is None or row.name != chosen.name)
    compared = list(_compared(this, other, wanted, here, there, clusters, level))
    if not compared:
        raise InputError(f"it shares no scored metric with {this.folder} that has a good way", path=other.folder)
    if asked and chosen is not None and compared[0].metric != chosen.name:
        raise InputError(f"it has no score of {chosen.name} on a row that {this.folder} scores", path=other.folder)
    differences = judge_all(compared, margin=margin)
    return Comparison(
        other=run_of(other),
        n_paired=len(here),
        n_only_this=this.rows - len(here),
        n_only_other=other.rows - len(there),
        margin=margin,
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
) -> Compared:
    """Compare the scores of two runs on the same rows in the same order, shape (n,), of at least one row.

    Scores of 0 and 1 are tested with McNemar's exact test, others, and rows in clusters, by flipping signs.
    """
    binary = all(bool(np.all((scores == 0) | (scores == 1))) for scores in (this, other))
    if binary and clusters is None:
        test = mcnemar(other, this, n_unscored=n_unscored)
    else:
        test = permutation_test(other, this, clusters=clusters, n_unscored=n_unscored)
    difference = paired_difference(other, this, clusters=clusters, level=level, n_unscored=n_unscored)
    here, there = (mean_interval(scores).value for scores in (this, other))
    return Compared(metric, higher_is_better, here, there, difference, test)


def judge_all(compared: Sequence[Compared], *, margin: float | None = None) -> tuple[Difference, ...]:
    """Give each metric its verdict, with p-values corrected for the number of metrics (Benjamini and Hochberg)."""
    adjusted = benjamini_hochberg([each.test.p_value for each in compared])
    return tuple(_judged(each, float(q), margin) for each, q in zip(compared, adjusted, strict=True))


def _clusters(results: Results, key: str) -> NDArray[np.int64]:
    """A cluster for each row; a row without the key is a cluster of its own."""
    if key not in results.metadata_keys:
        near = get_close_matches(key, results.metadata_keys, n=1)
        known = ", ".join(results.metadata_keys) or "none"
        hint = f"did you mean {near[0]}?" if near else f"there are: {known}"
        raise InputError(f"no row has the metadata key {key!r}; {hint}", path=results.folder)
    codes, values = results.codes(f"metadata.{key}")
    return np.where(codes < 0, len(values) + np.arange(len(codes)), codes)


def _compared(
    this: Results,
    other: Results,
    wanted: Sequence[Metric],
    here: NDArray[np.intp],
    there: NDArray[np.intp],
    clusters: NDArray[np.int64] | None,
    level: float,
) -> Iterator[Compared]:
    known = {name for metric in other.metrics for name in metric.reported}
    for row in wanted:
        if row.name not in known:
            continue
        scored = _scored(this, row.name)[here] & _scored(other, row.name)[there]
        n = int(np.count_nonzero(scored))
        if n:
            yield compare_scores(
                row.name,
                this.values(row.name)[here][scored],
                other.values(row.name)[there][scored],
                higher_is_better=row.higher_is_better is True,
                clusters=None if clusters is None else clusters[scored],
                level=level,
                n_unscored=len(here) - n,
            )


def _scored(results: Results, name: str) -> NDArray[np.bool_]:
    metric = next(metric for metric in results.metrics if name in metric.reported)
    return results.scored(metric)


def _judged(compared: Compared, q_value: float, margin: float | None) -> Difference:
    difference, sd = estimate(compared.difference.estimate), compared.difference.sd
    low, high, value = difference.low, difference.high, difference.value
    alpha = round(1 - difference.level, 12)
    smallest = None if not sd else smallest_detectable_difference(difference.n, sd, alpha=alpha)
    named = (
        f"{compared.metric} is {number(compared.this)} beside {number(compared.other)}, a difference of "
        f"{number(value, signed=True)} ({level_of(difference)} interval {interval(difference, signed=True)}) "
        f"over {difference.n:,} paired rows"
    )
    verdict: Verdict = "no evidence"
    if low is None or high is None or value is None:
        sentence = f"No evidence: {named}; too few rows, or clusters of rows, for an interval."
    elif margin is not None and -margin <= low and high <= margin:
        verdict = "equivalent"
        sentence = f"Equivalent within {margin:g}: {named}."
    elif q_value <= alpha and not low <= 0 <= high:
        verdict = "better" if (value > 0) == compared.higher_is_better else "worse"
        sentence = f"{verdict.capitalize()}: {named}."
    elif sd == 0 and value == 0:
        rows = f"{difference.n:,} paired rows"
        sentence = f"No difference: {compared.metric} is {number(compared.this)} in both, alike on each of {rows}."
    else:
        shows = "" if smallest is None else f"; so many rows show one of {number(smallest)} with a power of 0.8"
        but = f"; the corrected p-value is {number(q_value)}" if not low <= 0 <= high else ""
        sentence = f"No evidence of a difference: {named}{but}{shows}."
    return Difference(
        metric=compared.metric,
        higher_is_better=compared.higher_is_better,
        this=compared.this,
        other=compared.other,
        difference=difference,
        p_value=compared.test.p_value,
        q_value=q_value,
        test=compared.test.method,
        sd=sd,
        smallest_detectable=smallest,
        verdict=verdict,
        sentence=sentence,
    )
