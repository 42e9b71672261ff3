from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics

from evalayer import Completion
from evalayer_lab.statistics import (
    ClassificationReport,
    ConfusionMatrix,
    Estimate,
    classification_report,
    classification_report_from_confusion,
    wilson_interval,
)
from evalayer_metrics.classification import classification

LABELS = ["hardware", "network", "access", "never"]
Codes = NDArray[np.int64]
ROWS = st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 3)), min_size=1, max_size=80)


def estimates(report: ClassificationReport) -> Iterator[tuple[str, Estimate]]:
    yield "accuracy", report.accuracy
    yield "balanced_accuracy", report.balanced_accuracy
    for name, averages in (("precision", report.precision), ("recall", report.recall), ("f1", report.f1)):
        yield f"{name}_micro", averages.micro
        yield f"{name}_macro", averages.macro
        yield f"{name}_weighted", averages.weighted
    yield "kappa", report.kappa
    yield "mcc", report.mcc
    for label in report.by_label:
        yield f"precision.{label.label}", label.precision
        yield f"recall.{label.label}", label.recall
        yield f"f1.{label.label}", label.f1


def from_scikit_learn(gold: Codes, predicted: Codes) -> dict[str, float]:
    places, invalid = list(range(len(LABELS))), len(LABELS)
    answers = np.where(predicted < 0, invalid, predicted)
    expected = {
        "accuracy": metrics.accuracy_score(gold, answers),
        "balanced_accuracy": metrics.recall_score(gold, answers, labels=np.unique(gold), average="macro"),
    }
    if len({*gold.tolist(), *answers.tolist()}) > 1:
        expected["kappa"] = metrics.cohen_kappa_score(gold, answers)
    if len(np.unique(gold)) > 1 and len(np.unique(answers)) > 1:
        expected["mcc"] = metrics.matthews_corrcoef(gold, answers)
    for average in ("micro", "macro", "weighted", None):
        scores = metrics.precision_recall_fscore_support(
            gold, answers, labels=places, average=average, zero_division=0.0
        )
        for name, score in zip(("precision", "recall", "f1"), scores, strict=False):
            if average is not None:
                expected[f"{name}_{average}"] = score
            else:
                expected.update({f"{name}.{label}": value for label, value in zip(LABELS, score, strict=True)})
    return expected


@given(rows=ROWS)
def test_equals_scikit_learn(rows: list[tuple[int, int]]) -> None:
    gold, predicted = (np.array(column) for column in zip(*rows, strict=True))
    expected = from_scikit_learn(gold, predicted)
    report = classification_report(gold, predicted, LABELS, resamples=2)
    for name, estimate in estimates(report):
        if estimate.value is None:
            assert expected.get(name, 0.0) == 0.0, name
            assert estimate.low is estimate.high is None
        else:
            assert estimate.value == pytest.approx(expected[name], abs=1e-12), name
    answers = np.where(predicted < 0, len(LABELS), predicted)
    matrix = metrics.confusion_matrix(gold, answers, labels=range(len(LABELS) + 1))
    assert report.confusion.counts.tolist() == matrix[: len(LABELS)].tolist()


@given(rows=ROWS)
def test_equals_what_the_metric_decodes(rows: list[tuple[int, int]]) -> None:
    metric = classification(labels=LABELS)
    gold = [LABELS[row[0]] for row in rows]
    predicted = [LABELS[row[1]] if row[1] >= 0 else None for row in rows]
    totals = dict.fromkeys(metric.parts, 0.0) | {"unscored": 0.0}
    for wanted, answer in zip(gold, predicted, strict=True):
        score = metric.score(Completion("", answer or "?", wanted))
        assert isinstance(score, dict)
        for part, value in score.items():
            totals[part] += value
    decoded = metric.decode(totals, len(rows))
    for name, estimate in estimates(classification_report(gold, predicted, LABELS, resamples=1)):
        assert (estimate.value or 0.0) == pytest.approx(decoded[name], abs=1e-12), name


def test_text_codes_and_counts_are_one_report() -> None:
    generator = np.random.default_rng(0)
    gold, predicted = generator.integers(-1, 4, size=(2, 300))
    gold_text, predicted_text = ([LABELS[code] if code >= 0 else None for code in codes] for codes in (gold, predicted))
    report = classification_report(gold, predicted, LABELS)
    counts = report.confusion.counts
    reports = [
        classification_report(gold_text, predicted_text, LABELS),
        classification_report(gold.tolist(), predicted.tolist(), LABELS),
        classification_report(np.array(gold_text, dtype=object), np.array(predicted_text, dtype=object), LABELS),
        classification_report_from_confusion(report.confusion, LABELS),
    ]
    for other in reports:
        assert list(estimates(other)) == list(estimates(report))
        assert other.confusion.counts.tolist() == counts.tolist()
    order = generator.permutation(300)
    shuffled = classification_report(gold[order], predicted[order], LABELS)
    assert list(estimates(shuffled)) == list(estimates(report))


def test_each_figure_says_what_it_stands_on() -> None:
    gold = ["hardware"] * 6 + ["network"] * 3 + [None, "unheard of"]
    predicted = ["hardware"] * 4 + [None, "nonsense"] + ["network", "hardware", "network", "access", "access"]
    report = classification_report(gold, predicted, LABELS, level=0.9, resamples=50, seed=7)
    assert report.accuracy == wilson_interval(6, 9, level=0.9, n_unscored=2)
    assert report.recall.micro == report.recall.weighted == report.accuracy
    assert report.precision.micro == wilson_interval(6, 7, level=0.9, n_unscored=2)
    hardware, _, access, _ = report.by_label
    assert (hardware.support, hardware.predicted, access.support, access.predicted) == (6, 5, 0, 0)
    assert hardware.precision == wilson_interval(4, 5, level=0.9, n_unscored=2)
    assert hardware.recall == wilson_interval(4, 6, level=0.9, n_unscored=2)
    jaccard = wilson_interval(4, 7, level=0.9)
    assert jaccard.low is not None
    assert hardware.f1.low == pytest.approx(2 * jaccard.low / (1 + jaccard.low), abs=1e-15)
    assert hardware.f1.value == pytest.approx(8 / 11, abs=1e-15)
    assert hardware.f1.n == 7
    assert (access.recall.value, access.f1.value) == (None, None)
    macro = report.f1.macro
    assert (macro.level, macro.method, macro.n, macro.n_unscored, macro.seed, macro.resamples) == (
        0.9, "bootstrap", 9, 2, 7, 50,
    )  # fmt: skip
    assert report.confusion.counts[:, -1].tolist() == [2, 0, 0, 0]
    assert report.confusion.n_left_out == 2


def test_no_row_and_no_valid_prediction() -> None:
    for report in (classification_report([], [], LABELS), classification_report([], [], LABELS, clusters=[])):
        for _, estimate in estimates(report):
            assert (estimate.value, estimate.low, estimate.high, estimate.n) == (None, None, None, 0)
    report = classification_report(["hardware"] * 5, [None] * 5, LABELS)
    assert report.accuracy.value == 0.0
    assert report.precision.micro.value is None
    assert (report.f1.micro.value, report.f1.macro.value) == (0.0, 0.0)
    assert report.mcc.value is report.mcc.low is None


def test_one_row() -> None:
    report = classification_report(["network"], ["network"], LABELS)
    assert (report.accuracy.value, report.f1.weighted.value, report.balanced_accuracy.value) == (1.0, 1.0, 1.0)
    assert report.kappa.value is None


@pytest.mark.parametrize("clusters", [None, np.repeat(np.arange(50), 2)])
def test_a_run_without_errors_has_intervals(clusters: Codes | None) -> None:
    gold = np.arange(100) % 4
    for name, estimate in estimates(classification_report(gold, gold, LABELS, clusters=clusters)):
        assert estimate.value == estimate.high == 1.0, name
        assert estimate.low is not None
        assert 0.7 < estimate.low < 0.99, name


def test_intervals_hold_the_value_and_repeat_with_the_seed() -> None:
    generator = np.random.default_rng(3)
    gold, predicted = generator.integers(0, 4, size=(2, 60))
    first, again, other = (list(estimates(classification_report(gold, predicted, LABELS, seed=s))) for s in (0, 0, 1))
    assert first == again != other
    for name, estimate in first:
        assert estimate.value is not None
        assert estimate.low is not None
        assert estimate.high is not None
        assert estimate.low <= estimate.value <= estimate.high, name


def test_huge_counts() -> None:
    counts = np.array([[4 * 10**12, 10**12, 0], [10**12, 3 * 10**12, 10**12]])
    report = classification_report_from_confusion(ConfusionMatrix(counts, 0), ["a", "b"])
    assert report.accuracy.value == 0.7
    assert report.kappa.value == pytest.approx((7 * 10 - 25 - 20) / (100 - 45), abs=1e-12)
    for name, estimate in estimates(report):
        assert estimate.low is not None
        assert estimate.high is not None
        assert estimate.high - estimate.low < 1e-5, name


def test_clusters_of_one_row_are_rows() -> None:
    generator = np.random.default_rng(0)
    gold = generator.integers(0, 4, size=800)
    predicted = np.where(generator.random(800) < 0.8, gold, generator.integers(-1, 4, size=800))
    rows = dict(estimates(classification_report(gold, predicted, LABELS, resamples=4000)))
    alone = dict(estimates(classification_report(gold, predicted, LABELS, clusters=np.arange(800), resamples=4000)))
    for name, estimate in rows.items():
        assert alone[name].value == estimate.value
        assert alone[name].low == pytest.approx(estimate.low, abs=4e-3), name
        assert alone[name].high == pytest.approx(estimate.high, abs=4e-3), name


def test_repeated_rows_in_clusters_teach_nothing() -> None:
    generator = np.random.default_rng(0)
    gold = generator.integers(0, 4, size=300)
    predicted = np.where(generator.random(300) < 0.7, gold, generator.integers(-1, 4, size=300))
    once = dict(estimates(classification_report(gold, predicted, LABELS)))
    clusters = [f"text {row}" for row in np.repeat(np.arange(300), 5)]
    many = classification_report(np.repeat(gold, 5), np.repeat(predicted, 5), LABELS, clusters=clusters)
    for name, estimate in estimates(many):
        expected = once[name]
        assert estimate.low is not None
        assert estimate.high is not None
        assert expected.low is not None
        assert expected.high is not None
        assert estimate.high - estimate.low == pytest.approx(expected.high - expected.low, rel=0.1), name


def test_clusters_of_unscored_rows_do_not_count() -> None:
    gold, predicted, clusters = [0, 1, 0, 1, -1, -1], [0, 1, 1, 1, 0, 1], ["a", "a", "b", "b", "c", "d"]
    report = classification_report(gold, predicted, ["x", "y"], clusters=clusters)
    scored = classification_report(gold[:4], predicted[:4], ["x", "y"], clusters=clusters[:4])
    for (_, estimate), (_, expected) in zip(estimates(report), estimates(scored), strict=True):
        assert (estimate.value, estimate.low, estimate.high) == (expected.value, expected.low, expected.high)
        assert estimate.n_unscored == 2
    assert report.accuracy.method == "wilson-clustered"


def test_one_cluster_has_no_interval() -> None:
    for _, estimate in estimates(classification_report([0, 1, 1], [0, 1, 0], ["x", "y"], clusters=["a"] * 3)):
        assert estimate.value is not None
        assert estimate.low is estimate.high is None


def cells(recalls: list[float], shares: list[float]) -> NDArray[np.float64]:
    """The probability of each cell: the errors go to the other labels and to invalid predictions."""
    labels = len(recalls)
    matrix = np.empty((labels, labels + 1))
    for label, (recall, share) in enumerate(zip(recalls, shares, strict=True)):
        matrix[label] = share * (1 - recall) / labels
        matrix[label, label] = share * recall
    matrix /= matrix.sum()
    return matrix


def coverage(matrix: NDArray[np.float64], rows: int, trials: int) -> dict[str, float]:
    labels = [f"label {label}" for label in range(len(matrix))]
    exact = ConfusionMatrix((matrix * 1e9).round().astype(np.int64), 0)
    truth = {name: one.value for name, one in estimates(classification_report_from_confusion(exact, labels))}
    covered = dict.fromkeys(truth, 0)
    draws = np.random.default_rng(0).multinomial(rows, matrix.ravel(), size=trials).reshape(trials, *matrix.shape)
    for seed, counts in enumerate(draws):
        report = classification_report_from_confusion(ConfusionMatrix(counts, 0), labels, resamples=500, seed=seed)
        for name, one in estimates(report):
            true = truth[name]
            assert true is not None
            covered[name] += one.low is None or one.high is None or one.low <= true <= one.high
    return {name: count / trials for name, count in covered.items()}


@pytest.mark.parametrize(
    ("rows", "recalls", "shares"),
    [(60, [0.8, 0.8, 0.7], [0.4, 0.4, 0.2]), (400, [0.95, 0.9, 0.9], [0.6, 0.3, 0.1])],
)
def test_intervals_of_rows_cover(rows: int, recalls: list[float], shares: list[float]) -> None:
    covered = coverage(cells(recalls, shares), rows, 500)
    assert 0.94 <= float(np.mean(list(covered.values()))) <= 0.97
    assert min(covered.values()) >= 0.92, covered  # 500 trials: a standard error of 0.01


def test_with_few_rows_of_a_label_some_averages_cover_less() -> None:
    covered = coverage(cells([0.7] * 10, [1.3**-label for label in range(10)]), 200, 300)
    assert 0.85 <= covered["f1_macro"] <= 0.94, covered
    assert 0.85 <= covered["precision_weighted"] <= 0.94, covered
    for name in ("accuracy", "f1_weighted", "kappa", "mcc", "balanced_accuracy"):
        assert covered[name] >= 0.92, name


def test_intervals_of_clusters_cover() -> None:
    generator = np.random.default_rng(0)
    trials, groups, covered, naive = 250, 40, 0, 0
    for _ in range(trials):
        clusters = np.repeat(np.arange(groups), generator.integers(1, 12, size=groups))
        easy = generator.beta(3.2, 0.8, size=groups)[clusters]
        gold = generator.integers(0, 3, size=len(clusters))
        predicted = np.where(generator.random(len(clusters)) < easy, gold, (gold + 1) % 3)
        for given_clusters in (clusters, None):
            report = classification_report(gold, predicted, list("xyz"), clusters=given_clusters, resamples=300)
            for one in (report.accuracy, report.f1.macro):
                assert one.low is not None
                assert one.high is not None
                if given_clusters is None:
                    naive += one.low <= 0.8 <= one.high
                else:
                    covered += one.low <= 0.8 <= one.high
    assert 0.92 <= covered / (2 * trials) <= 0.98
    assert naive / (2 * trials) < 0.85


@pytest.mark.parametrize(
    ("gold", "predicted", "labels", "message"),
    [
        (["a"], ["a", "a"], ["a"], "gold and predicted must have one value for each row, not 1 and 2"),
        (["a"], ["a"], [], "labels must list every label"),
        (["a"], ["a"], "a", "labels must list every label"),
        (["a"], ["a"], ["a", "a"], "labels must be different"),
        (["a", 3], ["a", "a"], ["a"], r"gold\[1\] is 3: give a label as text"),
        (["a"], [math.nan], ["a"], r"predicted\[0\] is nan"),
        ([0], [1], ["a"], "predicted must have numbers from 0 to 0, or -1"),
        ([0, "a"], [0, 0], ["a"], "gold must be a vector of labels, or of their places"),
        (np.zeros((1, 1), dtype=object), ["a"], ["a"], r"gold must be a vector, not of shape \(1, 1\)"),
    ],
)
def test_bad_rows(gold: list[str], predicted: list[str], labels: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        classification_report(gold, predicted, labels)


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="level must lie between 0 and 1, not 95"):
        classification_report(["a"], ["a"], ["a"], level=95)
    with pytest.raises(ValueError, match="resamples must be at least 1, not 0"):
        classification_report(["a"], ["a"], ["a"], resamples=0)
    with pytest.raises(ValueError, match="seed must not be negative, not -1"):
        classification_report(["a"], ["a"], ["a"], seed=-1)
    with pytest.raises(ValueError, match="one cluster for each of the 1 rows, not 2"):
        classification_report(["a"], ["a"], ["a"], clusters=["x", "y"])
    with pytest.raises(ValueError, match=r"clusters\[1\] is None: name the cluster of every row"):
        classification_report(["a", "a"], ["a", "a"], ["a"], clusters=np.array(["x", None]))
    for counts in (np.zeros((2, 2), dtype=np.int64), np.array([[1, -1]])):
        with pytest.raises(ValueError, match=r"counts of shape \(1, 2\)"):
            classification_report_from_confusion(ConfusionMatrix(counts, 0), ["a"])
