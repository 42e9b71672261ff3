"""Which token was generated, where the log probabilities leave it open or say something else than the text."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.growth import assert_linear

from evalayer_lab.answers import field_confidence, shaded_tokens
from evalayer_lab.backends import Request
from evalayer_lab.backends.baseline import BaselineBackend
from evalayer_lab.inputs import parse_literal

ANSWER = '{"class": "network"}'
TOKENS = ['{"', "class", '":', ' "', "net", "work", '"}']
TICKETS = Path(__file__).parents[3] / "data" / "support_tickets" / "train.jsonl"


def certain(tokens: list[str], logarithm: float = -0.1) -> list[dict[str, float]]:
    return [{token: logarithm} for token in tokens]


def chosen(answer: str, positions: list[dict[str, float]]) -> list[str | None] | None:
    """The generated tokens, None for one outside the top k; None for all where no way spells the answer."""
    pieces = shaded_tokens(answer, positions, None)
    if all(piece.probability is None for piece in pieces):
        return None
    return [None if piece.probability is None else piece.text for piece in pieces]


def test_the_generated_token_need_not_be_the_largest() -> None:
    positions = [{"access": -0.2, token: -1.8} for token in TOKENS]
    assert chosen(ANSWER, positions) == TOKENS
    found = field_confidence(ANSWER, positions, "class")
    assert found.joint == pytest.approx(math.exp(-3.6))
    assert found.generated_is_largest is False


@given(
    st.lists(
        st.dictionaries(st.text("ab", min_size=1, max_size=3), st.floats(-5, -2), min_size=1, max_size=4),
        min_size=1,
        max_size=5,
    ),
    st.data(),
)
def test_of_all_ways_to_spell_the_answer_the_most_probable_is_found(
    positions: list[dict[str, float]], data: st.DataObject
) -> None:
    answer = "".join(data.draw(st.sampled_from(sorted(position))) for position in positions)
    ways = [
        math.fsum(position[token] for position, token in zip(positions, way, strict=True))
        for way in product(*positions)
        if "".join(way) == answer
    ]
    keys = chosen(answer, positions)
    assert keys is not None
    assert "".join(key or "?" for key in keys) == answer
    assert math.fsum(p[key or ""] for p, key in zip(positions, keys, strict=True)) == pytest.approx(max(ways))


def test_the_longest_alternative_is_not_taken_where_the_answer_then_cannot_go_on() -> None:
    positions = [{"ab": -0.1, "a": -3.0}, {"bc": -1.0, "d": -1.0}]
    assert chosen("abc", positions) == ["a", "bc"]


PLAIN_CASES = [
    (ANSWER, ['▁{"', *TOKENS[1:], "</s>"]),
    (ANSWER, ["<s>", *TOKENS, "\n", "<|eot_id|>"]),
    (ANSWER, ["", *TOKENS[:5], "", *TOKENS[5:], ""]),
    (f"<|begin_of_solution|>{ANSWER}<|end_of_solution|>", TOKENS),
    (f"<|begin_of_solution|>\n{ANSWER}\n<|end_of_solution|>\n", ["\n", *TOKENS]),
    (f"<|begin_of_solution|>{ANSWER}<|end_of_solution|>", ["<|begin_of_solution|>", *TOKENS, "<|end_of_solution|>"]),
    (f"<|begin_of_solution|>{ANSWER}", ["<", "|", "begin_of_solution", "|>", *TOKENS]),
    (ANSWER, ["<|begin_of_solution|>", *TOKENS, "<|end_of_solution|>"]),
    (f"  \n{ANSWER} ", TOKENS),
    (ANSWER, [" ", "\n", *TOKENS, " \n", " "]),
    (ANSWER, [*TOKENS[:-1], '"}\n\n']),
    (f"```json\n{ANSWER}\n```", ["```", "json", "<0x0A>", *TOKENS, "<0x0A>", "```"]),
    (f"<think>net\nwork</think>{ANSWER}", ["<think>", "net", "\n", "work", "</think>", *TOKENS]),
]


@pytest.mark.parametrize("likeliest", [True, False])
@pytest.mark.parametrize(("answer", "tokens"), PLAIN_CASES)
def test_markers_special_tokens_and_white_space_may_differ(answer: str, tokens: list[str], likeliest: bool) -> None:
    positions = [{token: -1.0} if likeliest else {"~": -0.9, token: -1.0} for token in tokens]
    found = field_confidence(answer, positions, "class")
    assert found.reason is None
    assert found.joint == pytest.approx(math.exp(-2.0 if "" not in tokens else -3.0))
    pieces = shaded_tokens(answer, positions, "class")
    assert "".join(piece.text for piece in pieces) == answer
    assert [piece.text for piece in pieces if piece.in_label] == ["net", "work"]


def test_bytes_of_one_character_are_one_piece() -> None:
    answer = '{"class": "é😀"}'
    data = "é😀".encode()
    positions = certain(['{"class": "', *[f"<0x{byte:02X}>" for byte in data], '"}'], -0.5)
    found = field_confidence(answer, positions, "class")
    assert found.tokens == 6
    assert found.joint == pytest.approx(math.exp(-3.0))
    pieces = shaded_tokens(answer, positions, "class")
    assert [(piece.text, piece.in_label) for piece in pieces] == [
        ('{"class": "', False),
        ("é", True),
        ("😀", True),
        ('"}', False),
    ]
    assert [piece.probability for piece in pieces] == pytest.approx(
        [math.exp(-0.5), math.exp(-1.0), math.exp(-2.0), math.exp(-0.5)]
    )


def test_replacement_characters_stand_for_parts_of_a_character() -> None:
    positions = certain(['{"class": "', "\ufffd", "\ufffd", "\ufffd", "ok", '"}'], -0.5)
    found = field_confidence('{"class": "😀ok"}', positions, "class")
    assert found.joint == pytest.approx(math.exp(-2.0))
    assert found.tokens == 4


@pytest.mark.parametrize(
    ("value", "spelled"), [("café", "cafÃ©"), ("\x7f", "ġ"), ("中", "ä¸Ń"), ("ü", "Ã¼")], ids=ascii
)
def test_bytes_of_an_answer_without_a_space(value: str, spelled: str) -> None:
    for token in (spelled, value):  # as bytes, and as it is
        positions = [{"~": -3.0, text: -0.5} for text in ('{"class":"', token, '"}')]
        positions[0]["~"], positions[0]['{"class":"'] = -0.5, -3.0
        found = field_confidence(f'{{"class":"{value}"}}', positions, "class")
        assert (found.reason, found.tokens) == (None, 1)
        assert found.joint == pytest.approx(math.exp(-0.5))


def test_token_text_that_looks_like_a_spelling_but_is_meant() -> None:
    assert chosen("a▁b<0x0A>Ġ", certain(["a▁", "b<0x", "0A>", "Ġ"])) == ["a▁", "b<0x", "0A>", "Ġ"]
    positions = [{"a▁": -2.0, "~": -0.2}, {"b": -0.1}, {"<0x0A>": -0.1}]
    assert chosen("a▁b<0x0A>", positions) == ["a▁", "b", "<0x0A>"]


WORDS = [
    "{",
    '"',
    "thought",
    '":',
    ' "',
    "The",
    " link",
    " went",
    " down",
    '",',
    ' "',
    "class",
    '":',
    ' "',
    "net",
    "work",
    '"}',
]


@given(missing=st.integers(0, len(WORDS) - 1), share=st.floats(0.01, 0.9), likeliest=st.booleans())
def test_a_token_outside_the_top_k_is_bridged(missing: int, share: float, likeliest: bool) -> None:
    answer = "".join(WORDS)
    positions = [{token: -0.05, "~": -6.0} if likeliest else {"~": -0.9, token: -1.0} for token in WORDS]
    positions[missing] = {"~": math.log((1 - share) * 0.9), "#": math.log((1 - share) * 0.1)}
    assert chosen(answer, positions) == [None if at == missing else token for at, token in enumerate(WORDS)]
    found = field_confidence(answer, positions, "class")
    if WORDS[missing] in {"net", "work"}:
        assert found.reason == "outside_top_k"
        assert found.low == 0.0
        assert found.high is not None
        assert 0.0 < found.high <= max(share, math.exp(-0.05) * share + 0.05) + 0.7 * (not likeliest)
        assert (found.first_token is None) == (WORDS[missing] == "net")
    else:
        assert found.reason is None
        assert found.joint == pytest.approx(math.exp(-0.1 if likeliest else -2.0))


def test_an_alternative_that_begins_the_unseen_token_is_not_mistaken_for_it() -> None:
    # " downtown" was generated outside the top k; " down" is in it, and then " town" cannot follow "town".
    tokens = ["{", '"class": "', "down", "town", " bus", '"}']
    positions = certain(["{", '"class": "'])
    positions += [{"down": -4.0, "up": -0.5}, {" bus": -0.3, " line": -2.0}, {'"}': -0.1}]
    answer = '{"class": "downtown bus"}'
    assert chosen(answer, positions) == ["{", '"class": "', None, " bus", '"}']
    assert "".join(tokens) == answer


def test_two_tokens_in_a_row_outside_the_top_k() -> None:
    positions = certain(WORDS)
    positions[6] = {"~": -1.0}
    positions[7] = {"~": -1.0}
    keys = chosen("".join(WORDS), positions)
    assert keys is not None
    assert keys[:6] + keys[8:] == WORDS[:6] + WORDS[8:]


@pytest.mark.parametrize(
    "positions",
    [
        certain(["The", " printer", " on", " floor", " two", " is", " out"]),
        certain(WORDS[:-4]),
        certain(WORDS + WORDS),
        certain([*WORDS, " and", " more"]),
        [{token: 0.0} if at != 5 else {"A": 0.0} for at, token in enumerate(WORDS)],  # nothing was left unseen
        [{"~": -1.0} if at % 3 else {token: -1.0} for at, token in enumerate(WORDS)],
    ],
)
def test_tokens_of_something_else_are_refused(positions: list[dict[str, float]]) -> None:
    assert chosen("".join(WORDS), positions) is None
    assert field_confidence("".join(WORDS), positions, "class").reason == "not_rebuilt"


def test_the_log_probabilities_of_the_baseline() -> None:
    rows = [json.loads(line) for line in TICKETS.read_text(encoding="utf-8").splitlines()]
    backend = BaselineBackend(
        [row["query"] for row in rows[:24]], [row["response"] for row in rows[:24]], top_logprobs=2
    )
    for generation in backend.generate([Request(row["query"], None, row["query"]) for row in rows[24:40]]):
        assert generation.logprobs is not None
        label = json.loads(generation.text)["class"]
        (of_label,) = [position for position in generation.logprobs if len(position) > 1]
        unseen = 1.0 - math.fsum(map(math.exp, of_label.values()))
        found = field_confidence(generation.text, generation.logprobs, "class", backend.labels)
        assert found.joint == found.low == pytest.approx(math.exp(of_label[label]))
        assert found.renormalised == pytest.approx(math.exp(of_label[label]))
        assert found.high == pytest.approx(math.exp(of_label[label]) + unseen)
        assert (found.tokens, found.generated_is_largest, found.reason) == (1, True, None)


def test_the_containers_columns(tmp_path: Path) -> None:
    tokens = [
        "<|begin_of_solution|>",
        '▁{"',
        "class",
        '":',
        '▁"',
        "Soft",
        "ware",
        "_",
        "Bug",
        '"}',
        "<|end_of_solution|>",
    ]
    answer = '<|begin_of_solution|>{"class": "Software_Bug"}<|end_of_solution|>'
    positions = [{token: -0.25, "'}": -3.0} for token in tokens]
    table = pa.table({"pred_logprobs": [repr([positions])], "predictions": [repr([answer])]})
    pq.write_table(table, tmp_path / "details.parquet")
    (row,) = pq.read_table(tmp_path / "details.parquet").to_pylist()
    logprobs, predictions = parse_literal(row["pred_logprobs"]), parse_literal(row["predictions"])
    assert isinstance(logprobs, list)
    assert isinstance(predictions, list)
    found = field_confidence(predictions[0], logprobs[0], "class", ["Software_Bug", "Document_Request"])  # type: ignore[arg-type]
    assert found.tokens == 4
    assert found.joint == pytest.approx(math.exp(-1.0))


Logprobs = list[dict[str, float]]
MANY = {"a" * size: -4.0 + size / 100 for size in range(1, 21)}
END = ['"', ", ", '"class"', ": ", '"network"}']


def thought(size: int) -> str:
    return '{"thought": "' + "a" * (40 * size) + '", "class": "network"}'


@pytest.mark.parametrize(
    ("of_size", "size"),
    [
        (lambda n: (thought(n), [*certain(['{"thought": "']), *[MANY] * n, *certain(END)]), 30),
        (
            lambda n: (
                thought(n),
                [*certain(['{"thought": "']), *[{"~": -1.0}, {"aa": -1.0, "a": -2.0}] * n, *certain(END)],
            ),
            30,
        ),
        (lambda n: ('"' * (300 * n), certain(['{"'] * n)), 300),
        (lambda n: (f'{{"class": "{"é" * (50 * n)}"}}', certain(['{"class": "', *["é" * 50] * n, '"}'])), 1_000),
        (lambda n: ("<|a|>" * (200 * n) + ANSWER, [{"~": -0.3, "x": -2.0}, *certain(TOKENS)]), 100),
        (lambda n: ("{" * (50 * n), certain(["{"] * n)), 500),
        (lambda n: ('{"a":' * (10 * n), certain(['{"a":'] * n)), 1_000),
        (lambda n: ('{"class": "x"} ' * n, certain(['{"class": "x"} '] * n)), 1_000),
    ],
    ids=["outside", "two ways", "quotes", "long value", "markers", "braces", "nested", "objects"],
)
def test_no_answer_takes_quadratic_time(of_size: Callable[[int], tuple[str, Logprobs]], size: int) -> None:
    def look(size: int) -> None:
        answer, positions = of_size(size)
        found = field_confidence(answer, positions, "class", ["network"])
        shaded_tokens(answer, positions, "class")
        assert found.reason in {None, "outside_top_k", "not_rebuilt", "not_json"}

    assert_linear(look, size)


def test_every_token_is_a_piece() -> None:
    positions = certain(TOKENS)
    assert [piece.text for piece in shaded_tokens(ANSWER, positions, None)] == TOKENS
