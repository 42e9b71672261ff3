from __future__ import annotations

import ast
import json
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.growth import assert_linear

from evalayer import JSONValue
from evalayer_lab.inputs import MAX_DEPTH, MAX_LENGTH, parse_literal

NASTY = st.sampled_from(
    ["'", '"', "\\", "'\"", "\n", "True", "None", "{", "]", "\\'", "\u2028", "\ud800", "\x00", "é😀"]
)
TEXTS = st.lists(st.text(st.characters()) | NASTY, max_size=4).map("".join)
VALUES: st.SearchStrategy[JSONValue] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(value=VALUES)
def test_round_trip_of_repr(value: JSONValue) -> None:
    assert parse_literal(repr(value)) == value


@given(value=VALUES.filter(lambda value: "\\" not in repr(value)))
def test_types_survive(value: JSONValue) -> None:
    assert repr(parse_literal(repr(value))) == repr(value)


@given(value=st.dictionaries(st.text(st.characters(codec="utf-8")), st.booleans() | st.none() | st.integers()))
def test_json_without_escapes_is_understood(value: dict[str, JSONValue]) -> None:
    text = json.dumps(value, ensure_ascii=False)
    if "\\" not in text:
        assert parse_literal(text) == value


SNIPPETS = st.sampled_from(
    [
        *[
            "'a'",
            '"b"',
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "1",
            "-",
            "1e999",
            "True",
            "None",
            "(",
            ")",
            "\\",
            "'",
            '"',
            " ",
            "\n",
        ],
        *["__import__('os')", "f'{1}'", "b'x'", "nan", "0x1f", "1_0", "#", "lambda:0", "true", "null", "Trueish"],
    ]
)


@given(text=st.text() | st.lists(SNIPPETS, max_size=12).map("".join))
def test_any_text_gives_a_value_or_a_value_error(text: str) -> None:
    try:
        value = parse_literal(text)
    except ValueError:
        return
    assert value is None or isinstance(value, bool | int | float | str | list | dict)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return  # JSON's own words, which Python does not know
    assert value == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "__import__('os').system('true')",
        "{'a': 1}.clear()",
        "open('x')",
        "[x for x in [1]]",
        "f'{1}'",
        "(1, 2)",
        "{1, 2}",
        "b'x'",
        "nan",
        "NaN",
        "[Infinity]",
        "'a' 'b'",
        "'''a'''",
        "'\\N{BULLET}'",
        "'\\U00110000'",
        "'\\x4'",
        "'open",
        "1 + 1",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"Python literal|not closed|escape"):
        parse_literal(text)


def test_depth_is_bounded() -> None:
    assert parse_literal("[" * MAX_DEPTH + "]" * MAX_DEPTH) is not None
    with pytest.raises(ValueError, match="nested deeper than 100 levels"):
        parse_literal("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))
    brackets = "[" * 500
    assert parse_literal(repr([brackets, "it's " + brackets])) == [brackets, "it's " + brackets]


def test_length_is_bounded() -> None:
    with pytest.raises(ValueError, match="longer than 1048576 characters"):
        parse_literal("1" + " " * MAX_LENGTH)


@pytest.mark.parametrize(
    ("start", "unit"), [("'", "\\'"), ("", "'\n"), ('"', '""'), ("", "'\""), ("", "\\'"), ("", "99")]
)
def test_no_text_takes_quadratic_time(start: str, unit: str) -> None:
    def parse(size: int) -> None:
        with pytest.raises(ValueError, match=r"Python literal|not closed"):
            parse_literal(start + unit * (size // 2))

    assert_linear(parse, 50_000)
