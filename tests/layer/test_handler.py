"""The handler: both process types, aggregation, the environment, observers and what is logged."""

import logging
from collections.abc import Mapping
from time import perf_counter

import pytest

from evalayer import (
    Completion,
    CorpusMetric,
    IllegalAggregation,
    InvalidTask,
    Observation,
    PreprocessFailed,
    Sample,
    Score,
    Task,
    Unscored,
    build_lambda_handler,
    metric,
)

WORDS = "the user's own words"
POSTPROCESS = {"process_type": "postprocess", "data": {"prompt": WORDS, "inference_output": "yes", "gold": "yes"}}
EMPTY = {"process_type": "postprocess", "data": {"prompt": WORDS, "inference_output": "", "gold": "yes"}}


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EVALAYER_TASK", "EVALAYER_AGGREGATION", "EVALAYER_LOG_TEXT"):
        monkeypatch.delenv(name, raising=False)


@metric
def exact(completion: Completion) -> Score:
    return completion.text == completion.gold


@metric(parts=["letters", "words"])
def size(completion: Completion) -> Score:
    if not completion.text:
        return Unscored("no answer")
    return {"letters": len(completion.text), "words": len(completion.text.split())}


@metric
def fails(completion: Completion) -> Score:
    raise ValueError(f"cannot read {completion.prompt}")


class Counters(CorpusMetric):
    def score(self, completion: Completion) -> Score:
        return {"hits": 1.0}

    def decode(self, totals: Mapping[str, float], rows: int) -> Mapping[str, float]:
        return {"rate": totals["hits"]}


def body_of(*metrics: object, aggregation: str = "average", event: object = POSTPROCESS) -> dict[str, float]:
    handler = build_lambda_handler(Task("t", metrics=metrics), aggregation=aggregation)  # type: ignore[arg-type]
    response = handler(event, None)
    assert response["statusCode"] == 200
    return {entry["metric"]: entry["value"] for entry in response["body"]}


def test_postprocess_reports_every_name_in_order() -> None:
    response = build_lambda_handler(Task("t", metrics=[exact, size]))(POSTPROCESS, None)
    assert response == {
        "statusCode": 200,
        "body": [
            {"metric": "exact", "value": 1.0},
            {"metric": "exact.unscored", "value": 0.0},
            {"metric": "size.letters", "value": 3.0},
            {"metric": "size.words", "value": 1.0},
            {"metric": "size.unscored", "value": 0.0},
        ],
    }


def test_preprocess_answers_with_the_prepared_sample() -> None:
    task = Task("t")

    @task.preprocess
    def shout(sample: Sample) -> Sample:
        return Sample(sample.prompt.upper(), sample.gold)

    event = {"process_type": "preprocess", "data": {"system": "s", "prompt": "p", "gold": "g"}}
    assert build_lambda_handler(task)(event, None) == {
        "statusCode": 200,
        "body": {"system": None, "prompt": "P", "gold": "g"},
    }


def test_an_unscored_row_keeps_its_names_under_average_and_sum() -> None:
    for aggregation in ("average", "sum"):
        assert body_of(exact, size, aggregation=aggregation, event=EMPTY) == {
            "exact": 0.0, "exact.unscored": 0.0, "size.letters": 0.0, "size.words": 0.0, "size.unscored": 1.0,
        }  # fmt: skip


def test_an_unscored_row_leaves_its_names_out_under_min_and_max() -> None:
    for aggregation in ("min", "max"):
        assert body_of(exact, size, aggregation=aggregation, event=EMPTY) == {
            "exact": 0.0, "exact.unscored": 0.0, "size.unscored": 1.0,
        }  # fmt: skip
        assert len(body_of(exact, size, aggregation=aggregation)) == 5


@pytest.mark.parametrize("aggregation", ["min", "max"])
def test_corpus_metrics_are_refused_under_min_and_max(aggregation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    task = Task("t", metrics=[exact, Counters("f", parts=["hits"])])
    with pytest.raises(IllegalAggregation, match=f"^f cannot be aggregated with {aggregation}: a corpus metric"):
        build_lambda_handler(task, aggregation=aggregation)  # type: ignore[arg-type]
    monkeypatch.setenv("EVALAYER_AGGREGATION", aggregation)
    with pytest.raises(IllegalAggregation, match=f"EVALAYER_AGGREGATION is set to {aggregation}"):
        build_lambda_handler(task)
    monkeypatch.setenv("EVALAYER_AGGREGATION", "sum")
    assert build_lambda_handler(task, aggregation=aggregation).aggregation == "sum"  # type: ignore[arg-type]


def test_the_environment_overrides_the_aggregation(monkeypatch: pytest.MonkeyPatch) -> None:
    task = Task("t", metrics=[exact])
    assert build_lambda_handler(task).aggregation == "average"
    monkeypatch.setenv("EVALAYER_AGGREGATION", "max")
    assert build_lambda_handler(task, aggregation="sum").aggregation == "max"
    monkeypatch.setenv("EVALAYER_AGGREGATION", "maxx")
    with pytest.raises(IllegalAggregation, match=r"unknown aggregation 'maxx'; did you mean max\?"):
        build_lambda_handler(task)


def test_the_environment_picks_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    tickets, mails = Task("tickets", metrics=[exact]), Task("mails", metrics=[size])
    with pytest.raises(InvalidTask, match="set EVALAYER_TASK to pick one of the tasks tickets, mails"):
        build_lambda_handler(tickets, mails)
    monkeypatch.setenv("EVALAYER_TASK", "mails")
    assert build_lambda_handler(tickets, mails).task is mails
    monkeypatch.setenv("EVALAYER_TASK", "ticket")
    for tasks in ((tickets, mails), (tickets,)):
        with pytest.raises(InvalidTask, match=r"unknown task 'ticket'; did you mean tickets\?"):
            build_lambda_handler(*tasks)


def test_what_cannot_be_a_handler_is_refused() -> None:
    with pytest.raises(InvalidTask, match="needs a task"):
        build_lambda_handler()
    with pytest.raises(InvalidTask, match="has no metric and no preprocess"):
        build_lambda_handler(Task("t"))
    with pytest.raises(InvalidTask, match="two tasks have one name: t, t"):
        build_lambda_handler(Task("t", metrics=[exact]), Task("t", metrics=[size]))
    with pytest.raises(InvalidTask, match="takes tasks, not a str"):
        build_lambda_handler("tickets")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "shown"), [("train", "train"), (None, "null"), (3, "a number"), (["preprocess"], "a list")]
)
def test_an_unknown_process_type_is_answered_with_400(kind: object, shown: str) -> None:
    handler = build_lambda_handler(Task("t", metrics=[exact]))
    expected = {"statusCode": 400, "body": {"error": f"Unsupported process_type: {shown}"}}
    assert handler({"process_type": kind, "data": {}}, None) == expected


def test_half_a_surrogate_pair_is_refused_by_name() -> None:
    task = Task("t", metrics=[exact])
    event = {"process_type": "preprocess", "data": {"prompt": "\ud800", "gold": "g"}}
    with pytest.raises(PreprocessFailed, match=r"^prompt holds half of a surrogate pair"):
        build_lambda_handler(task)(event, None)


def test_an_observer_sees_every_answered_event() -> None:
    seen: list[Observation] = []
    handler = build_lambda_handler(Task("t", metrics=[exact, size, fails]), observer=seen.append)
    started = perf_counter()
    handler({"process_type": "preprocess", "data": {"prompt": WORDS, "gold": "yes"}}, None)
    handler(EMPTY, None)
    handler({"process_type": "train"}, None)
    elapsed = perf_counter() - started
    before, after = seen
    assert (before.task, before.process_type, before.row) == ("t", "preprocess", Sample(WORDS, "yes"))
    assert (before.unscored, before.errors) == ({}, {})
    assert (after.process_type, after.row) == ("postprocess", Completion(WORDS, "", "yes"))
    assert after.unscored == {"size": "no answer", "fails": "raised ValueError"}
    assert list(after.errors) == ["fails"]
    assert 0.0 < before.seconds + after.seconds < elapsed
    assert before.row_hash == after.row_hash
    assert len(before.row_hash) == 16
    assert int(before.row_hash, 16) >= 0
    assert WORDS not in repr(before) + repr(after)


class Wanting:
    """A context that asks what is observed."""

    def __init__(self) -> None:
        self.evalayer_observations: list[Observation] = []


def test_answer_gives_what_is_observed_beside_the_response_and_shows_nobody() -> None:
    seen: list[Observation] = []
    handler = build_lambda_handler(Task("t", metrics=[exact, size, fails]), observer=seen.append)
    response, (observation,) = handler.answer(EMPTY)
    assert seen == []
    assert observation.unscored == {"size": "no answer", "fails": "raised ValueError"}
    assert response == handler(EMPTY, None)
    assert [again.unscored for again in seen] == [observation.unscored]
    assert handler.answer({"process_type": "train"}) == (handler({"process_type": "train"}), ())


def test_a_context_can_ask_what_is_observed_in_place_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    context = Wanting()
    response = build_lambda_handler(Task("t", metrics=[exact, fails]))(POSTPROCESS, context)
    assert response["statusCode"] == 200
    assert [list(observation.errors) for observation in context.evalayer_observations] == [["fails"]]
    assert not caplog.records


def test_an_observer_of_the_users_sees_what_a_context_asks_for_too() -> None:
    seen: list[Observation] = []
    context = Wanting()
    build_lambda_handler(Task("t", metrics=[exact]), observer=seen.append)(POSTPROCESS, context)
    assert seen == context.evalayer_observations
    assert len(seen) == 1


def test_rows_that_differ_have_different_hashes() -> None:
    def row_hash(prompt: str, gold: str) -> str:
        return Observation("t", "preprocess", Sample(prompt, gold), {}, {}, 0.0).row_hash

    hashes = [row_hash("a", "b"), row_hash("ab", ""), row_hash("", "ab"), row_hash("\ud800", "b")]
    assert len(set(hashes)) == len(hashes)


def test_a_failed_metric_is_logged_with_its_traceback_and_without_the_row(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        body_of(exact, fails, size)
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("evalayer", "ERROR")
    text = record.getMessage()
    assert text.startswith("metric fails of t failed on row ")
    assert "in fails\n" in text
    assert "ValueError: (message withheld" in text
    assert WORDS not in text


def test_the_message_is_logged_where_it_is_asked_for(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVALAYER_LOG_TEXT", "1")
    body_of(fails)
    assert f"ValueError: cannot read {WORDS}" in caplog.text


def test_a_score_that_is_none_is_explained_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    @metric
    def forgot_to_return(completion: Completion) -> Score:
        return None  # type: ignore[return-value]

    assert body_of(forgot_to_return) == {"forgot_to_return": 0.0, "forgot_to_return.unscored": 1.0}
    assert "InvalidMetric: returned None; return a number" in caplog.text


def test_nothing_is_logged_when_nothing_fails(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        body_of(exact, size, event=EMPTY)
    assert not caplog.records


def test_a_handler_says_what_it_is() -> None:
    handler = build_lambda_handler(Task("t", metrics=[exact]), aggregation="sum")
    assert repr(handler) == "<LambdaHandler <Task t: exact> aggregation=sum>"


def test_an_observer_that_fails_loses_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    def broken(observation: Observation) -> None:
        raise KeyError(WORDS)

    handler = build_lambda_handler(Task("t", metrics=[exact]), observer=broken)
    assert handler(POSTPROCESS, None)["statusCode"] == 200
    assert "the observer failed" in caplog.text
    assert WORDS not in caplog.text
