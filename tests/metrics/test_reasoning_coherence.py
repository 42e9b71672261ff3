"""reasoning_coherence and description_quality: each component answers to what it names."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalayer import Completion, InvalidMetric, Unscored
from evalayer_metrics import description_quality, reasoning_coherence

LABELS = ["hardware", "software", "network", "access"]
CASES = [
    (
        "Since Monday the office wifi drops every few minutes and the VPN disconnects. My laptop is fine at home.",
        "network",
        "The office wifi drops every few minutes and the VPN disconnects, while the laptop is fine at home. "
        "That is a network problem, not hardware.",
    ),
    (
        "The screen of my laptop stays black, but the fan is spinning and I smell something burnt.",
        "hardware",
        "The screen stays black, the fan is spinning and there is a burnt smell. This points to broken hardware.",
    ),
    (
        "Mein Passwort ist abgelaufen und das Konto ist gesperrt, ich komme nicht mehr in das Portal.",
        "access",
        "Das Passwort ist abgelaufen und das Konto ist gesperrt. Es fehlt der Access zum Portal.",
    ),
    (
        "Excel se ferme tout seul depuis la mise à jour, avec le message d'erreur 0x80070005.",
        "software",
        "Excel se ferme depuis la mise à jour avec l'erreur 0x80070005 : c'est le software.",
    ),
]


def score(
    prompt: str, conclusion: str | None, thought: str, metric: reasoning_coherence | None = None
) -> dict[str, float]:
    answer = {"thought": thought} if conclusion is None else {"class": conclusion, "thought": thought}
    found = (metric or reasoning_coherence(labels=LABELS)).score(Completion(prompt, json.dumps(answer), ""))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(("prompt", "conclusion", "thought"), CASES)
def test_sound_rationale_scores_high(prompt: str, conclusion: str, thought: str) -> None:
    parts = score(prompt, conclusion, thought)
    assert parts["conclusion"] == parts["non_repetition"] == parts["decisiveness"] == parts["arithmetic"] == 1.0
    assert parts["grounding"] >= 0.5
    assert parts["mean"] == pytest.approx(sum(value for part, value in parts.items() if part != "mean") / 5)


@pytest.mark.parametrize(("prompt", "conclusion", "thought"), CASES)
def test_perturbation_drops_its_component_and_no_other(prompt: str, conclusion: str, thought: str) -> None:
    sound = score(prompt, conclusion, thought)
    for other in LABELS:
        if other != conclusion:
            swapped = score(prompt, other, thought)
            assert swapped["conclusion"] <= 0.5 < sound["conclusion"]
            assert swapped["non_repetition"] == sound["non_repetition"]
    ungrounded = score("Please order two new chairs for room 7.", conclusion, thought)
    assert ungrounded == {**sound, "grounding": ungrounded["grounding"], "mean": ungrounded["mean"]}
    assert ungrounded["grounding"] <= 0.2
    repeated = score(prompt, conclusion, f"{thought} {thought} {thought}")
    assert repeated["non_repetition"] < 0.5
    assert repeated["grounding"] == sound["grounding"]
    hedged = score(prompt, conclusion, f"Perhaps vielleicht {thought} Maybe peut-être, possibly.")
    assert hedged["decisiveness"] < 0.5
    assert hedged["conclusion"] == sound["conclusion"]
    miscounted = score(prompt, conclusion, f"{thought} 12 * 3 = 37.")
    assert miscounted["arithmetic"] == 0.0
    for broken in (ungrounded, repeated, hedged, miscounted):
        assert broken["mean"] < sound["mean"]


@pytest.mark.parametrize(
    ("thought", "conclusion", "expected"),
    [
        ("A network fault.", "network", 1.0),
        ("A network fault.", "hardware", 0.0),
        ("A network or hardware fault.", "hardware", 0.5),
        ("Not hardware but the network.", "network", 1.0),
        ("Not hardware but the network.", "hardware", 0.0),
        ("It is no network fault", "network", 0.0),
        ("No, hardware", "hardware", 1.0),
        ("Rather than hardware, the network", "network", 1.0),
        ("Something is broken.", "network", 0.5),
        ("The networking gear", "NETWORK", 1.0),
        ("A network fault.", "printer", 0.0),
        ("A network fault.", None, 0.0),
        ("A network fault.", "", 0.0),
    ],
)
def test_conclusion(thought: str, conclusion: str | None, expected: float) -> None:
    assert score("", conclusion, thought)["conclusion"] == expected


def test_cues_speak_for_their_label() -> None:
    metric = reasoning_coherence(cues={"network": ["wifi", "断线"], "hardware": ["screen"]})
    assert score("", "network", "The wifi drops", metric)["conclusion"] == 1.0
    assert score("", "hardware", "The wifi drops", metric)["conclusion"] == 0.0
    assert score("", "network", "办公室断线", metric)["conclusion"] == 1.0


def test_without_labels_only_the_given_class_is_known() -> None:
    metric = reasoning_coherence()
    assert score("", "network", "A network fault", metric)["conclusion"] == 1.0
    assert score("", "hardware", "A network fault", metric)["conclusion"] == 0.5


def test_words_of_labels_are_no_evidence() -> None:
    assert score("hardware software network access", "network", "network, not hardware")["grounding"] == 0.0


def test_unspaced_scripts() -> None:
    parts = score("办公室的打印机坏了，无法打印", "hardware", "打印机坏了，无法打印。可能")
    assert parts["grounding"] > 0.7
    assert parts["decisiveness"] < 1.0
    assert score("网络很慢", "hardware", "打印机坏了")["grounding"] == 0.0


@pytest.mark.parametrize("output", ["", "text", "[]", "{}", '{"thought": ""}', '{"thought": " "}', '{"thought": 3}'])
def test_no_thought_is_unscored(output: str) -> None:
    assert isinstance(reasoning_coherence().score(Completion("p", output, "")), Unscored)


@pytest.mark.parametrize(
    ("labels", "cues"),
    [
        ("network", None),
        (["a", "A"], None),
        ([""], None),
        (["a"], {"b": ["x"]}),
        (["a"], {"a": "x"}),
        (["a"], {"a": ["!"]}),
    ],
)
def test_bad_settings_are_refused(labels: list[str], cues: dict[str, list[str]] | None) -> None:
    with pytest.raises(InvalidMetric):
        reasoning_coherence(labels=labels, cues=cues)


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("no equation", 1.0),
        ("x = 3", 1.0),
        ("12 * 3 = 36", 1.0),
        ("12*3=37", 0.0),
        ("2 + 3 * 4 = 14", 1.0),
        ("2 + 3 × 4 = 20", 0.0),
        ("1,200 − 200 = 1,000", 1.0),
        ("10 / 3 = 3.33", 1.0),
        ("10 / 3 = 3.34", 0.0),
        ("5 / 0 = 0", 0.0),
        ("0.1 + 0.2 = 0.3", 1.0),
        ("-3 + 5 = 2", 1.0),
        ("3 - 5 = -2", 1.0),
        ("- 3 + 5 = 8", 1.0),
        ("2y - 3 + 5 = 9", 1.0),
        ("total = 12 * 3 = 36", 1.0),
        ("7 ÷ 2 = 3,5", 1.0),
        ("2 + 2 = 5 and 2 + 2 = 4", 0.5),
        ("3 x 4 = 12", 1.0),
        ("v1.2-3=4", 1.0),
    ],
)
def test_arithmetic(text: str, share: float) -> None:
    assert score("", "network", text)["arithmetic"] == share


@given(
    left=st.integers(-999, 999), middle=st.integers(1, 999), right=st.integers(1, 999),
    first=st.sampled_from("+-*"), second=st.sampled_from("+-*"), off=st.sampled_from([0, 1, -2]),
)  # fmt: skip
def test_arithmetic_agrees_with_python(left: int, middle: int, right: int, first: str, second: str, off: int) -> None:
    work = {"+": int.__add__, "-": int.__sub__, "*": int.__mul__}
    if second == "*" and first != "*":
        value = work[first](left, middle * right)
    else:
        value = work[second](work[first](left, middle), right)
    thought = f"so {left} {first} {middle} {second} {right} = {value + off}."
    assert score("", "network", thought)["arithmetic"] == float(off == 0)


def describe(text: str, conclusion: str = "network", prompt: str = "The wifi is slow") -> dict[str, float]:
    found = description_quality().score(Completion(prompt, json.dumps({"class": conclusion, "description": text}), ""))
    assert isinstance(found, dict)
    return found


def test_description_parts() -> None:
    good = describe("The office network drops every few minutes.")
    assert good == {"length": 1.0, "names_evidence": 1.0, "non_repetition": 1.0, "readability": 1.0, "mean": 1.0}
    assert describe("Network down.")["length"] == pytest.approx(2 / 5)
    assert describe("a b c " * 40)["length"] == pytest.approx(60 / 120)
    assert describe("It is slow on wifi")["names_evidence"] == 1.0
    assert describe("It is slow on Mars")["names_evidence"] == 0.5
    assert describe("drop the mail " * 8)["non_repetition"] < 0.2
    assert (
        describe("Incomprehensible interdepartmental telecommunications infrastructure misconfiguration")["readability"]
        == 0.0
    )
    assert describe("!!!") == {
        "length": 0.0,
        "names_evidence": 0.0,
        "non_repetition": 1.0,
        "readability": 0.0,
        "mean": 0.25,
    }


def test_description_settings() -> None:
    for low, high in ((0, 5), (6, 5)):
        with pytest.raises(InvalidMetric, match="min_words"):
            description_quality(min_words=low, max_words=high)
    for output in ("", "[]", '{"description": ""}', '{"description": 1}'):
        assert isinstance(description_quality().score(Completion("", output, "")), Unscored)
