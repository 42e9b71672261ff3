"""What a summary is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalayer_lab.report._run_file import RunInfo
from evalayer_lab.statistics import Estimate, SegmentTable


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One reported value of a metric.

    Attributes:
        name: the reported name.
        metric: the metric it belongs to.
        part: the part of the metric; None if the metric reports one number.
        estimate: the mean over scored rows with its interval.
        higher_is_better: which way is good; None where neither is, nobody said, or the value is a count of rows.
        worst: the mean if every unscored row had scored the worst of 0 and 1; None where no row is unscored,
            where neither way is good, or where a value outside [0, 1] shows that these are not its bounds.
        best: the same with the best of 0 and 1.
        reported: the folded value as the job reports it; None if it does not.
    """

    name: str
    metric: str
    part: str | None
    estimate: Estimate
    higher_is_better: bool | None
    worst: float | None
    best: float | None
    reported: float | None

    @property
    def is_count(self) -> bool:
        """Whether it counts rows of one kind, `<part>.<label>`: the metric's good way is not its own then."""
        return self.part is not None and "." in self.part


@dataclass(frozen=True, slots=True)
class Confusion:
    """The confusion matrix of one classification.

    Attributes:
        metric: the metric's name.
        labels: the classes, as written in the data.
        counts: shape (classes, classes + 1): rows by gold class, columns by predicted class, the last column for
            predictions outside the classes.
    """

    metric: str
    labels: tuple[str, ...]
    counts: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Weakest:
    """The segments of one metric.

    Attributes:
        name: the metric's reported name.
        higher_is_better: which way is good.
        table: its segments, weakest first.
    """

    name: str
    higher_is_better: bool
    table: SegmentTable


@dataclass(frozen=True, slots=True)
class Summary:
    """What a report says of a run.

    Attributes:
        run: what `run.json` says.
        folder: the run's folder.
        rows: the number of folded rows.
        metrics: one per reported value, counters and `unscored` left out, in order of declaration.
        decoded: the values of corpus metrics, by reported name.
        confusions: one per classification.
        segments: of the headline metric: the first classification, else the first metric with a good way; None if
            there is none, or the rows have no metadata.
        notes: what a reader must know of the numbers, as sentences.
        next_step: what to do next, as a sentence; None where the numbers suggest nothing.
    """

    run: RunInfo
    folder: str
    rows: int
    metrics: tuple[MetricRow, ...]
    decoded: Mapping[str, float | None]
    confusions: tuple[Confusion, ...]
    segments: Weakest | None
    notes: tuple[str, ...]
    next_step: str | None
