"""Kinds of answers, labels and words of doubt."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.growth import assert_linear

from evalayer import Completion, JSONValue
from evalayer_lab.answers import ANSWER_KINDS, AnswerFacts, describe_answer, shaded_tokens

OBJECT = '{"class": "network", "thought": "The link is down."}'


@pytest.mark.parametrize(
    ("answer", "kind", "label"),
    [
        (OBJECT, "json", "network"),
        (f"<|begin_of_solution|>{OBJECT}<|end_of_solution|>", "json", "network"),
        (f"<think>{{}}</think>\n{OBJECT}", "json", "network"),
        (f"```json\n{OBJECT}\n```", "wrapped", "network"),
        (f"Here: {OBJECT}", "wrapped", "network"),
        (f"{OBJECT[:-1]}", "cut_off", None),
        (f"Here {{it}} is: {OBJECT[:-4]}", "cut_off", None),
        (f"```json\n{OBJECT[:20]}", "cut_off", None),
        ('[{"class": "network"', "cut_off", None),
        ('[{"class": "network"}', "wrapped", "network"),
        ('{"class": network"}', "not_json", None),
        ("{'class': 'network'}", "not_json", None),
        ('{"class": NaN}', "not_json", None),
        ("network", "not_json", None),
        ("Use {x} or [y].", "not_json", None),
        ('["network"]', "not_an_object", None),
        ('"network"', "not_an_object", None),
        ("null", "not_an_object", None),
        ("<think>It may be", "only_reasoning", None),
        ("It is<|begin_of_solution|><|end_of_solution|>", "only_reasoning", None),
        ("<|begin_of_solution|> <|end_of_solution|>", "empty", None),
        ("", "empty", None),
        ('{"class": 1.50, "a": 2}', "json", "1.5"),
        ('{"class": false}', "json", "false"),
        ('{"class": null}', "json", None),
        ('{"class": ["network"]}', "json", None),
        ('{"class": ""}', "json", ""),
        ('{"class": "a", "class": "b"}', "json", "b"),
        ('{"thought": "class"}', "json", None),
    ],
)
def test_kind_and_label(answer: str, kind: str, label: str | None) -> None:
    found = describe_answer(answer, "class")
    assert (found.kind, found.label, found.characters) == (kind, label, len(answer))
    assert kind in ANSWER_KINDS


def test_without_a_field_the_text_is_the_label() -> None:
    answer = "<think>maybe</think> Perhaps network "
    assert describe_answer(answer, None) == AnswerFacts("text", "Perhaps network", len(answer), ("perhaps",))
    assert describe_answer(" ", None).kind == "empty"


def test_a_field_of_a_field() -> None:
    assert describe_answer('{"a": {"b": "x"}}', "a.b").label == "x"
    assert describe_answer('{"a": {"b": "x"}, "a.b": "y"}', "a.b").label == "y"
    assert describe_answer('{"a": "x"}', "a.b").label is None


KEYS = st.sampled_from(["a", "b", "a.b", "class", "", "\\", '"'])
# Without braces: one in a text that is cut off inside its quotes counts as a brace of the object.
TEXTS = st.text(st.characters(exclude_characters="{}", exclude_categories=["Cs"]), max_size=4)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@given(value=st.dictionaries(KEYS, VALUES, min_size=1), data=st.data(), ascii_only=st.booleans())
def test_an_object_without_its_end_is_cut_off(value: dict[str, Any], data: st.DataObject, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only).replace("Infinity", "1")
    cut = text[: data.draw(st.integers(1, len(text) - 1))]
    assert describe_answer(cut, "class").kind == "cut_off"
    assert describe_answer(f"Sure: {cut}", "class").kind == "cut_off"


FRAGMENTS = st.sampled_from(
    [
        *["{", "}", '"', ":", ",", "[", "]", "\\", " ", "\n", "```", "```json\n", "<think>", "</think>", "x", "1"],
        *["<|begin_of_solution|>", "<|end_of_solution|>", '"a"', '{"a": 1}', '{"a": {"b": "x"}}', '{"a": NaN}', "null"],
        *['{"a": "b", "a": "c"}', '{"a.b": 2, "a": {}}', '{"b": "}{", "a": {"b": 1e999}}', '"\\u0061": 1'],
    ]
)


def found(answer: str, field: str | None) -> tuple[int, str]:
    """Where the value of a field starts in an answer, and how it is spelled there; empty where there is none."""
    start = 0
    for piece in shaded_tokens(answer, [], field):
        if piece.in_label:
            return start, piece.text
        start += len(piece.text)
    return start, ""


def member(value: JSONValue, path: str) -> JSONValue:
    if not isinstance(value, dict) or path in value or "." not in path:
        return value.get(path) if isinstance(value, dict) else None
    head, _, rest = path.partition(".")
    return member(value.get(head), rest)


@given(answer=st.lists(FRAGMENTS, max_size=8).map("".join), field=st.sampled_from(["a", "a.b", "b"]))
def test_the_value_found_is_the_value_that_metrics_read(answer: str, field: str) -> None:
    expected = member(Completion("", answer, "").json, field)
    start, spelled = found(answer, field)
    if not spelled:
        assert expected is None or expected == ""
    elif isinstance(expected, str):
        assert json.loads(f'"{spelled}"') == expected == describe_answer(answer, field).label
        assert answer[start - 1] == answer[start + len(spelled)] == '"'
    else:
        assert json.loads(spelled) == expected


@given(answer=st.lists(FRAGMENTS, max_size=8).map("".join))
def test_without_a_field_the_value_is_the_text_that_metrics_read(answer: str) -> None:
    assert found(answer, None)[1] == Completion("", answer, "").text


@given(answer=st.text() | st.lists(FRAGMENTS, max_size=12).map("".join), field=st.none() | st.text(max_size=3))
def test_every_answer_has_a_kind(answer: str, field: str | None) -> None:
    found = describe_answer(answer, field)
    assert found.kind in ANSWER_KINDS
    assert found.characters == len(answer)


@pytest.mark.parametrize(
    ("text", "hedges"),
    [
        ("Perhaps the switch. It MIGHT be, perhaps not.", ("perhaps", "might")),
        ("It could be the cable; I'm not sure.", ("could be", "not sure")),
        ("I can't tell which.", ("can t tell",)),
        ("I can’t tell which.", ("can t tell",)),
        ("Vielleicht ein Kabel, ich glaube schon.", ("vielleicht", "ich glaube")),
        ("C'est peut-être le câble, je ne suis pas sûr.", ("peut être", "pas sûr")),
        ("Quizás, tal vez; no está claro.", ("quizás", "tal vez", "no está claro")),
        ("Talvez seja; acho que sim.", ("talvez", "acho que")),
        ("Forse, non sono sicuro.", ("forse", "non sono sicuro")),
        ("Misschien, ik denk het.", ("misschien", "ik denk")),
        ("おそらくケーブルです", ("おそらく",)),
        ("The user could not log in since May. Reply as soon as possible, it appears in the log.", ()),
        ("Mayor Maybelle is seemly; unlikelyish mighty.", ()),
        ("Not. Surely be may.", ()),
    ],
)
def test_words_of_doubt_are_whole_words_and_phrases(text: str, hedges: tuple[str, ...]) -> None:
    assert describe_answer(text, None).hedges == hedges
    assert describe_answer(json.dumps({"class": "x", "thought": text}), "class").hedges == hedges


def test_words_of_doubt_are_looked_for_in_values_and_prose_only() -> None:
    answer = 'Possibly: {"maybe": "x", "class": "unclear", "list": [{"perhaps": "probably"}]} I guess.'
    assert describe_answer(answer, "class").hedges == ("probably", "possibly", "guess", "i guess")
    assert describe_answer(answer, "list").hedges == ("unclear", "probably", "possibly", "guess", "i guess")
    assert describe_answer('<think>maybe</think>{"class": "x"}', "class").hedges == ()
    assert describe_answer('{"maybe": "x", "thought": "perhaps', "class").hedges == ("perhaps",)
    assert describe_answer('["perhaps", {"maybe": 1}]', "class").hedges == ("perhaps",)


@pytest.mark.parametrize(
    ("start", "unit", "end"),
    [
        ('{"thought": "', "maybe ", '"}'),
        ('{"thought": "', "maybe ", ""),
        *(("", unit, "") for unit in ('"', "{", '{"a":', "[", '{"a": 1} {', '"\\', '"" ')),
    ],
)
def test_no_answer_takes_quadratic_time(start: str, unit: str, end: str) -> None:
    def look(size: int) -> None:
        answer = start + unit * (size // len(unit)) + end
        assert describe_answer(answer, "class").kind in ANSWER_KINDS

    assert_linear(look, 25_000)
