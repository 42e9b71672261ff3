"""`Completion.text`, `.json` and `.wrapping` on what models write."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.growth import assert_linear

from evalayer import Completion, JSONValue

FENCE = "```"
NETWORK = '{"class": "network"}'

PIECES = [
    "<|begin_of_solution|>", "<|end_of_solution|>", "<|begin_of_thought|>", "<|end_of_thought|>", "<think>", "</think>",
    "<thinking>", "</thinking>", "<reasoning>", "</reasoning>", FENCE, "json", "\n", " ", "{", "}", "[", "]", '"', "\\",
    ":", ",", NETWORK, "NaN", "1e300", "1e999", "word", "\ud800", "é", "\u2028",
]  # fmt: skip
messy = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=40).map("".join)
words = st.text(st.characters(exclude_characters="<`"))  # a marker inside a string is still taken for a marker
values: st.SearchStrategy[JSONValue] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(words, children, max_size=4),
    max_leaves=20,
)


def answer(output: str) -> Completion:
    return Completion("", output, "")


@pytest.mark.parametrize(
    ("output", "text", "wrapping"),
    [
        ("", "", ()),
        (" plain words \n", "plain words", ()),
        (NETWORK, NETWORK, ()),
        (f"<|begin_of_solution|>{NETWORK}<|end_of_solution|>", NETWORK, ("solution_markers",)),
        (f"<|begin_of_solution|>\n{NETWORK}", NETWORK, ("solution_markers",)),
        (f"{NETWORK}<|end_of_solution|>", NETWORK, ("solution_markers",)),
        (f"<|begin_of_solution|>{NETWORK}<|end_of_solution|> trailing", NETWORK, ("solution_markers",)),
        (
            f"<|begin_of_thought|>{{no}}<|end_of_thought|><|begin_of_solution|>{NETWORK}<|end_of_solution|>",
            NETWORK,
            ("solution_markers", "reasoning"),
        ),
        (f"hm, hm <|begin_of_solution|>{NETWORK}", NETWORK, ("solution_markers", "reasoning")),
        (
            f"<|begin_of_solution|>a draft<|end_of_solution|><|begin_of_solution|>{NETWORK}<|end_of_solution|>",
            NETWORK,
            ("solution_markers", "reasoning"),
        ),
        (f"<think>{{maybe}} this</think>\n{NETWORK}", NETWORK, ("reasoning",)),
        (f"<thinking>a</thinking>{NETWORK}", NETWORK, ("reasoning",)),
        (f"<reasoning>a</reasoning>{NETWORK}", NETWORK, ("reasoning",)),
        (f"opened in the prompt</think>{NETWORK}", NETWORK, ("reasoning",)),
        ("<think>cut off in the middle of", "", ("reasoning",)),
        (f"{FENCE}json\n{NETWORK}\n{FENCE}", NETWORK, ("code_fence",)),
        (f"{FENCE}\n{NETWORK}\n{FENCE}", NETWORK, ("code_fence",)),
        (f"{FENCE}{NETWORK}{FENCE}", NETWORK, ("code_fence",)),
        (f"{FENCE}json {NETWORK}{FENCE}", NETWORK, ("code_fence",)),
        (f"{FENCE}json\n{NETWORK}", NETWORK, ("code_fence",)),
        (
            f"<|begin_of_solution|><think>a</think>{FENCE}json\n{NETWORK}\n{FENCE}<|end_of_solution|>",
            NETWORK,
            ("solution_markers", "reasoning", "code_fence"),
        ),
        (FENCE, FENCE, ()),
    ],
)
def test_what_is_taken_off(output: str, text: str, wrapping: tuple[str, ...]) -> None:
    completion = answer(output)
    assert (completion.text, completion.wrapping) == (text, wrapping)
    assert completion.inference_output == output


@pytest.mark.parametrize(
    ("output", "value", "wrapping"),
    [
        ("null", None, ()),
        ("[1, 2]", [1, 2], ()),
        ('"text"', "text", ()),
        (f"Sure: {NETWORK}. Anything else?", {"class": "network"}, ("prose",)),
        (f"{FENCE}json\n{NETWORK}\n{FENCE}\nI chose network.", {"class": "network"}, ("prose",)),
        ('Not {"a": 1} but {"class": "network", "b": {"c": 2}}', {"class": "network", "b": {"c": 2}}, ("prose",)),
        ('{"class": "network", "b": [1, 2, 3]} rather than {"a": 1}', {"class": "network", "b": [1, 2, 3]}, ("prose",)),
        (f"Use {{placeholder}} here: {NETWORK}", {"class": "network"}, ("prose",)),
        ('{"a": "}{"} and more', {"a": "}{"}, ("prose",)),
        (f"<|begin_of_solution|>So: {NETWORK}<|end_of_solution|>", {"class": "network"}, ("solution_markers", "prose")),
        ("<think>{}</think>" + NETWORK, {"class": "network"}, ("reasoning",)),
        ('{"thought": "the </think> tag is text", "a": 1}', {"thought": "the </think> tag is text", "a": 1}, ()),
    ],
)
def test_what_is_found(output: str, value: JSONValue, wrapping: tuple[str, ...]) -> None:
    completion = answer(output)
    assert completion.is_json
    assert completion.json == value
    assert completion.wrapping == wrapping


@pytest.mark.parametrize(
    "output",
    [
        "",
        "words only",
        "{",
        '{"class": "network", "thought": "cut o',
        '{"class": "network", "inner": {"a": 1}, "thought": ',
        '{"class": "network", "inner": {"a": 1}',
        "NaN",
        "1e999",
        '{"a": -1e999}',
        '{"a": NaN}',
        '{"a": Infinity}',
        "[1, 2] in prose",
        "{'class': 'network'}",
        "[" * 101 + "]" * 101,
        '{"a":' * 101 + "1" + "}" * 101,
        "[" * 100_000,
        '{"a":' * 100_000,
        f"{FENCE}json\n{{\n{FENCE}",
    ],
)
def test_what_is_no_json(output: str) -> None:
    completion = answer(output)
    assert not completion.is_json
    assert completion.json is None
    assert "prose" not in completion.wrapping


def test_nesting_up_to_the_limit_is_json() -> None:
    assert answer("[" * 100 + "]" * 100).is_json
    assert answer('{"brackets": "' + "[" * 200 + '"}').is_json


def test_gold_is_read_by_the_same_rules() -> None:
    assert Completion("", "", f"{FENCE}json\n{NETWORK}\n{FENCE}").gold_json == {"class": "network"}
    assert Completion("", "", "network").gold_json is None


@given(messy)
@example("<|end_of_solution|>")
@example("</think>")
def test_no_answer_raises_and_what_is_found_is_json(output: str) -> None:
    completion = Completion("", output, output)
    assert isinstance(completion.text, str)
    assert completion.text == completion.text.strip()
    if completion.is_json:
        written = json.dumps(completion.json, allow_nan=False)
        assert json.loads(written) == completion.json
    else:
        assert completion.json is None
    assert isinstance(completion.wrapping, tuple)
    assert completion.gold_json == completion.json


@given(values)
def test_every_json_value_is_found_bare_in_markers_and_in_a_fence(value: JSONValue) -> None:
    text = json.dumps(value)
    for output in (text, f"<|begin_of_solution|>{text}<|end_of_solution|>", f"{FENCE}json\n{text}\n{FENCE}"):
        completion = answer(output)
        assert completion.is_json
        assert completion.json == value


@given(st.dictionaries(words, values, min_size=1, max_size=4), st.text(st.characters(exclude_characters="{<`")))
def test_every_object_is_found_in_prose(value: dict[str, JSONValue], prose: str) -> None:
    completion = answer(f"A: {prose} {json.dumps(value)} {prose}")
    assert completion.json == value
    assert completion.wrapping == ("prose",)


@pytest.mark.parametrize("start", ["", "{"])
@pytest.mark.parametrize(
    "unit",
    ["{", '"\\', '{"a":', "[", '"', "\\", "`", f"{FENCE}\n", "<think>", "</think>", "<|begin_of_solution|>", "{} "],
)
def test_no_text_takes_quadratic_time(start: str, unit: str) -> None:
    assert_linear(lambda size: answer(start + unit * (size // len(unit))).json, 25_000)


def test_two_megabytes_are_read() -> None:
    assert answer("{} -" * 500_000).json == {}


@pytest.mark.parametrize(
    "output",
    [
        '{"class": "network", "evidence": {"class": "hardware"},}',
        "{'class': 'network', 'evidence': {\"class\": \"hardware\"}}",
        '{"class": "network", "note": "two\nlines", "evidence": {"class": "hardware"}}',
        'Here: {"a": {"class": "hardware"} and then nothing closes it',
    ],
)
def test_a_broken_object_is_not_searched_for_one_inside_it(output: str) -> None:
    assert (answer(output).json, answer(output).is_json) == (None, False)


def test_an_object_after_a_broken_one_is_found() -> None:
    assert answer('Draft {"class": "network",} final {"class": "access"}').json == {"class": "access"}


@given(messy)
def test_the_span_is_where_the_parsed_json_stands(output: str) -> None:
    completion = answer(output)
    assert (completion.json_span is not None) == completion.is_json
    if completion.json_span is not None:
        start, end = completion.json_span
        assert json.loads(completion.text[start:end]) == completion.json
        around = (completion.text[:start] + completion.text[end:]).strip()
        assert bool(around) == ("prose" in completion.wrapping)


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ('{"class": "net', 0),
        ('Use {x}: {"class": "net', 9),
        ('{"class": {"name": "net"}', 0),
        ('{"class": "a}b', None),  # a string that is never closed is text, and its brace counts
        (NETWORK, None),
        ("{'class'}", None),
        ('["net', None),
        ("net", None),
    ],
)
def test_an_object_that_the_text_ends_in_is_found(text: str, begins: int | None) -> None:
    assert answer(text).unclosed_object == begins
