"""What Lambda cannot carry is refused by name, not truncated."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalayer import PayloadTooLarge, Sample, Task, build_lambda_handler

LIMIT = 6 * 1024 * 1024


def _handler(growth: int = 1) -> Any:
    task = Task("sizes", metrics=["exact_match"])

    @task.preprocess
    def grow(sample: Sample) -> Sample:
        return Sample(sample.prompt * growth, sample.gold)

    return build_lambda_handler(task)


def _event(kind: str, **data: str) -> dict[str, Any]:
    texts = {"prompt": "p", "gold": "g"} | ({"inference_output": "a"} if kind == "postprocess" else {})
    return {"process_type": kind, "data": {**texts, **data}}


def _padded(kind: str, field: str, size: int, character: str) -> dict[str, Any]:
    empty = len(json.dumps(_event(kind, **{field: ""}), ensure_ascii=False, separators=(",", ":")).encode())
    width = len(json.dumps(character, ensure_ascii=False, separators=(",", ":")).encode()) - 2
    return _event(kind, **{field: character * ((size - empty) // width) + "x" * ((size - empty) % width)})


@pytest.mark.parametrize("character", ["x", "é", "語", '"', "\n", "\x1f", "😀"])
@pytest.mark.parametrize(
    ("kind", "field"), [("preprocess", "prompt"), ("postprocess", "inference_output"), ("postprocess", "gold")]
)
def test_the_limit_is_exact(kind: str, field: str, character: str) -> None:
    handler = _handler()
    # A response repeats the texts of a preprocess event in a frame of almost the same length.
    slack = 60 if kind == "preprocess" else 0
    assert handler(_padded(kind, field, LIMIT - slack, character), None)["statusCode"] == 200
    with pytest.raises(PayloadTooLarge, match="has 6,291,457 bytes of JSON; Lambda accepts at most 6,291,456"):
        handler(_padded(kind, field, LIMIT + 1, character), None)


def test_a_response_that_grew_too_large_is_refused() -> None:
    event = _event("preprocess", prompt="x" * 1_000_000)
    assert len(_handler(6)(event, None)["body"]["prompt"]) == 6_000_000
    with pytest.raises(PayloadTooLarge, match="the response has 7,0"):
        _handler(7)(event, None)


@given(st.text(st.characters(), max_size=50))
def test_no_character_takes_more_room_than_assumed(text: str) -> None:
    assert len(
        json.dumps(text, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    ) - 2 <= 6 * len(text)


def test_a_response_is_measured_as_the_runtime_writes_it() -> None:
    response = {"statusCode": 200, "body": {"system": None, "prompt": "", "gold": "g"}}
    room = LIMIT - len(json.dumps(response))
    handler = _handler()
    assert handler(_event("preprocess", prompt="x" * room), None)["statusCode"] == 200
    with pytest.raises(PayloadTooLarge, match="the response has 6,291,457 bytes"):
        handler(_event("preprocess", prompt="x" * (room + 1)), None)
