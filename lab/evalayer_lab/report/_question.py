"""What is asked of a run, and what several sections need for their answer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evalayer_lab.answers import ConfidenceKind
from evalayer_lab.inputs import InputError, suggest
from evalayer_lab.report._document import Metric
from evalayer_lab.report._judged import Judged, Verdict, judge
from evalayer_lab.results import Results
from evalayer_lab.statistics import Estimate, MetadataKey, score_interval

_CORRECT: Final = "correct"
_COUNTERS: Final = ("tp", "fp", "fn")
_MOST_VALUES: Final = 1000  # of a metadata key: beyond, its values name rows, not segments
_NO_VERDICT: Final = "No metric is 0 or 1 on every row, so no answer counts as right or wrong."


@dataclass(frozen=True, slots=True)
class Target:
    """The metric that is looked into.

    Attributes:
        metric: its reported name.
        higher_is_better: which way is good.
        values: shape (rows,).
        scored: shape (rows,).
    """

    metric: str
    higher_is_better: bool
    values: NDArray[np.float64]
    scored: NDArray[np.bool_]

    @property
    def in_range(self) -> bool:
        """Whether every score lies from 0 to 1."""
        return not np.any(self.scored & ((self.values < 0) | (self.values > 1)))


@dataclass(frozen=True)
class Question:
    """A run, what is asked of it, and what several sections need for their answer, each worked out once.

    Attributes:
        results: the run.
        metric: the reported name to look into; None for the one to look at first.
        kind: how a row's confidence is taken from the tokens of its label.
        max_risk: the error rate that the gate promises.
        level: confidence level of every interval.
        texts: whether the example rows hold their texts.
        other: a run to compare with.
        cluster: a metadata key whose rows are not independent of each other, for the comparison.
        margin: differences within it count as equivalent.
    """

    results: Results
    metric: str | None = None
    kind: ConfidenceKind = "joint"
    max_risk: float = 0.05
    level: float = 0.95
    texts: bool = False
    other: Results | None = None
    cluster: str | None = None
    margin: float | None = None

    @cached_property
    def metrics(self) -> tuple[Metric, ...]:
        """The reported values other than counters, in order of declaration."""
        return tuple(_estimate_metrics(self.results, level=self.level))

    @cached_property
    def chosen(self) -> Metric | None:
        """The metric that was asked for, or the one to look at first; None if none has both a good way and a score.

        Raises:
            InputError: there is no such metric, it does not say which way is better, or it scored no row.
        """
        if self.metric is None:
            return _headline(self.metrics, {each.name for each in self.results.metrics if each.class_labels})
        found = {row.metric: row for row in self.metrics if row.part in {None, _CORRECT}}
        found |= {row.name: row for row in self.metrics}
        row = found.get(self.metric)
        if row is None:
            hint = suggest(self.metric, found)
            raise InputError(f"there is no metric {self.metric!r}; {hint}", path=self.results.folder)
        if row.higher_is_better is None:
            reason = f"the metric {self.metric!r} does not say whether higher or lower is better"
            raise InputError(f"{reason}, so its failures are not known", path=self.results.folder)
        if not row.estimate.n:
            raise InputError(f"the metric {self.metric!r} scored no row", path=self.results.folder)
        return row

    @cached_property
    def target(self) -> Target | None:
        """The values of the chosen metric."""
        return None if self.chosen is None else self._read_target(self.chosen)

    @cached_property
    def verdict(self) -> Verdict | None:
        """Which answers are right: by the target if its scores are 0 and 1 alone, else by another metric of that kind.

        Of the others, one that tells rows apart comes before one that scores all rows alike. None if there is none.
        """
        if self.target is None:
            return None
        alike = None
        usable = (row for row in self.metrics if row.higher_is_better is not None and row.estimate.n)
        for each in (self.target, *map(self._read_target, usable)):
            high, low = (each.scored & (each.values == value) for value in (1, 0))
            if np.array_equal(high | low, each.scored):
                right, wrong = (high, low) if each.higher_is_better else (low, high)
                verdict = Verdict(each.metric, right, wrong)
                if each is self.target or (right.any() and wrong.any()):
                    return verdict
                alike = alike or verdict
        return alike

    @cached_property
    def judged(self) -> Judged | None:
        """The rows that have a confidence and a verdict, at least one; None if there is none."""
        return None if self._candidates is None or self._candidates.why_none else self._candidates

    @property
    def no_confidence(self) -> str | None:
        """Why no row has both a confidence and a verdict, and how to get one; None where a row has."""
        return _NO_VERDICT if self._candidates is None else self._candidates.why_none

    @cached_property
    def confidence(self) -> NDArray[np.float64] | None:
        """Of each row, NaN where it has none, shape (rows,); None where no row is judged."""
        return None if self.judged is None else self.results.column(f"confidence_{self.kind}")

    @cached_property
    def metadata(self) -> tuple[MetadataKey, ...]:
        """The metadata keys that tell segments apart."""
        return tuple(key for key in self._keys if 0 < len(key.values) <= _MOST_VALUES)

    @property
    def unsegmented(self) -> tuple[str, ...]:
        """The metadata keys with so many values that these name rows."""
        return tuple(key.name for key in self._keys if len(key.values) > _MOST_VALUES)

    @cached_property
    def _keys(self) -> tuple[MetadataKey, ...]:
        found = ((name, *self.results.codes(f"metadata.{name}")) for name in self.results.metadata_keys)
        return tuple(MetadataKey(name, values, codes) for name, codes, values in found)

    @cached_property
    def _candidates(self) -> Judged | None:
        return None if self.verdict is None else judge(self.results, self.verdict, self.kind)

    def _read_target(self, row: Metric) -> Target:
        values, scored = self.results.values(row.name), scored_by(self.results, row.metric)
        return Target(row.name, row.higher_is_better is True, values, scored)


def scored_by(results: Results, name: str) -> NDArray[np.bool_]:
    """Which rows the metric that reports a name scored, shape (rows,)."""
    return results.scored(next(metric for metric in results.metrics if name in {metric.name, *metric.reported}))


def within_scores(estimate: Estimate) -> Estimate:
    """An estimate of scores from 0 to 1, its interval cut to these; that takes nothing from what it covers."""
    if estimate.low is None or estimate.high is None:
        return estimate
    return replace(estimate, low=max(0.0, estimate.low), high=min(1.0, estimate.high))


def _estimate_metrics(results: Results, *, level: float) -> Iterator[Metric]:
    """The reported values in order of declaration, without counters of classifications and without `unscored`."""
    for metric in results.metrics:
        scored = results.scored(metric)
        n_unscored = len(scored) - int(np.count_nonzero(scored))
        for name in metric.reported:
            part = name.removeprefix(metric.name + ".") if metric.parts else None
            if part is not None and part.partition(".")[0] in _COUNTERS:
                continue
            values = results.values(name)
            if n_unscored:
                values = values[scored]
            higher_is_better = None if part is not None and "." in part else metric.higher_is_better
            in_range = not np.any((values < 0) | (values > 1))
            estimate = score_interval(values, level=level, n_unscored=n_unscored)
            worst, best = _bounds(values, n_unscored, higher_is_better=higher_is_better) if in_range else (None, None)
            yield Metric(
                name=name,
                metric=metric.name,
                part=part,
                higher_is_better=higher_is_better,
                estimate=within_scores(estimate) if in_range else estimate,
                worst=worst,
                best=best,
                reported=results.reported.get(name),
            )


def _bounds(
    values: NDArray[np.float64], n_unscored: int, *, higher_is_better: bool | None
) -> tuple[float | None, float | None]:
    if n_unscored == 0 or higher_is_better is None:
        return None, None
    total, rows = math.fsum(values), len(values) + n_unscored
    ends = (total / rows, (total + n_unscored) / rows)
    return ends if higher_is_better else (ends[1], ends[0])


def _headline(rows: Sequence[Metric], classifications: set[str]) -> Metric | None:
    """The metric to look at first: a classification's, else the first with a good way whose rows are not all alike."""
    usable = [row for row in rows if row.higher_is_better is not None and row.estimate.n]
    correct = (row for row in usable if row.metric in classifications and row.part == _CORRECT)
    telling = (row for row in usable if row.estimate.value not in {0.0, 1.0})
    return next(correct, next(telling, usable[0] if usable else None))
