"""What is looked into: a metric, and which answers are right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

from evalayer_lab.inputs import InputError
from evalayer_lab.report._document import Metric
from evalayer_lab.report._metrics import CORRECT, headline
from evalayer_lab.results import Results


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

    @property
    def losses(self) -> NDArray[np.float64]:
        """How bad each row is: the more, the worse, shape (rows,)."""
        return -self.values if self.higher_is_better else self.values


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which answers are right, by a metric that knows 0 and 1 alone.

    Attributes:
        metric: its reported name.
        right: shape (rows,).
        wrong: shape (rows,); a row that the metric could not score is neither right nor wrong.
    """

    metric: str
    right: NDArray[np.bool_]
    wrong: NDArray[np.bool_]

    @property
    def n(self) -> int:
        """Rows that are right or wrong."""
        return int(np.count_nonzero(self.right) + np.count_nonzero(self.wrong))


def choose(results: Results, rows: Sequence[Metric], name: str | None) -> Metric | None:
    """The metric of a name, or the one to look at first; None if no metric has both a good way and a score.

    Raises:
        InputError: there is no such metric, nobody said which way is good, or it scored no row.
    """
    if name is None:
        return headline(rows, {each.name for each in results.metrics if each.class_labels})
    found = {row.metric: row for row in rows if row.part in {None, CORRECT}} | {row.name: row for row in rows}
    if name not in found:
        near = get_close_matches(name, found, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it reports {', '.join(row.name for row in rows) or 'none'}"
        raise InputError(f"there is no metric {name!r}; {hint}", path=results.folder)
    row = found[name]
    if row.higher_is_better is None:
        raise InputError(f"of {name!r} nobody said which way is good, so it has no failures", path=results.folder)
    if not row.estimate.n:
        raise InputError(f"the metric {name!r} scored no row", path=results.folder)
    return row


def target_of(results: Results, row: Metric) -> Target:
    """The values of a metric that has a good way."""
    metric = next(metric for metric in results.metrics if metric.name == row.metric)
    return Target(row.name, row.higher_is_better is True, results.values(row.name), results.scored(metric))


def verdict_of(results: Results, rows: Sequence[Metric], target: Target) -> Verdict | None:
    """Which answers are right: by the target if it knows 0 and 1 alone, else by another metric that does.

    Of the others, one that tells rows apart comes before one that scores all rows alike. None if there is none.
    """
    alike = None
    others = (target_of(results, row) for row in rows if row.higher_is_better is not None and row.estimate.n)
    for each in (target, *others):
        high, low = (each.scored & (each.values == value) for value in (1, 0))
        if np.array_equal(high | low, each.scored):
            right, wrong = (high, low) if each.higher_is_better else (low, high)
            verdict = Verdict(each.metric, right, wrong)
            if each is target or (right.any() and wrong.any()):
                return verdict
            alike = alike or verdict
    return alike
