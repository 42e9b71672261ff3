"""The metrics that compare an answer with its gold."""

from __future__ import annotations

import re
import string
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalayer import Completion, InvalidMetric, Score, Unscored
from evalayer_metrics import (
    exact_match,
    json_fields,
    length_ratio,
    numeric_match,
    quasi_exact_match,
    rouge_l,
    token_f1,
)


def number(score: Score) -> float:
    assert isinstance(score, float)
    return score


@pytest.mark.parametrize(
    ("output", "gold", "match"),
    [
        ("yes", " yes\n", 1.0),
        ("Yes", "yes", 0.0),
        ('{"a": 1, "b": [true, null]}', '{"b":[true,null],"a":1.0}', 1.0),
        ('{"a": 1}', '{"a": true}', 0.0),
        ('{"a": [0]}', '{"a": [false]}', 0.0),
        ('{"a": 1}', '{"a": 1, "b": 2}', 0.0),
        ("[1, 2]", "[2, 1]", 0.0),
        ('Sure: {"a": 1}', '{"a": 1}', 0.0),
        ("{}", "Write {} for an empty object", 0.0),
        ('```json\n{"a": 1}\n```', '{"a":1}', 1.0),
        ("<|begin_of_solution|>yes<|end_of_solution|>", "yes", 1.0),
        ("", "yes", 0.0),
        ("null", "none", 0.0),
    ],
)
def test_exact_match(output: str, gold: str, match: float) -> None:
    assert exact_match(Completion("", output, gold)) == match


@pytest.mark.parametrize("metric", [exact_match, quasi_exact_match, token_f1, rouge_l, length_ratio])
@pytest.mark.parametrize("gold", ["", " \n", "\u3000"])
def test_blank_gold_is_unscored(metric: object, gold: str) -> None:
    assert callable(metric)
    assert isinstance(metric(Completion("", "yes", gold)), Unscored)


@pytest.mark.parametrize(
    ("output", "gold", "match"),
    [
        ("The U.S.", "us", 1.0),
        ("a  red,\tprinter", "Red printer!", 1.0),
        ("«Réseau»", "réseau", 1.0),
        ("ＶＰＮ", "vpn", 1.0),
        ("STRASSE", "straße", 1.0),
        ("theater", "ater", 0.0),
        ("是。", "是", 1.0),
        ("", "yes", 0.0),
    ],
)
def test_quasi_exact_match(output: str, gold: str, match: float) -> None:
    assert quasi_exact_match(Completion("", output, gold)) == match


def squad_tokens(text: str) -> list[str]:
    text = "".join(character for character in text.lower() if character not in set(string.punctuation))
    return re.sub(r"\b(a|an|the)\b", " ", text).split()


@given(output=st.text(" abthen.,'-x1", max_size=30), gold=st.text(" abthen.,'-x1", max_size=30))
def test_token_f1_equals_squad_on_ascii(output: str, gold: str) -> None:
    left, right = squad_tokens(output.strip()), squad_tokens(gold)
    score = token_f1(Completion("", output, gold))
    if not right:
        assert isinstance(score, Unscored)
        return
    common = sum((Counter(left) & Counter(right)).values())
    precision, recall = common / len(left) if left else 0.0, common / len(right)
    expected = 2 * precision * recall / (precision + recall) if common else 0.0
    assert number(score) == pytest.approx(expected, abs=1e-12)


def test_token_f1_counts_unspaced_scripts_by_character() -> None:
    assert token_f1(Completion("", "打印机坏了", "打印机")) == pytest.approx(2 * 3 / (5 + 3))


def longest_common_subsequence(left: list[str], right: list[str]) -> int:
    row = [0] * (len(right) + 1)
    for one in left:
        above = row[:]
        for at, other in enumerate(right):
            row[at + 1] = above[at] + 1 if one == other else max(above[at + 1], row[at])
    return row[-1]


@given(left=st.lists(st.sampled_from("abcd"), max_size=90), right=st.lists(st.sampled_from("abcd"), max_size=90))
def test_rouge_l_equals_the_table_of_lengths(left: list[str], right: list[str]) -> None:
    score = rouge_l(Completion("", " ".join(left), " ".join(right)))
    if not right:
        assert isinstance(score, Unscored)
        return
    length = longest_common_subsequence(left, right)
    precision, recall = length / len(left) if left else 0.0, length / len(right)
    expected = 2 * precision * recall / (precision + recall) if length else 0.0
    assert number(score) == pytest.approx(expected, abs=1e-12)


def test_rouge_l_reads_the_first_5000_words() -> None:
    long = " ".join(f"w{place}" for place in range(5_000))
    assert rouge_l(Completion("", long + " tail", long + " other ending")) == 1.0
    assert rouge_l(Completion("", "police kill the gunman", "the gunman kill police")) == 0.5


@pytest.mark.parametrize(
    ("output", "gold", "ratio"),
    [("one two", "one two three four", 0.5), ("", "one", 0.0), ("打印机", "打印", 1.5), ("don't", "do", 2.0)],
)
def test_length_ratio(output: str, gold: str, ratio: float) -> None:
    assert length_ratio(Completion("", output, gold)) == ratio


@pytest.mark.parametrize(
    ("output", "gold", "match"),
    [
        ("It is 42.", "42", 1.0),
        ("First 41, then 42", "#### 42", 1.0),
        ("42, not 41", "42", 0.0),
        ("1,234,567", "1234567", 1.0),
        ("1.234.567,5", "1234567.5", 1.0),
        ("1\u202f234", "1234", 1.0),
        ("3,5", "3.5", 1.0),
        ("−7", "-7", 1.0),
        ("–7", "-7", 1.0),
        ("10-7", "7", 1.0),
        ("-$5", "-5", 1.0),
        ("1.5e3", "1500", 1.0),
        ("1e-3", "0.001", 1.0),
        ("12%", "0.12", 1.0),
        ("0.12", "12 %", 1.0),
        ("12", "12%", 1.0),
        ("12%", "13%", 0.0),
        (".5", "0.5", 1.0),
        ("1, 2, 3", "3", 1.0),
        ("1,2,3", "3", 1.0),
        ("共5个", "5", 1.0),
        ("١٢", "12", 1.0),
        ("v2", "2", 0.0),
        ("none", "2", 0.0),
        ("0", "0.0", 1.0),
        ("1e400", "2e400", None),
        ("1e400", "5", 0.0),
        ("9" * 500, "5", 0.0),
        ("5", "five", None),
        ("1.0000001", "1", 1.0),
        ("1.001", "1", 0.0),
    ],
)
def test_numeric_match(output: str, gold: str, match: float | None) -> None:
    score = numeric_match().score(Completion("", output, gold))
    assert isinstance(score, Unscored) if match is None else score == match


def test_numeric_tolerances() -> None:
    assert numeric_match(absolute=0.5).score(Completion("", "10.4", "10")) == 1.0
    assert numeric_match(relative=0.0).score(Completion("", "1.0000000001", "1")) == 0.0
    for tolerance in (-1.0, float("inf"), float("nan")):
        with pytest.raises(InvalidMetric, match="tolerance"):
            numeric_match(relative=tolerance)


@given(value=st.floats(-1e15, 1e15), spelling=st.sampled_from(["{!r}", "{:.17g}", "{:,.9f}", "{:e}", "<b>{!r}</b>"]))
def test_numeric_match_reads_what_python_writes(value: float, spelling: str) -> None:
    metric = numeric_match(relative=1e-6, absolute=1e-6)
    assert metric.score(Completion("", f"The result is {spelling.format(value)}", repr(value))) == 1.0


def test_json_fields_over_the_golds_keys() -> None:
    metric = json_fields()
    gold = '{"class": "network", "n": 1, "deep": {"a": [1]}, "none": null}'
    answer = '{"class": " NETWORK", "n": true, "deep": {"a": [1.0]}, "more": 1}'
    assert metric.score(Completion("", answer, gold)) == {"agreement": 0.5}
    assert metric.score(Completion("", "no", gold)) == {"agreement": 0.0}
    assert metric.score(Completion("", "[1]", gold)) == {"agreement": 0.0}
    for gold in ("", "[1]", "network", "{}"):
        assert isinstance(metric.score(Completion("", answer, gold)), Unscored)


def test_declared_json_fields() -> None:
    metric = json_fields(["a", "b.c", "gone"], case_sensitive=True, name="fields")
    score = metric.score(Completion("", '{"a": "X", "b.c": 1}', '{"a": "x", "b.c": 1}'))
    assert score == {"agreement": 2 / 3, "field.a": 0.0, "field.b%2Ec": 1.0, "field.gone": 1.0}
    assert metric.score(Completion("", "no", '{"gone": 1}')) == dict.fromkeys(metric.parts, 0.0)


@pytest.mark.parametrize("fields", [[], "class", ["a", "a"], [""], [1]])
def test_bad_fields_are_refused(fields: list[str]) -> None:
    with pytest.raises(InvalidMetric, match="fields"):
        json_fields(fields)
