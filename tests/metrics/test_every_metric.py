"""What holds for every built-in metric and any text."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalayer import Completion, Metric, Task, Unscored
from evalayer_metrics import (
    classification,
    description_quality,
    exact_match,
    json_fields,
    length_ratio,
    numeric_match,
    quasi_exact_match,
    reasoning_coherence,
    rouge_l,
    schema_adherence,
    token_f1,
)

LABELS = ["hardware", "software", "network", "access"]
SCHEMA = {
    "type": "object",
    "properties": {"class": {"enum": LABELS}, "thought": {"type": "string"}, "description": {"type": "string"}},
    "required": ["class", "thought"],
    "additionalProperties": False,
}
TASK = Task(
    "all",
    metrics=[
        classification(field="class", labels=LABELS),
        classification(labels=LABELS, name="text_class"),
        schema_adherence(SCHEMA),
        schema_adherence(SCHEMA, name="strict_schema", strict=True),
        reasoning_coherence(labels=LABELS, cues={"network": ["wifi", "vpn 断线"]}),
        description_quality(),
        json_fields(),
        json_fields(["class", "a.b"], name="declared_fields"),
        numeric_match(),
        exact_match,
        quasi_exact_match,
        token_f1,
        rouge_l,
        length_ratio,
    ],
)

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=6,
)
ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        "class": st.sampled_from(LABELS) | JSON,
        "thought": ANY_TEXT | JSON,
        "description": ANY_TEXT | JSON,
        "n": JSON,
    },
).map(json.dumps)
TEXTS = ANY_TEXT | ANSWERS | JSON.map(json.dumps) | ANSWERS.map("```json\n{}\n```".format)

HOSTILE = [
    "",
    " \n\t",
    "\ud800",
    '{"class": "\\ud800", "thought": "\\udfff", "description": "\\ud83d"}',
    "NaN",
    '{"class": NaN}',
    '{"class": 1e999, "thought": "1e999 = 1e999", "description": "' + "9" * 5000 + '"}',
    "[" * 100_000,
    '{"a":' * 5_000 + "1" + "}" * 5_000,
    "null",
    "\x00",
    "<think>",
    "<|begin_of_solution|><|end_of_solution|>",
    "1+" * 50_000 + "=",
    "9" * 100_000,
    '{"thought": "' + "1 + 1 = " * 20_000 + '"}',
    '{"class": "network", "thought": "' + "vpn " * 200_000 + '", "description": "' + "vpn " * 200_000 + '"}',
    '{"thought": "' + "打印机" * 50_000 + '", "description": "' + "ไม่" * 50_000 + '"}',
    "x" * 1_000_000,
    "1," * 300_000,
    "'" * 300_000,
]


def check(completion: Completion) -> None:
    scores = TASK.score(completion)
    assert not scores.errors
    expected = [name for metric in TASK.metrics for name in TASK.reported_names(metric.name)]
    assert sorted(scores.values) == sorted(expected)
    for name, value in scores.values.items():
        assert math.isfinite(value)
        assert value >= 0.0, name
        assert value <= 1.0 or name == "length_ratio", name


@given(prompt=ANY_TEXT, output=TEXTS, gold=TEXTS)
def test_any_text_gives_the_declared_parts_in_range(prompt: str, output: str, gold: str) -> None:
    check(Completion(prompt, output, gold))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text(text: str) -> None:
    check(Completion(text, text, text))
    check(Completion("a prompt", text, '{"class": "network"}'))
    check(Completion(text, '{"class": "network", "thought": "the vpn", "description": "2"}', text))


@given(output=TEXTS)
def test_reasons_quote_nothing(output: str) -> None:
    quoted = "zq9-quoted"
    scores = TASK.score(Completion(quoted, quoted, quoted))
    assert not any(quoted in reason for reason in scores.unscored.values())
    assert TASK.score(Completion("", output, "")).unscored.keys() >= {"exact_match", "token_f1", "json_fields"}


@pytest.mark.parametrize("metric", TASK.metrics, ids=lambda metric: metric.name)
def test_blank_gold_or_answer_is_never_a_perfect_score(metric: Metric) -> None:
    score = metric.score(Completion("", "", ""))
    assert isinstance(score, Unscored) or (isinstance(score, dict) and score.get("valid") == 0.0)
