"""The wire contract: what is read, what is refused, and in which words."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalayer import Completion, InvalidEvent, PreprocessFailed, Sample
from evalayer.contracts.custom_metrics import process_type, read_completion, read_sample, write_sample

WORDS = "the user's own words"


def test_records_are_read_as_they_are() -> None:
    data = {"prompt": " p\n", "gold": ""}
    assert read_sample({"process_type": "preprocess", "data": data}) == Sample(" p\n", "", None)
    assert read_sample({"process_type": "preprocess", "data": {**data, "system": None}}).system is None
    assert read_sample({"process_type": "preprocess", "data": {**data, "system": ""}}).system == ""
    completion = read_completion({"process_type": "postprocess", "data": {**data, "inference_output": "{}"}})
    assert completion == Completion(" p\n", "{}", "")


def test_a_process_type_is_exact() -> None:
    assert process_type({"process_type": "preprocess"}) == "preprocess"
    assert process_type({"process_type": "postprocess"}) == "postprocess"
    for other in ("Preprocess", "preprocess ", "", None, 1, ["preprocess"], {"preprocess": 1}):
        assert process_type({"process_type": other}) is None
    assert process_type({}) is None


@given(st.sampled_from(["prompt", "inference_output", "gold", "system", "data"]), st.integers(0, 6))
def test_no_refusal_quotes_a_value_of_the_row(field: str, kind: int) -> None:
    wrong: Any = [[WORDS], {WORDS: WORDS}, {"a": WORDS}, None, 7, True, (WORDS,)][kind]
    data: Any = {"prompt": WORDS, "inference_output": WORDS, "gold": WORDS, field: wrong}
    if field == "data":
        data = wrong if kind != 1 else [wrong]
    with pytest.raises(InvalidEvent) as caught:
        read_completion({"process_type": "postprocess", "data": data})
    assert WORDS not in str(caught.value)


def test_a_long_or_strange_key_is_shown_short_and_in_ascii() -> None:
    for key in ("k" * 10_000, "\ud800\x00é", 7, ("a",)):
        with pytest.raises(InvalidEvent) as caught:
            read_sample({"process_type": "preprocess", "data": {}, key: 1})  # type: ignore[dict-item]
        text = str(caught.value)
        assert len(text) < 200
        text.encode()


any_text = st.text(st.characters(exclude_categories=()), max_size=5)  # with halves of surrogate pairs


@given(any_text, any_text, st.none() | any_text)
def test_a_response_can_be_sent_or_is_refused_by_name(prompt: str, gold: str, system: str | None) -> None:
    sample = Sample(prompt, gold, system)
    if any("\ud800" <= character <= "\udfff" for character in f"{prompt}{gold}{system}"):
        with pytest.raises(PreprocessFailed, match="holds half of a surrogate pair"):
            write_sample(sample)
        return
    sent = json.dumps(write_sample(sample), ensure_ascii=False).encode()
    assert json.loads(sent) == {"statusCode": 200, "body": {"system": system, "prompt": prompt, "gold": gold}}
