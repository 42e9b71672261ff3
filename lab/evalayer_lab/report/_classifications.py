"""Each classification, exact for the whole dataset."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from evalayer_lab.report._document import Classification, Label
from evalayer_lab.report._estimate import estimate
from evalayer_lab.results import Results
from evalayer_lab.statistics import ClassificationReport, classification_report


def classifications(results: Results, *, level: float) -> Iterator[Classification]:
    """Decode every metric that reports `correct` and the counters `tp`, `fp`, `fn` of each label."""
    for metric in results.metrics:
        if not metric.class_labels or not results.rows:
            continue
        gold, predicted, labels = results.classes(metric)
        scored = results.scored(metric)
        report = classification_report(np.where(scored, gold, -1), predicted, labels, level=level)
        yield Classification(
            metric=metric.name,
            figures={
                "accuracy": estimate(report.accuracy),
                "balanced_accuracy": estimate(report.balanced_accuracy),
                "f1_macro": estimate(report.f1.macro),
                "f1_weighted": estimate(report.f1.weighted),
                "mcc": estimate(report.mcc),
                "kappa": estimate(report.kappa),
            },
            labels=tuple(_labels(report)),
            confusion=tuple(tuple(row) for row in report.confusion.counts.tolist()),
            n_left_out=int(np.count_nonzero(scored & (gold < 0))),
        )


def _labels(report: ClassificationReport) -> Iterator[Label]:
    for row in report.by_label:
        yield Label(
            label=row.label,
            gold=row.support,
            predicted=row.predicted,
            precision=estimate(row.precision),
            recall=estimate(row.recall),
            f1=estimate(row.f1),
        )
