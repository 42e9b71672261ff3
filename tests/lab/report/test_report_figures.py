"""The figures of a report beside other computations on the same rows, and their denominators."""

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel
from sklearn import metrics as sk
from tests.lab.report.ticket_rows import LABELS, mixed_rows, read_tickets

from evalayer_lab import statistics
from evalayer_lab.report import Confidence, Document, Estimate, analyse
from evalayer_lab.results import Results

CORRECT = "metric.class.correct"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return read_tickets(tmp_path_factory.mktemp("figures") / "run", mixed_rows())


@pytest.fixture(scope="module")
def document(results: Results) -> Document:
    return analyse(results, other=results)


@pytest.fixture(scope="module")
def frame(results: Results) -> pd.DataFrame:
    return results.to_pandas()


@pytest.fixture(scope="module")
def scored(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["metric.class.unscored"] == 0]


@pytest.fixture(scope="module")
def judged(scored: pd.DataFrame) -> pd.DataFrame:
    return scored[scored.confidence_joint.notna()]


@pytest.fixture(scope="module")
def confidence(document: Document) -> Confidence:
    assert document.confidence is not None
    return document.confidence


def estimates(value: object) -> Iterator[Estimate]:
    if isinstance(value, Estimate):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from estimates(getattr(value, name))
    elif isinstance(value, dict | tuple):
        for each in value.values() if isinstance(value, dict) else value:
            yield from estimates(each)


def test_every_metric_is_the_mean_of_its_scored_rows(document: Document, frame: pd.DataFrame) -> None:
    assert [row.name for row in document.metrics] == [
        "class.correct", "schema.valid", "schema.violation.enum", "schema.violation.minLength", "grade", "toxic",
    ]  # fmt: skip
    for row in document.metrics:
        values = frame.loc[frame[f"metric.{row.metric}.unscored"] == 0, f"metric.{row.name}"]
        assert row.estimate.value == pytest.approx(values.mean(), abs=1e-12)
        assert (row.estimate.n, row.estimate.n_unscored) == (len(values), len(frame) - len(values))
        assert row.reported == pytest.approx(frame[f"metric.{row.name}"].mean(), abs=1e-12)
        if len(values) < len(frame) and row.higher_is_better:
            assert row.worst == pytest.approx(values.sum() / len(frame))
            assert row.best == pytest.approx((values.sum() + len(frame) - len(values)) / len(frame))


def test_the_classification_is_that_of_scikit_learn(document: Document, scored: pd.DataFrame) -> None:
    (found,) = document.classifications
    gold, predicted = scored["gold.class"], scored["predicted.class"].fillna("(invalid)")
    assert len(scored) > 350
    assert (predicted == "(invalid)").sum() > 10
    matrix = sk.confusion_matrix(gold, predicted, labels=[*LABELS, "(invalid)"])
    assert np.array_equal(np.array(found.confusion), matrix[:-1])
    assert sum(map(sum, found.confusion)) == len(scored)
    precision, recall, f1, support = sk.precision_recall_fscore_support(
        gold, predicted, labels=list(LABELS), zero_division=0
    )
    for index, label in enumerate(found.labels):
        assert (label.label, label.gold) == (LABELS[index], support[index])
        assert label.predicted == (predicted == label.label).sum()
        for mine, theirs in ((label.precision, precision), (label.recall, recall), (label.f1, f1)):
            assert mine.value == pytest.approx(theirs[index], abs=1e-12)
    theirs = {
        "accuracy": sk.accuracy_score(gold, predicted),
        "balanced_accuracy": recall.mean(),
        "f1_macro": f1.mean(),
        "f1_weighted": np.average(f1, weights=support),
        "mcc": sk.matthews_corrcoef(gold, predicted),
        "kappa": sk.cohen_kappa_score(gold, predicted),
    }
    assert {name: each.value for name, each in found.figures.items()} == pytest.approx(theirs, abs=1e-12)
    assert found.figures["accuracy"].n == len(scored)


def test_confidence_is_what_the_statistics_say_of_the_same_rows(confidence: Confidence, judged: pd.DataFrame) -> None:
    p, correct = judged.confidence_joint.to_numpy(), judged[CORRECT].to_numpy() == 1
    assert confidence.n == len(judged) > 200
    assert confidence.mean == pytest.approx(p.mean(), abs=1e-12)
    assert confidence.accuracy.value == correct.mean()
    expected: dict[str, Any] = {
        "expected_calibration_error": statistics.expected_calibration_error(p, correct).value,
        "maximum_calibration_error": statistics.maximum_calibration_error(p, correct).value,
        "debiased_l2_calibration_error": statistics.debiased_l2_calibration_error(p, correct).value,
        "brier_score": sk.brier_score_loss(correct, p),
        "auroc": sk.roc_auc_score(correct, p),
    }
    assert {name: getattr(confidence, name).value for name in expected} == pytest.approx(expected, abs=1e-9)
    parts = statistics.brier_decomposition(p, correct)
    area = statistics.aurc(p, correct)
    plain = {
        "log_loss": sk.log_loss(correct, p),
        "reliability": parts.reliability.value,
        "resolution": parts.resolution.value,
        "uncertainty": correct.mean() * (1 - correct.mean()),
        "aurc": area.area.value,
        "excess_aurc": area.excess.value,
    }
    assert {name: getattr(confidence, name) for name in plain} == pytest.approx(plain, abs=1e-9)
    gate = statistics.gate_threshold(p, correct, 0.05)
    assert (confidence.gate.threshold, confidence.gate.n_accepted) == (gate.threshold, gate.n_accepted)


def test_bins_histogram_and_quadrants_hold_every_judged_row_once(confidence: Confidence, judged: pd.DataFrame) -> None:
    p, correct = judged.confidence_joint.to_numpy(), judged[CORRECT].to_numpy() == 1
    curve = statistics.reliability_curve(p, correct)
    assert [(each.low, each.high, each.n) for each in confidence.bins] == [
        (each.low, each.high, each.n) for each in curve.bins
    ]
    assert sum(each.n for each in confidence.bins) == len(p)
    histogram = confidence.histogram
    assert (sum(histogram.correct), sum(histogram.wrong)) == (correct.sum(), (~correct).sum())
    assert len(histogram.edges) == len(histogram.correct) + 1 == len(histogram.wrong) + 1
    quadrants = {each.name: each.rows for each in confidence.quadrants}
    assert quadrants == {
        "critical": (~correct & (p <= 0.7)).sum(),
        "overconfident": (~correct & (p > 0.7)).sum(),
        "conservative": (correct & (p <= 0.7)).sum(),
        "sound": (correct & (p > 0.7)).sum(),
    }
    assert math.fsum(each.share for each in confidence.quadrants) == pytest.approx(1)
    last = confidence.risk_coverage[-1]
    assert [last.coverage, last.risk] == pytest.approx([1, (~correct).mean()])
    for point in confidence.risk_coverage[:: len(confidence.risk_coverage) // 7]:
        covered = p >= point.threshold
        assert point.coverage == pytest.approx(covered.mean())
        assert point.risk == pytest.approx((~correct[covered]).mean())


def test_rows_without_confidence_are_counted_by_reason(
    confidence: Confidence, frame: pd.DataFrame, judged: pd.DataFrame
) -> None:
    assert confidence.n + sum(confidence.missing.values()) == len(frame)
    assert confidence.accuracy.n_unscored == len(frame) - len(judged)
    unknown = frame[frame.confidence_joint.isna()]
    assert (
        confidence.missing["The row has no log probabilities."]
        == (unknown.no_confidence == "no_log_probabilities").sum()
    )
    assert confidence.missing["class.correct could not score the row."] == len(frame) - len(unknown) - len(judged)
    assert confidence.generated_is_largest + confidence.generated_is_not_largest == confidence.n


def test_recalibration_is_cross_fitted(confidence: Confidence, judged: pd.DataFrame) -> None:
    rows = judged.sort_values("confidence_joint", kind="stable")
    p, correct = rows.confidence_joint.to_numpy(), rows[CORRECT].to_numpy() == 1
    fits: dict[str, Any] = {
        "temperature": statistics.fit_temperature,
        "platt": statistics.fit_platt,
        "isotonic": statistics.fit_isotonic,
    }
    assert [each.method for each in confidence.recalibrations] == list(fits)
    for each in confidence.recalibrations:
        mapped = statistics.cross_fit(fits[each.method], p, correct)
        assert each.log_loss == pytest.approx(sk.log_loss(correct, mapped), abs=1e-9)
        assert each.calibration_error == statistics.expected_calibration_error(mapped, correct).value
    assert confidence.recalibrations[0].parameters == pytest.approx(
        {"temperature": statistics.fit_temperature(p, correct).temperature}
    )


def test_segments_are_a_groupby(document: Document, frame: pd.DataFrame, scored: pd.DataFrame) -> None:
    segments = document.segments
    assert segments is not None
    assert (segments.metric, segments.whole.n) == ("class.correct", len(scored))
    keys = ("level", "domain")
    theirs = {
        (key, value): (len(part), part[CORRECT].mean(), part.confidence_joint.mean())
        for key in keys
        for value, part in scored.groupby(f"metadata.{key}")
    }
    mine = {
        next(iter(each.conditions.items())): (each.estimate.n, each.estimate.value, each.mean_confidence)
        for each in segments.ranked
    }
    assert mine.keys() == theirs.keys()
    for name, figures in mine.items():
        assert figures == pytest.approx(theirs[name], abs=1e-12)
    for each in segments.ranked:
        key, value = next(iter(each.conditions.items()))
        assert each.rows == (frame[f"metadata.{key}"] == value).sum()
    uppers = [each.estimate.high for each in segments.ranked if each.estimate.high is not None]
    assert uppers == sorted(uppers)
    assert segments.n_ranked == len(theirs)


def test_the_heat_map_is_a_groupby(document: Document, scored: pd.DataFrame) -> None:
    heat = document.heat_map
    assert heat is not None
    assert {heat.row_key, heat.column_key} == {"domain", "level"}
    grouped = scored.groupby([f"metadata.{heat.row_key}", f"metadata.{heat.column_key}"])[CORRECT]
    theirs = grouped.agg(["size", "mean"])
    for value, cells in zip(heat.rows, heat.cells, strict=True):
        for column, cell in zip(heat.columns, cells, strict=True):
            assert cell is not None
            assert (cell.n, cell.value) == (theirs.loc[(value, column), "size"], theirs.loc[(value, column), "mean"])


def test_slices_are_real(document: Document, scored: pd.DataFrame) -> None:
    assert document.slices is not None
    assert document.slices.found[0].conditions == {"level": "hard"}
    errors = (scored[CORRECT] == 0).sum()
    for each in document.slices.found:
        part = scored
        for key, value in each.conditions.items():
            part = part[part[f"metadata.{key}"] == value]
        assert [each.rows, each.estimate.value] == pytest.approx([len(part), part[CORRECT].mean()])
        assert each.share_of_errors == pytest.approx((part[CORRECT] == 0).sum() / errors)
        assert each.q_value <= document.slices.level


def test_error_kinds_are_a_partition_of_the_wrong_rows(document: Document, scored: pd.DataFrame) -> None:
    wrong = scored[scored[CORRECT] == 0]
    kinds = {each.kind: each.rows for each in document.error_kinds}
    assert sum(kinds.values()) == len(wrong)
    assert set(kinds) == {"cut_off", "empty", "not_json", "schema: enum", "too long", "wrong content"}
    for kind in ("cut_off", "empty", "not_json"):
        assert kinds[kind] == (wrong.answer_kind == kind).sum()
    assert kinds["schema: enum"] == (wrong["metric.schema.violation.enum"] == 1).sum()
    for each in document.error_kinds:
        assert [each.share.value, each.share.n] == pytest.approx([each.rows / len(scored), len(scored)])


def test_hedging_is_counted_in_wrong_and_in_correct_answers(document: Document, scored: pd.DataFrame) -> None:
    hedging = document.hedging
    assert hedging is not None
    hedged = scored.hedges.map(len) > 0
    for mine, right in ((hedging.wrong, 0), (hedging.correct, 1)):
        part = hedged[scored[CORRECT] == right]
        assert [mine.value, mine.n] == pytest.approx([part.mean(), len(part)])
    words = Counter(word for hedges in scored.loc[scored[CORRECT] == 0, "hedges"] for word in set(hedges))
    assert hedging.commonest == dict(words)
    assert words["perhaps"] > 5


def test_findings_name_numbers_of_the_report(document: Document, scored: pd.DataFrame) -> None:
    by_kind = {finding.kind: finding for finding in document.findings}
    assert set(by_kind) >= {"unscored rows", "form", "weak slice", "overconfident failures", "low-confidence failures"}
    hard = scored[scored["metadata.level"] == "hard"]
    assert by_kind["weak slice"].sentence == (
        f"class.correct is {hard[CORRECT].mean():.3f} on the {len(hard)} rows with level = hard, "
        f"{scored[CORRECT].mean():.3f} on all."
    )
    ids = {example.id for example in document.examples}
    assert {name for finding in document.findings for name in finding.examples} == ids


def test_every_method_and_section_is_explained(document: Document) -> None:
    used = {estimate.method for estimate in estimates(document)}
    assert used >= {"wilson", "student-t", "bootstrap", "basic-bootstrap", "delong", "bonett-price"}
    explained = {method: text for method, text in statistics.METHODS.items() if method in used}
    assert explained.keys() == used
    assert explained.items() <= document.methods.items()
    sections = {
        "metrics", "classifications", "confidence", "segments", "heat_map", "slices", "error_kinds", "hedging",
        "comparison",
    }  # fmt: skip
    assert set(document.methods) == used | sections


def test_every_estimate_has_a_denominator_and_lies_in_its_interval(document: Document, frame: pd.DataFrame) -> None:
    for estimate in estimates(document):
        assert 0 <= estimate.n <= len(frame)
        assert (estimate.value is None) == (estimate.n == 0)
        if estimate.low is not None and estimate.high is not None and estimate.value is not None:
            assert estimate.low - 1e-12 <= estimate.value <= estimate.high + 1e-12 or "bootstrap" in estimate.method


@pytest.mark.parametrize("level", [0.8, 0.99])
def test_the_level_is_that_of_every_interval(results: Results, level: float) -> None:
    document = analyse(results, level=level)
    levels = {estimate.level for estimate in estimates(document)}
    assert levels == {level}


@pytest.mark.parametrize("kind", ["renormalised", "geometric_mean", "first_token"])
def test_other_kinds_of_confidence(results: Results, frame: pd.DataFrame, kind: Any) -> None:
    found = analyse(results, kind=kind).confidence
    assert found is not None
    known = frame[frame[f"confidence_{kind}"].notna() & (frame["metric.class.unscored"] == 0)]
    assert [found.n, found.mean] == pytest.approx([len(known), known[f"confidence_{kind}"].mean()])
    assert found.n + sum(found.missing.values()) == len(frame)


def test_a_segment_of_an_unsure_model_is_never_called_overconfident(document: Document) -> None:
    assert document.segments is not None
    quadrants = {each.quadrant for each in document.segments.ranked if (each.mean_confidence or 0) <= 0.7}
    assert quadrants
    assert quadrants <= {"critical", "conservative"}
