"""The baseline model."""

from __future__ import annotations

import json
import math

import pytest

from evalayer_lab.backends import Request
from evalayer_lab.backends.baseline import BaselineBackend
from evalayer_lab.inputs import InputError

_PROMPTS = [
    "The printer tray is cracked and paper jams.",
    "My laptop battery is swollen. The lid is bent.",
    "The screen hinge broke off.",
    "I forgot my password again.",
    "Locked out after too many password attempts.",
    "Please reset my password and my token.",
]
_GOLDS = [
    json.dumps({"class": label, "thought": "t", "description": "d"}) for label in ["hardware"] * 3 + ["access"] * 3
]


def _answer(backend: BaselineBackend, prompt: str) -> dict[str, str]:
    (generation,) = backend.generate([Request(prompt, None, prompt)])
    answer: dict[str, str] = json.loads(generation.text)
    return answer


def test_learns_the_label_and_answers_in_the_shape_of_the_gold() -> None:
    backend = BaselineBackend(_PROMPTS, _GOLDS)
    answer = _answer(backend, "Hello there. I cannot remember the password for my account.")
    assert list(answer) == ["class", "thought", "description"]
    assert answer["class"] == "access"
    assert '"password"' in answer["thought"]
    assert answer["description"] == "I cannot remember the password for my account."


def test_the_log_probabilities_spell_the_answer_and_hold_the_predicted_distribution() -> None:
    backend = BaselineBackend(_PROMPTS, _GOLDS, top_logprobs=5)
    (generation,) = backend.generate([Request("", None, 'The password "hardware" was refused')])
    assert generation.logprobs is not None
    label = json.loads(generation.text)["class"]
    spelled = "".join(label if label in token else next(iter(token)) for token in generation.logprobs)
    assert spelled == generation.text
    (of_label,) = [token for token in generation.logprobs if len(token) > 1]
    assert set(of_label) == {"hardware", "access"}
    assert math.isclose(sum(math.exp(value) for value in of_label.values()), 1.0)
    assert max(of_label, key=lambda token: of_label[token]) == label


def test_gives_no_log_probabilities_where_the_recipe_asks_for_none() -> None:
    (generation,) = BaselineBackend(_PROMPTS, _GOLDS).generate([Request("", None, "password")])
    assert generation.logprobs is None


def test_a_gold_of_text_is_the_label() -> None:
    backend = BaselineBackend(_PROMPTS, ["hardware"] * 3 + ["access"] * 3, top_logprobs=1)
    (generation,) = backend.generate([Request("", None, "password password")])
    assert generation.text == "access"
    assert generation.logprobs is not None
    assert [list(token) for token in generation.logprobs] == [["access"]]


def test_two_fits_answer_alike() -> None:
    requests = [Request("", None, prompt) for prompt in _PROMPTS]
    first = BaselineBackend(_PROMPTS, _GOLDS, top_logprobs=3).generate(requests)
    assert first == BaselineBackend(_PROMPTS, _GOLDS, top_logprobs=3).generate(requests)


def test_one_label_is_nothing_to_learn() -> None:
    with pytest.raises(InputError, match="at least two labels in the field 'class'"):
        BaselineBackend(_PROMPTS[:3], _GOLDS[:3])
    with pytest.raises(InputError, match="0 of 6 rows have a label"):
        BaselineBackend(_PROMPTS, _GOLDS, label_field="klass")


def _warnings(*prompts: str) -> list[str]:
    backend = BaselineBackend(_PROMPTS, _GOLDS)
    backend.generate([Request("", None, prompt) for prompt in prompts])
    return list(backend.warnings)


def test_says_when_it_is_asked_what_it_was_trained_on() -> None:
    assert _warnings("something new") == []
    (warning,) = _warnings(*_PROMPTS[:2], "new")
    assert "trained on 2 of the rows" in warning
