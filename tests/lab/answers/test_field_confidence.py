"""The value's tokens, found again after an answer was cut into tokens at random places."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evalayer_lab.answers import CONFIDENCE_REASONS, FieldConfidence, field_confidence, shaded_tokens

NASTY = st.sampled_from(['"', "\\", "class", '"class": "x"', "\n", "\u2028", "é", "😀", "{", "}", "<|eot|>", " "])
TEXTS = st.lists(st.text(st.characters(codec="utf-8"), max_size=6) | NASTY, max_size=4).map("".join)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
WRAPPERS = (
    ("", ""),
    ("<|begin_of_solution|>", "<|end_of_solution|>"),
    ("```json\n", "\n```"),
    ("<think>class {x}</think>\n", ""),
    ("Here you are: ", " Anything else?"),
    (' "class": "network" ', ""),
)


@dataclass(frozen=True)
class Case:
    answer: str
    start: int  # of the value, in characters
    end: int


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """An answer with a JSON object that has a text under `class`, perhaps repeated, among other members."""
    others = st.tuples(TEXTS.filter(lambda key: key != "class"), VALUES)
    members = [*draw(st.lists(others, max_size=2)), ("class", draw(TEXTS.filter(bool)))]
    if draw(st.booleans()):
        members.insert(0, ("class", draw(VALUES)))
    members += draw(st.lists(others, max_size=2))
    colon, comma = draw(st.sampled_from([(": ", ", "), (":", ","), (" :\n", " ,\n")]))
    ascii_only = draw(st.booleans())
    before, after = draw(st.sampled_from(WRAPPERS))
    answer = before + "{"
    start = end = 0
    for index, (key, value) in enumerate(members):
        answer += (comma if index else "") + json.dumps(key, ensure_ascii=ascii_only) + colon
        spelled = json.dumps(value, ensure_ascii=ascii_only)
        if key == "class":
            start, end = len(answer) + 1, len(answer) + len(spelled) - 1
        answer += spelled
    return Case(answer + "}" + after, start, end)


def byte_level(data: bytes) -> str:
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return "".join(chr(byte) if byte in printable else chr(256 + others.index(byte)) for byte in data)


@st.composite
def tokenised(draw: st.DrawFn, answer: str) -> tuple[list[str], list[int]]:
    """Tokens of an answer, in one of the spellings, and where each starts and the last one ends, in bytes."""
    encoded = answer.encode()
    spelling = draw(st.sampled_from(["plain", "pieces", "bytes"]))
    whole = {0, len(encoded)}
    for character in answer:
        whole.add(max(whole - {len(encoded)}) + len(character.encode()))
    at_byte = st.integers(0, len(encoded)) if spelling == "bytes" else st.sampled_from(sorted(whole))
    cuts = sorted({0, len(encoded), *draw(st.lists(at_byte, max_size=12))})
    tokens = [encoded[left:right] for left, right in pairwise(cuts)]
    if spelling == "bytes":
        return [byte_level(token) for token in tokens], cuts
    if spelling == "plain":
        return [token.decode() for token in tokens], cuts
    spelled: list[str] = []
    bounds = [0]
    for token, start in zip(tokens, cuts, strict=False):
        if token.isascii():
            spelled.append(token.decode().replace(" ", "▁"))
            bounds.append(start + len(token))
        else:
            spelled += [f"<0x{byte:02X}>" for byte in token]
            bounds += range(start + 1, start + len(token) + 1)
    return spelled, bounds


@st.composite
def tokenised_cases(draw: st.DrawFn) -> tuple[Case, list[dict[str, float]], list[str], list[int]]:
    """A case, and log probabilities in which nothing but the generated tokens can go on with the answer."""
    case = draw(cases())
    tokens, bounds = draw(tokenised(case.answer))
    assume("▁" not in case.answer and "<0x" not in case.answer)
    positions: list[dict[str, float]] = []
    for token in tokens:
        share = draw(st.floats(0.01, 1.0))
        others = {f"{mark}{token[0]}": math.log((1.0001 - share) / 3) for mark in "XYZ"[: draw(st.integers(0, 3))]}
        alternatives = [*others.items(), (token, math.log(share))]
        positions.append({key: value for key, value in draw(st.permutations(alternatives)) if key[0] != token[0]})
        positions[-1][token] = math.log(share)
        if draw(st.booleans()):
            positions[-1] = dict(reversed(positions[-1].items()))
    return case, positions, tokens, bounds


@given(case=tokenised_cases())
def test_finds_the_tokens_of_the_value_and_multiplies_their_probabilities(
    case: tuple[Case, list[dict[str, float]], list[str], list[int]],
) -> None:
    (answer, start, end), positions, tokens, bounds = (case[0].answer, case[0].start, case[0].end), *case[1:]
    left, right = len(answer[:start].encode()), len(answer[:end].encode())
    chosen = [i for i, (begin, stop) in enumerate(pairwise(bounds)) if begin < right and stop > left]
    logarithms = [positions[i][tokens[i]] for i in chosen]
    found = field_confidence(answer, positions, "class")
    assert found.reason is None
    assert found.tokens == len(chosen)
    assert found.first_token == pytest.approx(math.exp(logarithms[0]))
    assert found.joint == pytest.approx(math.prod(math.exp(value) for value in logarithms))
    assert found.geometric_mean == pytest.approx(math.exp(math.fsum(logarithms) / len(chosen)))
    assert found.generated_is_largest == all(positions[i][tokens[i]] == max(positions[i].values()) for i in chosen)
    assert found.low == found.joint
    assert found.high is not None
    assert found.low is not None
    assert found.low <= found.high <= 1.0


@given(case=tokenised_cases())
def test_the_pieces_are_the_answer_and_mark_the_value(
    case: tuple[Case, list[dict[str, float]], list[str], list[int]],
) -> None:
    answer, positions = case[0].answer, case[1]
    pieces = shaded_tokens(answer, positions, "class")
    assert "".join(piece.text for piece in pieces) == answer
    total = math.fsum(position[token] for position, token in zip(positions, case[2], strict=True))
    assert math.prod(piece.probability or 0.0 for piece in pieces) == pytest.approx(math.exp(total))
    at = 0
    for piece in pieces:
        assert piece.in_label == (at < case[0].end and at + len(piece.text) > case[0].start)
        at += len(piece.text)


ANSWER = '{"thought": "network or access", "class": "network"}'


def spelled(answer: str, label: dict[str, float], at: int) -> list[dict[str, float]]:
    """Certain tokens, one for each character, but for `label`, whose first token stands at index `at`."""
    token = next(iter(label))
    return [
        *({character: 0.0} for character in answer[:at]),
        label,
        *({character: 0.0} for character in answer[at + len(token) :]),
    ]


def test_the_value_is_not_looked_for_in_the_thought() -> None:
    positions = spelled(ANSWER, {"network": -2.0, "access": -0.2}, ANSWER.rindex("network"))
    positions[ANSWER.index("network")] = {"n": -0.9}
    found = field_confidence(ANSWER, positions, "class")
    assert found.joint == pytest.approx(math.exp(-2.0))
    assert found.generated_is_largest is False


def test_of_a_repeated_key_the_last_value_counts() -> None:
    answer = '{"class": "access", "class": "network"}'
    positions = spelled(answer, {"network": -0.3}, answer.index("network"))
    positions[answer.index("access")] = {"a": -5.0}
    assert field_confidence(answer, positions, "class").joint == pytest.approx(math.exp(-0.3))


@pytest.mark.parametrize(
    ("answer", "field", "value"),
    [
        ('{"a": {"b": "x"}, "b": "y"}', "a.b", "x"),
        ('{"a": {"b": "x"}, "a.b": "z"}', "a.b", "z"),
        ('{"a": {"b": "x"}, "a": {"b": {"c": "w"}}}', "a.b.c", "w"),
        ('{"a": {"b.c": "v"}}', "a.b.c", "v"),
        ('{"\\u0063lass": "u"}', "class", "u"),
        ('{"class": true}', "class", "true"),
        ('{"class": -1.5e3 }', "class", "-1.5e3"),
        ('{"class": ["p", {"q": 1}]}', "class", '["p", {"q": 1}]'),
        ('Not {this} but {"class": "r"}, or {"a": 1}', "class", "r"),
        ('{"class": "no"} no, {"thought": "longer", "class": "yes"}', "class", "yes"),
        ('<think>{"class": "t1"}</think>{"class": "t1"}', "class", "t1"),
        ('<|begin_of_solution|>{"class": "s"}<|end_of_solution|>{"class": "s"}', "class", "s"),
        ("<|begin_of_thought|>spam<|end_of_thought|><|begin_of_solution|>spam<|end_of_solution|>", None, "spam"),
        (" s<|end_of_solution|> ", None, "s"),
        ('```{"class": "f"}```', "class", "f"),
    ],
)
def test_finds_the_value_that_a_metric_reads(answer: str, field: str | None, value: str) -> None:
    positions = [{character: -0.01} for character in answer]
    pieces = shaded_tokens(answer, positions, field)
    assert "".join(piece.text for piece in pieces if piece.in_label) == value
    found = field_confidence(answer, positions, field)
    assert found.tokens == len(value)
    assert found.joint == pytest.approx(math.exp(-0.01 * len(value)))


def test_of_equal_texts_the_one_is_meant_that_completion_reads() -> None:
    answer = '<think>{"class": "t"}</think>{"class": "t"}'
    pieces = shaded_tokens(answer, [{character: 0.0} for character in answer], "class")
    assert [index for index, piece in enumerate(pieces) if piece.in_label] == [answer.rindex("t")]
    answer = '<|begin_of_solution|>{"class": "t"}<|end_of_solution|>{"class": "t"}'
    pieces = shaded_tokens(answer, [{character: 0.0} for character in answer], "class")
    assert [index for index, piece in enumerate(pieces) if piece.in_label] == [answer.index('"t"') + 1]


LABELED = '{"class": "network"}'
ASKED = [{'{"class": "': -0.01}]
CLOSED = [{'"}': -0.01}]


@pytest.mark.parametrize(
    ("answer", "positions", "field", "reason"),
    [
        (LABELED, [], "class", "no_log_probabilities"),
        (LABELED, [{LABELED: math.nan}], "class", "invalid_log_probabilities"),
        (LABELED, [{LABELED: -math.inf}], "class", "invalid_log_probabilities"),
        (LABELED, [{LABELED: -(10**400)}], "class", "invalid_log_probabilities"),
        (LABELED, [{LABELED: 0.01}], "class", "invalid_log_probabilities"),
        (LABELED, [{LABELED: "-0.1"}], "class", "invalid_log_probabilities"),
        (LABELED, [None], "class", "invalid_log_probabilities"),
        (LABELED, [*ASKED, {"network": -0.1, "access": -0.1}, *CLOSED], "class", "invalid_log_probabilities"),
        (LABELED, [{"something else": -0.1}], "class", "not_rebuilt"),
        (LABELED, [*ASKED, {"net": -0.1}], "class", "not_rebuilt"),
        (LABELED, [{LABELED: -0.1}, {" and more": -0.1}], "class", "not_rebuilt"),
        (LABELED, [{LABELED: -0.1}], "category", "no_field"),
        (LABELED, [{LABELED: -0.1}], "class.name", "no_field"),
        ("network", [{"network": -0.1}], "class", "not_json"),
        ('["network"]', [{'["network"]': -0.1}], "class", "not_json"),
        (LABELED[:-3], [{LABELED[:-3]: -0.1}], "class", "not_json"),
        ("", [{"</s>": -0.1}], "class", "not_json"),
        (" ", [{" ": -0.1}], None, "empty_value"),
        ('{"class": ""}', [{'{"class": ""}': -0.1}], "class", "empty_value"),
        (LABELED, [*ASKED, {"access": -0.1, "hardware": -3.0}, *CLOSED], "class", "outside_top_k"),
    ],
)
def test_what_is_unknown_is_none_with_a_reason(
    answer: str, positions: list[dict[str, float]], field: str | None, reason: str
) -> None:
    found = field_confidence(answer, positions, field, ["network", "access"])
    assert found.reason == reason
    assert (found.joint, found.geometric_mean, found.renormalised) == (None, None, None)
    if reason != "outside_top_k":
        assert found == FieldConfidence(reason=reason)
    assert reason in CONFIDENCE_REASONS
    assert "".join(piece.text for piece in shaded_tokens(answer, positions, field)) == answer


def test_rounding_above_one_is_one() -> None:
    found = field_confidence(LABELED, [*ASKED, {"network": 1e-5}, *CLOSED], "class")
    assert (found.first_token, found.joint, found.geometric_mean, found.low, found.high) == (1.0,) * 5


def test_a_probability_below_the_smallest_double_is_not_zero() -> None:
    found = field_confidence("a b", [{"a": -9999.0}, {" b": -0.5}], None)
    assert found.joint == found.low == math.ulp(0.0)
    assert found.geometric_mean == math.ulp(0.0)


def test_a_token_outside_the_top_k_leaves_bounds() -> None:
    positions = [*ASKED, {"net": -0.5, "access": -1.5}, {"w": -0.7, "s": -1.2}, *CLOSED]
    found = field_confidence(LABELED, positions, "class", ["network", "access", "netsplit"])
    net, w, s = math.exp(-0.5), math.exp(-0.7), math.exp(-1.2)
    unseen = 1 - net - math.exp(-1.5)
    assert found.first_token == pytest.approx(net)
    assert found.joint is None
    assert found.low == 0.0
    assert found.high == pytest.approx(unseen + net * (w + 1 - w - s))  # "w" may go on to "work"
    assert found.tokens == 2
    assert found.generated_is_largest is False
    assert found.renormalised is None
    assert found.reason == "outside_top_k"


def test_the_upper_bound_counts_what_may_be_the_label_and_what_was_not_seen() -> None:
    positions = [*ASKED, {"network": -1.0, "net": -1.5, 'Network"': -2.0, "new": -3.0, "hard": -4.0}, *CLOSED]
    found = field_confidence(LABELED, positions, "class")
    assert found.low == pytest.approx(math.exp(-1.0))
    assert found.high == pytest.approx(1.0 - math.exp(-3.0) - math.exp(-4.0))


@given(st.randoms(use_true_random=False), st.integers(1, 6), st.text("ab", min_size=1, max_size=4))
def test_the_bounds_hold_the_probability_of_all_spellings(random: Random, top_k: int, value: str) -> None:
    vocabulary = ["a", "b", "ab", "ba", "aab", '"}', "abba"]
    model: dict[str, dict[str, float]] = {}  # by the text so far, the probability of each next token

    def following(text: str) -> dict[str, float]:
        if text not in model:
            weights = [random.random() ** 3 + 1e-9 for _ in vocabulary]
            model[text] = {t: w / math.fsum(weights) for t, w in zip(vocabulary, weights, strict=True)}
        return model[text]

    def probability(text: str) -> float:
        return (
            1.0
            if text.startswith(value)
            else math.fsum(
                share * probability(text + token)
                for token, share in following(text).items()
                if (text + token).startswith(value) or value.startswith(text + token)
            )
        )

    def listed(text: str, token: str) -> dict[str, float]:
        top = sorted(following(text), key=lambda other: -following(text)[other])[:top_k]
        return {other: math.log(following(text)[other]) for other in dict.fromkeys([*top, token])}

    text = ""
    generated: list[str] = []
    positions = [*ASKED]
    while text != value:
        rest = value[len(text) :]
        token = random.choice([token for token in vocabulary if rest.startswith(token)])
        positions.append(listed(text, token))
        generated.append(token)
        text += token
    positions.append({'"}': -0.01})
    answer = f'{{"class": "{value}"}}'
    pieces = shaded_tokens(answer, positions, "class")
    assume([piece.text for piece in pieces[1:-1]] == generated)  # else another way is likelier
    found = field_confidence(answer, positions, "class")
    assert found.low is not None
    assert found.high is not None
    assert found.low - 1e-12 <= probability("") <= found.high + 1e-12


LABELS = ["network", "access", "software", "hardware"]


def test_renormalised_over_labels_that_were_all_seen_is_their_share() -> None:
    label = {"network": -1.0, "access": -1.5, "soft": -2.0, "hardware": -4.0, " ": -1.7}
    found = field_confidence(LABELED, [*ASKED, label, *CLOSED], "class", LABELS)
    seen = [math.exp(value) for key, value in label.items() if key != " "]
    assert found.renormalised == pytest.approx(seen[0] / math.fsum(seen))


def test_renormalised_gives_labels_that_were_not_seen_all_that_was_not_seen() -> None:
    found = field_confidence(LABELED, [*ASKED, {"network": -1.0, "\n": -1.5}, *CLOSED], "class", LABELS)
    assert found.renormalised == pytest.approx(math.exp(-1.0) / (1.0 - math.exp(-1.5)))


def test_renormalised_stops_at_the_token_that_tells_the_labels_apart() -> None:
    positions = [*ASKED, {"net": -0.5, "access": -1.0}, {"work": -3.0, "flix": -0.2}, *CLOSED]
    found = field_confidence(LABELED, positions, "class", ["network", "access"])
    net, access = math.exp(-0.5), math.exp(-1.0)
    assert found.renormalised == pytest.approx(net / (net + access))
    found = field_confidence(LABELED, positions, "class", ["network", "access", "Netflix"])
    work, flix = math.exp(-3.0), math.exp(-0.2)
    assert found.renormalised == pytest.approx(net / (net + access) * work / (work + flix))


def test_a_label_that_begins_another_is_told_by_what_follows_it() -> None:
    positions = [{'{"class": "': 0.0}, {"net": -0.1}, {'"': -1.0, "work": -1.5}, {"}": 0.0}]
    found = field_confidence('{"class": "net"}', positions, "class", ["net", "network"])
    assert found.renormalised == pytest.approx(math.exp(-1.0) / (math.exp(-1.0) + math.exp(-1.5)))
    positions = [{'{"class": ': 0.0}, {"1": -0.1}, {"}": -1.0, "0": -1.5}]
    found = field_confidence('{"class": 1}', positions, "class", ["1", "2", "10"])
    one, seen = math.exp(-0.1), math.exp(-1.0) + math.exp(-1.5)
    assert found.renormalised == pytest.approx(one / 1.0 * math.exp(-1.0) / seen)
    assert field_confidence("net", [{"net": -0.1}], None, ["net", "network"]).renormalised is None


@pytest.mark.parametrize("ascii_only", [True, False])
def test_labels_are_compared_as_they_are_spelled(ascii_only: bool) -> None:
    spelling = json.dumps("café", ensure_ascii=ascii_only)[1:-1]
    positions = [*ASKED, {"caf": -0.5, "access": -1.5}, {spelling[3:]: -0.1}, *CLOSED]
    found = field_confidence(f'{{"class": "{spelling}"}}', positions, "class", ["Café", "access"])
    assert found.renormalised == pytest.approx(math.exp(-0.5) / (math.exp(-0.5) + math.exp(-1.5)))


def test_a_value_that_is_no_label_has_no_renormalised_probability() -> None:
    found = field_confidence(LABELED, [*ASKED, {"network": -0.1}, *CLOSED], "class", ["access", "software"])
    assert found.joint == pytest.approx(math.exp(-0.1))
    assert found.renormalised is None
    assert found.reason is None
