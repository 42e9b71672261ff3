"""Reward functions: what is read, what is answered, and that no id is lost."""

import json
import logging
import math
import subprocess
import sys
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalayer import (
    Completion,
    InvalidEvent,
    InvalidTask,
    LambdaHandler,
    Observation,
    PayloadTooLarge,
    PostprocessFailed,
    Score,
    Task,
    Unscored,
    build_lambda_handler,
    metric,
)

WORDS = "the user's own words"
REWARD = {"exact": 0.75, "size.words": 0.5}


@metric
def exact(completion: Completion) -> Score:
    return completion.text == completion.gold


@metric(parts=["letters", "words"])
def size(completion: Completion) -> Score:
    if not completion.text:
        return Unscored("no answer")
    return {"letters": len(completion.text), "words": len(completion.text.split())}


@metric
def sees(completion: Completion) -> Score:
    """Fails unless prompt, answer and gold are `p`, `a` and `g`."""
    assert (completion.prompt, completion.inference_output, completion.gold) == ("p", "a", "g")
    return 1.0


def handler_of(*metrics: object, reward: Any = None, **options: Any) -> LambdaHandler:
    chosen = metrics or (exact, size)
    return build_lambda_handler(Task("t", metrics=chosen, reward=reward or REWARD), **options)  # type: ignore[arg-type]


def row(row_id: object = "r", answer: object = "yes", **fields: object) -> dict[str, Any]:
    messages = [{"role": "user", "content": WORDS}, {"role": "assistant", "content": answer}]
    return {"id": row_id, "messages": messages, "reference_answer": "yes", **fields}


def checked(answers: Any, ids: list[Any], rewarded: set[str]) -> list[dict[str, float]]:
    """Check a list of rewards against the contract, to the letter, and return each row's numbers by name."""
    sent = json.dumps(answers, allow_nan=False, ensure_ascii=False).encode()
    assert json.loads(sent) == answers
    assert type(answers) is list
    assert [(type(answer["id"]), answer["id"]) for answer in answers] == [(type(wanted), wanted) for wanted in ids]
    rows = []
    for answer in answers:
        assert list(answer) == ["id", "aggregate_reward_score", "metrics_list"]
        assert type(answer["aggregate_reward_score"]) is float
        assert math.isfinite(answer["aggregate_reward_score"])
        for entry in answer["metrics_list"]:
            assert list(entry) == ["name", "value", "type"]
            assert type(entry["name"]) is str
            assert type(entry["value"]) is float
            assert math.isfinite(entry["value"])
            assert entry["type"] == ("Reward" if entry["name"] in rewarded else "Metric")
        numbers = {entry["name"]: entry["value"] for entry in answer["metrics_list"]}
        assert len(numbers) == len(answer["metrics_list"])
        assert rewarded <= set(numbers)
        rows.append({**numbers, "reward": answer["aggregate_reward_score"]})
    assert len({tuple(numbers) for numbers in rows}) <= 1
    return rows


def test_the_whole_answer() -> None:
    assert handler_of()([row("r-1", "yes"), row("r-2", "")], None) == [
        {
            "id": "r-1",
            "aggregate_reward_score": 1.25,
            "metrics_list": [
                {"name": "exact", "value": 1.0, "type": "Reward"},
                {"name": "exact.unscored", "value": 0.0, "type": "Metric"},
                {"name": "size.letters", "value": 3.0, "type": "Metric"},
                {"name": "size.words", "value": 1.0, "type": "Reward"},
                {"name": "size.unscored", "value": 0.0, "type": "Metric"},
                {"name": "row.failed", "value": 0.0, "type": "Metric"},
            ],
        },
        {
            "id": "r-2",
            "aggregate_reward_score": 0.0,
            "metrics_list": [
                {"name": "exact", "value": 0.0, "type": "Reward"},
                {"name": "exact.unscored", "value": 0.0, "type": "Metric"},
                {"name": "size.letters", "value": 0.0, "type": "Metric"},
                {"name": "size.words", "value": 0.0, "type": "Reward"},
                {"name": "size.unscored", "value": 1.0, "type": "Metric"},
                {"name": "row.failed", "value": 0.0, "type": "Metric"},
            ],
        },
    ]


@pytest.mark.parametrize("role", ["assistant", "nova_assistant"])
@pytest.mark.parametrize(
    ("prompt", "answer"),
    [
        ("p", "a"),
        ([{"type": "text", "text": "p"}], [{"type": "text", "text": "a"}]),
        ([{"text": "p"}], [{"text": ""}, {"type": "text", "text": "a"}]),
    ],
)
def test_both_roles_and_both_shapes_of_content_are_read(role: str, prompt: object, answer: object) -> None:
    messages = [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "an earlier question"},
        {"role": role, "content": "an earlier answer"},
        {"role": "user", "content": prompt},
        {"role": "tool", "content": None},
        {"role": role, "content": answer},
    ]
    answers = handler_of(sees, reward={"sees": 1})([{"id": "r", "messages": messages, "reference_answer": "g"}])
    assert checked(answers, ["r"], {"sees"})[0]["reward"] == 1.0


@pytest.mark.parametrize(
    ("fields", "gold"),
    [
        ({"reference_answer": "as it is "}, "as it is "),
        ({"reference_answer": {"b": "é", "a": [1, 2.5, None, True]}}, '{"b":"é","a":[1,2.5,null,true]}'),
        ({"reference_answer": ["x"]}, '["x"]'),
        ({"reference_answer": 7}, "7"),
        ({"reference_answer": False}, "false"),
        ({"reference_answer": None}, ""),
        ({}, ""),
        ({"metadata": {"reference_answer": {"a": 1}}}, '{"a":1}'),
        ({"metadata": {"reference_answer": "old"}, "reference_answer": "new"}, "new"),
        ({"metadata": {"my_key": 1}}, ""),
        ({"metadata": "text"}, ""),
    ],
)
def test_a_reference_answer_of_any_type_is_the_gold(fields: dict[str, Any], gold: str) -> None:
    seen: list[Observation] = []
    event = {**row(), **fields}
    if "reference_answer" not in fields:
        del event["reference_answer"]
    handler_of(observer=seen.append)([event])
    assert seen[0].row == Completion(WORDS, "yes", gold)
    assert seen[0].failure is None


def test_an_envelope_is_answered_with_an_envelope() -> None:
    handler = handler_of()
    rows = [row("r-1"), row("ü", "no")]
    answers = handler(rows)
    assert handler({"body": rows}) == {"statusCode": 200, "body": answers}
    assert handler({"statusCode": 200, "body": rows, "headers": {}}) == {"statusCode": 200, "body": answers}
    response = handler({"body": json.dumps(rows)})
    assert response["statusCode"] == 200
    assert type(response["body"]) is str
    assert json.loads(response["body"]) == answers


def test_one_handler_answers_both_contracts_alike() -> None:
    handler = handler_of()
    data = {"prompt": WORDS, "inference_output": "yes", "gold": "yes"}
    body = handler({"process_type": "postprocess", "data": data})["body"]
    (numbers,) = checked(handler([row()]), ["r"], set(REWARD))
    assert {entry["metric"]: entry["value"] for entry in body} | {"reward": 1.25, "row.failed": 0.0} == numbers
    assert handler({"process_type": "train"})["statusCode"] == 400


BROKEN = [
    ({"id": "x"}, "messages is missing"),
    (row("x", messages={}), "messages is an object; it must be a list of role and content"),
    (row("x", messages=[]), "messages must end with the model's turn, of the role nova_assistant or assistant"),
    (row("x", messages=[{"role": "user", "content": WORDS}]), "messages must end with the model's turn"),
    (row("x", messages=[{"role": "assistant", "content": WORDS}]), "messages has no user message before"),
    (row("x", messages=[WORDS]), r"messages\[0\] is text, not an object of role and content"),
    (row("x", messages=[{"content": WORDS}]), r"messages\[0\]\.role is missing"),
    (row("x", messages=[{"role": None, "content": WORDS}]), r"messages\[0\]\.role is null"),
    (row("x", None), r"messages\[1\]\.content is null; it is text or a list of text parts"),
    (row("x", []), r"messages\[1\]\.content is empty"),
    (row("x", [{"type": "image", "text": WORDS}]), r"messages\[1\]\.content\[0\] is not a text part"),
    (row("x", [{"type": "text", "text": 1}]), r"messages\[1\]\.content\[0\] is not a text part"),
    (row("x", [WORDS]), r"messages\[1\]\.content\[0\] is not a text part"),
]


@pytest.mark.parametrize(("broken", "reason"), BROKEN)
def test_a_row_that_breaks_the_contract_gets_its_id_back_and_spoils_no_other(
    broken: dict[str, Any], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    answers = handler_of()([row("first"), broken, row("last")], None)
    first, failed, last = checked(answers, ["first", "x", "last"], set(REWARD))
    assert first == last
    assert (first["reward"], first["row.failed"]) == (1.25, 0.0)
    expected = {**dict.fromkeys(first, 0.0), "exact.unscored": 1.0, "size.unscored": 1.0, "row.failed": 1.0}
    assert failed == expected
    (record,) = caplog.records
    assert record.getMessage().startswith("a row of t failed\nInvalidEvent: [1].")
    seen: list[Observation] = []
    handler_of(observer=seen.append)([broken])
    with pytest.raises(InvalidEvent, match=rf"^\[0\]\.{reason}"):
        raise seen[0].failure or AssertionError
    assert WORDS not in str(seen[0].failure)
    assert (seen[0].row, seen[0].unscored) == (
        Completion("", "", ""), {"exact": "the row failed", "size": "the row failed"},
    )  # fmt: skip


@pytest.mark.parametrize(
    "broken",
    ["text", None, {}, row(None), row(""), row(1.5), row(True), row(["r"]), row("\ud800")],
)
def test_a_row_whose_id_cannot_be_repeated_keeps_its_place(broken: object) -> None:
    answers = handler_of()([row("first"), broken, row("last")], None)
    assert [numbers["row.failed"] for numbers in checked(answers, ["first", "", "last"], set(REWARD))] == [
        0.0,
        1.0,
        0.0,
    ]


def test_ids_that_are_numbers_and_ids_that_repeat_are_given_back() -> None:
    ids = ["b", 7, "a", "b", 0, "7", -3]
    checked(handler_of()([row(value) for value in ids], None), ids, set(REWARD))
    assert handler_of()([], None) == []


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ([{"messages": []}, WORDS], r"^\[0\]\.id is missing; an rft event is a list of objects of id"),
        ([[WORDS]], r"^\[0\] is a list, not an object; an rft event is a list"),
        ([{"id": ""}], r"^\[0\]\.id is empty; it must be text"),
        ({"body": {"id": WORDS}}, "^body is an object; an rft event is a list"),
        ({"body": None}, "^body is null; an rft event is a list"),
        ({"body": WORDS}, "^body is text that is not JSON; an rft event"),
        ({"body": "[" * 100_000}, "^body is text that is not JSON; an rft event"),
        ({"body": '"x"'}, "^body is text; an rft event"),
        ([row(), {"id": "x", "extra": {WORDS}}], "^the event holds what JSON cannot"),
    ],
)
def test_an_event_without_rows_is_refused(event: Any, message: str) -> None:
    with pytest.raises(InvalidEvent, match=message) as caught:
        handler_of()(event)
    assert WORDS not in str(caught.value)


def test_a_task_without_a_reward_says_to_declare_one() -> None:
    handler = build_lambda_handler(Task("plain", metrics=[exact]))
    for event in ([row()], [], {"body": [row()]}):
        with pytest.raises(
            InvalidEvent, match=r"^this is an rft event, and plain declares no reward; give Task\(…, rew"
        ):
            handler(event)


def test_a_postprocess_that_fails_fails_its_row_only(caplog: pytest.LogCaptureFixture) -> None:
    task = Task("t", metrics=[exact, size], reward=REWARD)

    @task.postprocess
    def strict(completion: Completion) -> Completion:
        if completion.inference_output == "no":
            raise ValueError(completion.prompt)
        return completion

    seen: list[Observation] = []
    handler = build_lambda_handler(task)
    numbers = checked(handler([row("a"), row("b", "no"), row("c")]), ["a", "b", "c"], set(REWARD))
    assert [row["row.failed"] for row in numbers] == [0.0, 1.0, 0.0]
    assert [row["reward"] for row in numbers] == [1.25, 0.0, 1.25]
    assert "in strict\n" in caplog.text
    assert "ValueError: (message withheld" in caplog.text
    assert WORDS not in caplog.text
    handler.observer = seen.append
    handler([row("b", "no")])
    assert isinstance(seen[0].failure, PostprocessFailed)
    assert seen[0].row == Completion(WORDS, "no", "yes")


def test_a_metric_that_fails_adds_nothing_and_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    @metric
    def fails(completion: Completion) -> Score:
        raise ValueError(completion.prompt)

    handler = handler_of(exact, fails, reward={"exact": 0.5, "fails": 0.5})
    (numbers,) = checked(handler([row()]), ["r"], {"exact", "fails"})
    assert (numbers["reward"], numbers["fails.unscored"], numbers["row.failed"]) == (0.5, 1.0, 0.0)
    assert "metric fails of t failed on row" in caplog.text
    assert WORDS not in caplog.text


def test_a_reward_that_is_no_number_fails_its_row() -> None:
    @metric
    def large(completion: Completion) -> Score:
        return 1e308 if completion.text == "yes" else 1.0

    seen: list[Observation] = []
    for reward in ({"large": 10.0}, {"large": 1.0, "large.unscored": 0.0, "exact": 1.7e308}):
        handler = handler_of(exact, large, reward=reward, observer=seen.append)
        over, fine = checked(handler([row("a"), row("b", "no")]), ["a", "b"], set(reward))
        assert (over["reward"], over["row.failed"], fine["row.failed"]) == (0.0, 1.0, 0.0)
        assert "too large" in str(seen[-2].failure)


def test_an_observer_sees_every_row() -> None:
    seen: list[Observation] = []
    started = perf_counter()
    handler_of(observer=seen.append)([row("a"), row("b", ""), {"id": "c"}])
    elapsed = perf_counter() - started
    assert [observation.process_type for observation in seen] == ["reward"] * 3
    assert [len(observation.unscored) for observation in seen] == [0, 1, 2]
    assert [observation.failure is None for observation in seen] == [True, True, False]
    assert 0.0 < sum(observation.seconds for observation in seen) < elapsed


def test_nothing_is_logged_when_nothing_fails(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        handler_of()([row(), row("b", "")])
    assert not caplog.records


def test_under_min_and_max_an_unscored_row_leaves_its_names_out() -> None:
    answers = handler_of(aggregation="min")([row("a"), row("b", "")])
    names = [{entry["name"] for entry in answer["metrics_list"]} for answer in answers]
    assert names[0] - names[1] == {"size.letters", "size.words"}
    assert answers[1]["aggregate_reward_score"] == 0.0


@pytest.mark.parametrize(
    ("reward", "message"),
    [
        ({}, "^t: the reward is empty"),
        (
            {"exat": 1.0},
            r"^t: the reward weighs 'exat', which no metric reports; did you mean exact\? available: exact,",
        ),
        (
            {"size": 1.0},
            "^t: the reward weighs size, which is a metric of several numbers; .* size.letters, size.words",
        ),
        ({7: 1.0}, "^t: the reward weighs 7, which no metric reports"),
        ({"exact": float("nan")}, "^t: the reward's weight of exact must be a finite number, not nan"),
        ({"exact": float("inf")}, "must be a finite number, not inf"),
        ({"exact": 10**400}, "must be a finite number"),
        ({"exact": "1"}, "must be a finite number, not '1'"),
        ({"exact": None}, "must be a finite number, not None"),
    ],
)
def test_a_reward_that_cannot_be_computed_is_refused_when_the_handler_is_built(reward: Any, message: str) -> None:
    task = Task("t", metrics=[exact, size], reward=reward)
    with pytest.raises(InvalidTask, match=message):
        build_lambda_handler(task)


def test_a_reward_is_a_mapping_and_is_copied() -> None:
    with pytest.raises(InvalidTask, match=r"^t: reward is a list; write reward=\{reported name: weight\}"):
        Task("t", metrics=[exact], reward=["exact"])  # type: ignore[arg-type]
    weights = {"exact": 1.0}
    task = Task("t", metrics=[exact], reward=weights)
    weights["exact"] = 0.0
    assert build_lambda_handler(task)([row()])[0]["aggregate_reward_score"] == 1.0


def test_a_reward_may_weigh_a_metric_of_the_task_and_a_metric_that_was_unscored() -> None:
    task = Task("t", metrics=[size], reward={"polite": 1.0, "size.unscored": -0.5})

    @task.metric
    def polite(completion: Completion) -> Score:
        return "please" in completion.text

    rows = checked(build_lambda_handler(task)([row("a", "please"), row("b", "")]), ["a", "b"], set(task.reward or ()))
    assert [numbers["reward"] for numbers in rows] == [1.0, -0.5]


def test_the_name_that_says_which_rows_failed_is_taken() -> None:
    @metric(name="row", parts=["failed"])
    def taken(completion: Completion) -> Score:
        return {"failed": 0.0}

    build_lambda_handler(Task("t", metrics=[taken]))
    with pytest.raises(InvalidTask, match=r"^t: row\.failed says in a reward which rows failed; rename the metric row"):
        handler_of(taken, reward={"row.failed": 1.0})


def test_what_lambda_cannot_carry_is_refused_by_name() -> None:
    limit = 6 * 1024 * 1024
    empty = len(json.dumps([row(answer="")], separators=(",", ":")).encode())
    assert len(handler_of()([row(answer="x" * (limit - empty))])) == 1
    with pytest.raises(
        PayloadTooLarge, match=r"^the event has 6,291,457 bytes of JSON; .*: send fewer rows in one event"
    ):
        handler_of()([row(answer="x" * (limit - empty + 1))])
    with pytest.raises(PayloadTooLarge, match=r"^the response has .*: send fewer rows in one event"):
        handler_of()([row(str(number)) for number in range(20_000)])


contents = st.one_of(
    st.text(max_size=3),
    st.none(),
    st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": st.text(max_size=3)})),
)
messages = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["system", "user", "assistant", "nova_assistant"]), "content": contents}
    ),
    max_size=4,
)
rows = st.fixed_dictionaries(
    {"id": st.text(min_size=1, max_size=3) | st.integers()},
    optional={
        "messages": messages,
        "reference_answer": st.none() | st.text(max_size=3) | st.integers(),
        "extra": contents,
    },
)


@given(
    st.lists(rows, max_size=6), st.dictionaries(st.sampled_from(["exact", "size.words"]), st.floats(-9, 9), min_size=1)
)
def test_every_row_is_answered_in_its_place_as_if_it_were_alone(batch: Any, reward: dict[str, float]) -> None:
    handler = handler_of(reward=reward, observer=lambda _: None)
    answers = handler(batch, None)
    for numbers in checked(answers, [wanted["id"] for wanted in batch], set(reward)):
        expected = math.fsum(weight * numbers[name] for name, weight in reward.items())
        assert numbers["reward"] == expected
    assert answers == [handler([alone], None)[0] for alone in batch]


def test_the_contract_is_imported_by_the_first_event_that_needs_it() -> None:
    code = """
import sys
from evalayer import Task, build_lambda_handler
handler = build_lambda_handler(Task("t", metrics=["exact_match"], reward={"exact_match": 1.0}))
before = "evalayer.contracts.rft" in sys.modules
handler([])
print(before, "evalayer.contracts.rft" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
