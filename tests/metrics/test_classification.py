"""classification against scikit-learn."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    cohen_kappa_score,
    f1_score,
    matthews_corrcoef,
    precision_score,
    recall_score,
)

from evalayer import Aggregator, Completion, InvalidMetric, Task, Unscored
from evalayer_metrics import classification

LABELS = ["hardware", "soft.ware", "network", "100% access"]
INVALID = "(invalid)"
ROWS = st.lists(
    st.tuples(st.sampled_from(LABELS), st.sampled_from([*LABELS, INVALID, "not JSON"])), min_size=1, max_size=60
)


def folded(rows: Sequence[tuple[str | None, str]], aggregation: str) -> dict[str, float]:
    task = Task("t", metrics=[classification(field="class", labels=LABELS)])
    parts = [Aggregator(aggregation) for _ in range(3)]
    for place, (gold, predicted) in enumerate(rows):
        output = "no idea" if predicted == "not JSON" else json.dumps({"class": f" {predicted.upper()}"})
        gold_text = json.dumps({"class": gold}) if gold else "unlabelled"
        parts[place % 3].add(task.score(Completion("", output, gold_text)).values)
    whole = parts[0]
    whole.merge(parts[1])
    whole.merge(parts[2])
    return task.decode(whole.values(), len(rows))


def expected(rows: Sequence[tuple[str, str]]) -> dict[str, float]:
    gold = [g for g, _ in rows]
    predicted = [p if p in LABELS else INVALID for _, p in rows]
    values: dict[str, float] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values["class.accuracy"] = accuracy_score(gold, predicted)
        values["class.balanced_accuracy"] = balanced_accuracy_score(gold, predicted)
        values["class.mcc"] = matthews_corrcoef(gold, predicted)
        kappa = cohen_kappa_score(gold, predicted)
        values["class.kappa"] = 0.0 if math.isnan(kappa) else kappa
        for part, of in (("precision", precision_score), ("recall", recall_score), ("f1", f1_score)):
            for average in ("micro", "macro", "weighted"):
                values[f"class.{part}_{average}"] = of(
                    gold, predicted, labels=LABELS, average=average, zero_division=0.0
                )
            per_label = of(gold, predicted, labels=LABELS, average=None, zero_division=0.0)
            for label, value in zip(LABELS, per_label, strict=True):
                encoded = label.replace("%", "%25").replace(".", "%2E")
                values[f"class.{part}.{encoded}"] = value
    return values


@pytest.mark.parametrize("aggregation", ["sum", "average"])
@settings(max_examples=30)
@given(rows=ROWS)
def test_equals_scikit_learn(aggregation: str, rows: list[tuple[str, str]]) -> None:
    decoded, reference = folded(rows, aggregation), expected(rows)
    assert decoded.keys() == reference.keys()
    for name, value in reference.items():
        assert decoded[name] == pytest.approx(value, abs=1e-12), name


@given(rows=st.lists(st.tuples(st.none() | st.sampled_from(LABELS), st.sampled_from([*LABELS, "x"])), max_size=40))
def test_sum_and_average_decode_to_the_same_bits(rows: list[tuple[str | None, str]]) -> None:
    if not rows:
        return
    decoded = folded(rows, "sum")
    assert decoded == folded(rows, "average")
    assert decoded == folded([row for row in rows if row[0]] or rows, "sum")
    assert bool(decoded) == any(gold for gold, _ in rows)


@pytest.mark.parametrize("aggregation", ["sum", "average"])
@pytest.mark.parametrize(
    "rows",
    [
        [("network", "network")] * 7,
        [("network", "hardware")] * 3,
        [("network", "x")] * 3,
        [("network", "network"), ("hardware", "network")] * 11,
        [("network", "network"), ("hardware", "x")] * 11,
        [("network", "network"), ("hardware", "hardware")] * 5,
    ],
    ids=["one class, right", "one class, wrong", "all invalid", "one prediction", "half invalid", "perfect"],
)
def test_degenerate_cases_are_exact(aggregation: str, rows: list[tuple[str, str]]) -> None:
    decoded, reference = folded(rows, aggregation), expected(rows)
    assert decoded["class.mcc"] == pytest.approx(reference["class.mcc"], abs=1e-15)
    assert decoded["class.kappa"] == pytest.approx(reference["class.kappa"], abs=1e-15)


def test_totals_that_are_no_counts_of_the_rows_still_give_ratios() -> None:
    metric = classification(field="class", labels=["a", "b"])
    totals = {
        "correct": 0.5,
        "tp.a": 0.25,
        "tp.b": 0.25,
        "fp.a": 0.5,
        "fp.b": 0.0,
        "fn.a": 0.0,
        "fn.b": 0.5,
        "unscored": 0.0,
    }
    decoded = metric.decode(totals, 7)
    assert decoded["accuracy"] == pytest.approx(0.5)
    assert decoded["f1.a"] == pytest.approx(0.5)


def test_no_scored_row_gives_no_value() -> None:
    assert folded([(None, "network")], "average") == {}
    assert (
        classification(labels=["a"]).decode(dict.fromkeys(["correct", "tp.a", "fp.a", "fn.a", "unscored"], 0.0), 0)
        == {}
    )


@pytest.mark.parametrize(
    ("output", "gold", "hit"),
    [
        ("Network", "network", True),
        (" ACCESS \n", "access", True),
        ("<think>hm</think>network", "network", True),
        ("It is the network", "network", False),
        ("", "network", False),
    ],
)
def test_without_field_the_text_is_the_label(output: str, gold: str, *, hit: bool) -> None:
    score = classification(labels=["network", "access"]).score(Completion("", output, gold))
    assert isinstance(score, dict)
    assert score["correct"] == float(hit)
    assert sum(score.values()) == (2.0 if hit else 1.0)


@pytest.mark.parametrize(
    "gold", ["", "network", "[]", '{"class": "printer"}', '{"class": null}', '{"kind": "network"}']
)
def test_gold_without_a_label_is_unscored(gold: str) -> None:
    metric = classification(field="class", labels=["network", "access"])
    assert isinstance(metric.score(Completion("", '{"class": "network"}', gold)), Unscored)


def test_case_sensitive_labels() -> None:
    metric = classification(field="class", labels=["ok", "OK"], case_sensitive=True)
    score = metric.score(Completion("", '{"class": "OK"}', '{"class": "ok"}'))
    assert isinstance(score, dict)
    assert (score["fp.OK"], score["fn.ok"], score["correct"]) == (1.0, 1.0, 0.0)


@pytest.mark.parametrize(("value", "label"), [(3, "3"), (True, "true"), (0.5, "0.5")])
def test_numbers_count_as_json_spells_them(value: object, label: str) -> None:
    metric = classification(field="class", labels=[label, "other"])
    score = metric.score(Completion("", json.dumps({"class": value}), json.dumps({"class": label})))
    assert isinstance(score, dict)
    assert score["correct"] == 1.0


def test_name() -> None:
    assert classification(labels=["a"]).name == "classification"
    assert classification("kind", labels=["a"]).name == "kind"
    assert classification("kind", labels=["a"], name="k").name == "k"
    with pytest.raises(InvalidMetric, match="without a dot"):
        classification("a.b", labels=["a"])


@pytest.mark.parametrize("labels", [[], "network", ["a", "a"], ["a", " A "], [""], [" "], ["a\n"], [1], ["\ud800"]])
def test_bad_labels_are_refused_at_declaration(labels: list[str]) -> None:
    with pytest.raises(InvalidMetric):
        classification(field="class", labels=labels)
