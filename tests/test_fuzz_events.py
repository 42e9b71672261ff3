"""Made-up events: every one gets a valid response or a named error, and nothing else.

The number of examples is the environment variable EVALAYER_FUZZ_EXAMPLES, 1000 by default.
"""

import json
import math
import os
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalayer import (
    Completion,
    EvalayerError,
    InvalidEvent,
    PreprocessFailed,
    Sample,
    Score,
    Task,
    Unscored,
    build_lambda_handler,
    metric,
)

Handler = Callable[[Any, Any], Any]

EXAMPLES = int(os.environ.get("EVALAYER_FUZZ_EXAMPLES", "1000"))
PROCESSORS = Path(__file__).parent.parent / "processors"
PLAIN = {"process_type": "postprocess", "data": {"prompt": "p", "inference_output": "", "gold": "g"}}
FIELDS = {"preprocess": {"prompt", "gold"}, "postprocess": {"prompt", "inference_output", "gold"}}
ANSWERS = [
    "", "null", "{}", '{"class": "network"}', '{"class": "Network", "thought": 3, "description": null}',
    '{"class": ["network"], "thought": {"a": 1}, "description": []}', '{"class": "access", "thought": "a", ',
    '<|begin_of_solution|>{"class": "network", "thought": "t", "description": "restart it"}<|end_of_solution|>',
    '```json\n{"class": "hardware", "thought": "\\ud800", "description": "x"}\n```', '{"class": 1e400}', "[" * 5000,
    '{"class":' * 5000, '{"a": "b"} {"class": "software", "thought": "…", "description": "call"}', '"\\ud83d"',
    "9" * 5000, '{"description": "' + "word " * 3000 + '"}', '{"thought": "the the", "thought": "again"}',
]  # fmt: skip

texts = st.text(st.characters(exclude_categories=()), max_size=20)  # with halves of surrogate pairs
huge = st.tuples(st.sampled_from(["a", "{", "é ", "\ud800", '"', "word "]), st.integers(0, 20_000)).map(
    lambda repeated: repeated[0] * repeated[1]
)
answers = st.one_of(texts, st.sampled_from(ANSWERS), huge)
atoms = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts, st.binary(max_size=3), st.just(10**400))
junk = st.recursive(
    atoms,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3) | st.tuples(inner),
    max_leaves=6,
)
deep = st.integers(0, 3000).map(
    lambda depth: json.loads('[{"data":' * (depth // 6) + "1" + "}]" * (depth // 6)) if depth < 2400 else [depth]
)
values = st.one_of(answers, answers, answers, junk, deep)
datas = st.one_of(
    st.fixed_dictionaries({"prompt": answers, "gold": answers}, optional={"system": st.none() | answers}),
    st.fixed_dictionaries({"prompt": answers, "inference_output": answers, "gold": answers}),
    st.fixed_dictionaries({"prompt": answers, "inference_output": answers, "gold": answers}),
    st.dictionaries(st.sampled_from(["system", "prompt", "inference_output", "gold"]) | texts, values, max_size=5),
    junk,
    deep,
)
kinds = st.sampled_from(["preprocess", "postprocess", "postprocess"])
events = st.one_of(
    st.fixed_dictionaries({"process_type": kinds, "data": datas}),
    st.fixed_dictionaries({"process_type": kinds, "data": datas}),
    st.fixed_dictionaries({"process_type": kinds}, optional={"data": datas, "metadata": values}),
    st.dictionaries(st.sampled_from(["process_type", "data"]) | atoms, values, max_size=3),
    junk,
    deep,
)
parts = st.fixed_dictionaries({"type": st.sampled_from(["text", "text", "image"]), "text": answers | junk})
contents = st.one_of(answers, st.lists(parts, max_size=3), values)
roles = st.sampled_from(["system", "user", "user", "assistant", "nova_assistant", "tool"])
messages = st.lists(st.fixed_dictionaries({"role": roles, "content": contents}) | junk, max_size=4)
turns = st.tuples(answers, answers).map(
    lambda texts: [{"role": "user", "content": texts[0]}, {"role": "nova_assistant", "content": texts[1]}]
)
ids = st.one_of(st.text(max_size=4), st.text(max_size=4), st.integers(), atoms, junk)
rows = st.one_of(
    st.fixed_dictionaries({"id": ids, "messages": turns, "reference_answer": answers | values}),
    st.fixed_dictionaries(
        {"id": ids}, optional={"messages": turns | messages | values, "reference_answer": values, "metadata": values}
    ),
    st.dictionaries(st.sampled_from(["id", "messages", "reference_answer"]) | atoms, values, max_size=3),
    junk,
)
batches = st.lists(rows, max_size=5)
reward_events = st.one_of(
    batches, batches, st.fixed_dictionaries({"body": batches | answers | values}, optional={"statusCode": values})
)


def small_handler() -> Handler:
    @metric
    def exact(completion: Completion) -> Score:
        return completion.json == completion.gold_json

    @metric(parts=["text", "wrapping"])
    def sizes(completion: Completion) -> Score:
        if not completion.text:
            return Unscored("no answer")
        return {"text": len(completion.text), "wrapping": len(completion.wrapping)}

    @metric
    def fragile(completion: Completion) -> Score:
        answer: Any = completion.json
        return len(answer["thought"]) / len(completion.gold)

    task = Task("small", metrics=[exact, sizes, fragile], reward={"exact": 0.5, "fragile": 1e-3, "sizes.unscored": -1})

    @task.preprocess
    def ask(sample: Sample) -> Sample:
        return Sample(f"{sample.prompt}\nAnswer in JSON.", sample.gold, sample.system)

    return build_lambda_handler(task, observer=lambda _: None)


@pytest.fixture(scope="module", params=["small", "support_tickets"])
def handler(request: pytest.FixtureRequest) -> Iterator[Handler]:
    if request.param == "small":
        yield small_handler()
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(PROCESSORS)
        yield build_lambda_handler(import_module("support_tickets").task, observer=lambda _: None)


def expected_kind(event: Any) -> str:
    """What the contracts say of an event, in words of their own: a process type, `reward`, `unsupported`, `invalid`."""
    if type(event) is list or (type(event) is dict and "body" in event and not {"process_type", "data"} & set(event)):
        return "reward"
    if type(event) is not dict:
        return "invalid"
    kind = event.get("process_type")
    if type(kind) is not str or kind not in FIELDS:
        return "unsupported"
    if set(event) != {"process_type", "data"} or type(event["data"]) is not dict:
        return "invalid"
    data = dict(event["data"])
    if kind == "preprocess" and type(data.pop("system", None)) not in {str, type(None)}:
        return "invalid"
    return kind if set(data) == FIELDS[kind] and all(type(text) is str for text in data.values()) else "invalid"


def check_response(response: Any, kind: str) -> None:
    """Check a response against the contract, to the letter."""
    sent = json.dumps(response, allow_nan=False, ensure_ascii=False).encode()
    assert json.loads(sent) == response
    assert set(response) == {"statusCode", "body"}
    body = response["body"]
    assert kind != "invalid"
    if kind == "unsupported":
        assert response["statusCode"] == 400
        assert list(body) == ["error"]
        assert body["error"].startswith("Unsupported process_type: ")
        assert len(body["error"]) < 500
        return
    assert response["statusCode"] == 200
    assert type(response["statusCode"]) is int
    if kind == "preprocess":
        assert set(body) == {"system", "prompt", "gold"}
        assert type(body["prompt"]) is type(body["gold"]) is str
        assert body["system"] is None or type(body["system"]) is str
        return
    for entry in body:
        assert set(entry) == {"metric", "value"}
        assert type(entry["metric"]) is str
        assert type(entry["value"]) is float
        assert math.isfinite(entry["value"])


def is_id(value: Any) -> bool:
    if type(value) is not str:
        return type(value) is int
    return value != "" and not any("\ud800" <= character <= "\udfff" for character in value)


def is_json(value: Any) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True


def check_rewards(event: Any, outcome: Any) -> None:
    """Check that every id is given back in its place, or that no row could be read at all."""
    batch = event
    if type(event) is dict:
        batch = event["body"]
        if type(batch) is str:
            try:
                batch = json.loads(batch)
            except (ValueError, RecursionError):
                batch = None
    ids = None
    if type(batch) is list:
        ids = [row["id"] if type(row) is dict and is_id(row.get("id")) else "" for row in batch]
    if isinstance(outcome, EvalayerError):
        assert isinstance(outcome, InvalidEvent)
        assert ids is None or (ids and not any(is_id(value) for value in ids)) or not is_json(event)
        return
    answers = outcome
    if type(event) is dict:
        assert (set(outcome), outcome["statusCode"]) == ({"statusCode", "body"}, 200)
        answers = json.loads(outcome["body"]) if type(event["body"]) is str else outcome["body"]
    sent = json.dumps(answers, allow_nan=False, ensure_ascii=False).encode()
    assert json.loads(sent) == answers
    assert [(type(answer["id"]), answer["id"]) for answer in answers] == [(type(value), value) for value in ids or ()]
    for answer in answers:
        assert list(answer) == ["id", "aggregate_reward_score", "metrics_list"]
        assert type(answer["aggregate_reward_score"]) is float
        assert {entry["type"] for entry in answer["metrics_list"]} == {"Metric", "Reward"}
        assert all(list(entry) == ["name", "value", "type"] for entry in answer["metrics_list"])
        numbers = {entry["name"]: entry["value"] for entry in answer["metrics_list"]}
        assert all(type(value) is float for value in numbers.values())
        assert numbers["row.failed"] in {0.0, 1.0}
        assert not numbers["row.failed"] or answer["aggregate_reward_score"] == 0.0
        assert list(numbers) == [entry["name"] for entry in answers[0]["metrics_list"]]


def answered(handler: Handler, event: Any) -> Any:
    """Return the response, or the named error; any other exception fails the test."""
    try:
        return handler(event, None)
    except EvalayerError as error:
        return error


def names_of(response: Any) -> list[str]:
    return [entry["metric"] for entry in response["body"]]


@settings(max_examples=EXAMPLES // 2, database=None)
@given(event=events)
def test_any_event_gets_a_valid_response_or_a_named_error(handler: Handler, event: Any) -> None:
    kind = expected_kind(event)
    outcome = answered(handler, event)
    if kind == "reward":
        check_rewards(event, outcome)
        return
    if not isinstance(outcome, EvalayerError):
        check_response(outcome, kind)
        if kind == "postprocess":
            assert names_of(outcome) == names_of(handler(PLAIN, None))
        return
    text = str(outcome)
    assert 0 < len(text.encode()) < 500
    if isinstance(outcome, InvalidEvent):
        assert kind == "invalid"
    else:
        assert isinstance(outcome, PreprocessFailed)
        assert kind == "preprocess"
        assert "surrogate" in text


@settings(max_examples=EXAMPLES // 2, database=None)
@given(event=reward_events)
def test_no_id_of_an_rft_event_is_lost(handler: Handler, event: Any) -> None:
    assert expected_kind(event) == "reward"
    check_rewards(event, answered(handler, event))
