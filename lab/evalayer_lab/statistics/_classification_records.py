"""What a classification report holds."""

from __future__ import annotations

from dataclasses import dataclass

from evalayer_lab.statistics._confusion import ConfusionMatrix
from evalayer_lab.statistics._intervals import Estimate


@dataclass(frozen=True, slots=True)
class Averages:
    """A figure of the labels, averaged three ways.

    Attributes:
        micro: over all rows alike.
        macro: the mean over the labels.
        weighted: the mean over the labels, each weighted by its gold rows.
    """

    micro: Estimate
    macro: Estimate
    weighted: Estimate


@dataclass(frozen=True, slots=True)
class LabelReport:
    """How well one label is told from the others.

    Attributes:
        label: the label.
        support: rows whose gold it is.
        predicted: rows whose prediction it is.
        precision: the share of its predictions that are right; None where it was never predicted.
        recall: the share of its gold rows that were predicted; None where it has none.
        f1: the harmonic mean of both; None where it is neither gold nor predicted.
    """

    label: str
    support: int
    predicted: int
    precision: Estimate
    recall: Estimate
    f1: Estimate


@dataclass(frozen=True, slots=True)
class ClassificationReport:
    """Every figure of a classification, each over the rows that have a gold label.

    Attributes:
        labels: the labels, in order.
        confusion: how often each label was taken for each; the last column counts invalid predictions.
        accuracy: the share of rows that are right.
        balanced_accuracy: the mean recall of the labels that have gold rows.
        precision: averaged over the labels.
        recall: averaged over the labels; micro and weighted are the accuracy.
        f1: averaged over the labels.
        kappa: Cohen's kappa; None where gold and predictions are all one label.
        mcc: Matthews' correlation for several classes; None where gold or predictions are all of one kind.
        by_label: the figures of each label, in the order of `labels`.
    """

    labels: tuple[str, ...]
    confusion: ConfusionMatrix
    accuracy: Estimate
    balanced_accuracy: Estimate
    precision: Averages
    recall: Averages
    f1: Averages
    kappa: Estimate
    mcc: Estimate
    by_label: tuple[LabelReport, ...]
