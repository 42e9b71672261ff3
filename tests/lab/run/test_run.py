"""The local twin, from a recipe and rows to the output tree."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from evalayer import (
    Aggregation,
    Completion,
    LambdaHandler,
    Observation,
    Sample,
    Score,
    Task,
    Unscored,
    build_lambda_handler,
)
from evalayer_lab.backends import Generation, Request
from evalayer_lab.function import Handler, LoadedHandler, LocalContext, postprocess
from evalayer_lab.inputs import InputError
from evalayer_lab.recipe import read_recipe
from evalayer_lab.run import RunOutcome, RunPlan, run
from evalayer_metrics import classification

_RECIPE = """
run: {{name: {name}, model_type: "amazon.nova-lite-v1:0:300k", model_name_or_path: nova-lite/prod, data_s3_path: ""}}
evaluation: {{task: gen_qa, strategy: gen_qa, metric: all}}
inference: {{max_new_tokens: 10, temperature: 0, top_logprobs: 2}}
processor:
  lambda_arn: ""
  lambda_type: custom_metrics
  preprocessing: {{enabled: {preprocessing}}}
  postprocessing: {{enabled: {postprocessing}}}
  aggregation: {aggregation}
"""
ROWS = [
    {"query": "a", "response": "yes", "metadata": '{"difficulty": "easy"}'},
    {"query": "b", "response": "no", "system": "own system"},
    {"query": "c", "response": "no"},
    {"query": "d", "response": "yes"},
]
ANSWERS = {"a": "yes", "b": "yes", "c": "no", "d": "it's \"nothing\" {'x'}\n"}


class Scripted:
    """A model that answers from a table, with log probabilities."""

    name = "scripted"
    batch_size = 3
    needs_occurrence = False
    warnings = ()
    settings: dict[str, object] = {}  # noqa: RUF012

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def generate(self, requests: Sequence[Request]) -> Sequence[Generation]:
        self.asked.extend(requests)
        return [
            Generation(ANSWERS[request.query], [{ANSWERS[request.query]: -0.25, "▁other}": -1.5}])
            if request.query in ANSWERS
            else Generation("", error="no answer")
            for request in requests
        ]


def _task() -> Task:
    task = Task("answers", metrics=[classification(labels=["yes", "no"], name="answer")])

    @task.preprocess
    def ask(sample: Sample) -> Sample:
        return Sample(f"Q: {sample.prompt}", sample.gold, sample.system or "be brief")

    @task.metric
    def length(completion: Completion) -> Score:
        return Unscored("long") if len(completion.text) > 5 else len(completion.text)

    return task


def _loaded(handler: Handler, built: LambdaHandler | None = None) -> LoadedHandler:
    return LoadedHandler(handler, "test.py:handler", "0" * 64, built)


Runner = Callable[..., RunOutcome]


@pytest.fixture
def rehearse(tmp_path: Path) -> Runner:
    def rehearse(
        rows: Sequence[object] = ROWS,
        *,
        handler: LoadedHandler | None = None,
        backend: Scripted | None = None,
        aggregation: Aggregation = "average",
        preprocessing: str = "true",
        postprocessing: str = "true",
        **options: Any,
    ) -> RunOutcome:
        recipe = tmp_path / "recipe.yaml"
        recipe.write_text(
            _RECIPE.format(
                name="answers", preprocessing=preprocessing, postprocessing=postprocessing, aggregation=aggregation
            )
        )
        data = tmp_path / "gen_qa.jsonl"
        data.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
        if handler is None:
            built = build_lambda_handler(_task(), aggregation=aggregation)
            handler = _loaded(built, built)
        return run(
            RunPlan(
                read_recipe(recipe)[0], recipe, data, handler, backend or Scripted(), tmp_path / "output", **options
            )
        )

    return rehearse


def _parquet(outcome: RunOutcome) -> list[dict[str, str]]:
    (path,) = (outcome.folder / "eval_results" / "details").rglob("*.parquet")
    rows: list[dict[str, str]] = pq.read_table(path).to_pylist()
    return rows


def _record(outcome: RunOutcome) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((outcome.folder / "run.json").read_text())
    return record


def test_the_tree_is_the_containers(rehearse: Runner) -> None:
    outcome = rehearse()
    timestamp = _record(outcome)["started"].replace(":", "-")
    files = {str(path.relative_to(outcome.folder)) for path in outcome.folder.rglob("*") if path.is_file()}
    tensorboard = {name for name in files if name.startswith("tensorboard_results/eval/events.out.tfevents.")}
    assert len(tensorboard) == 1
    assert files - tensorboard == {
        "run.json",
        f"eval_results/results_{timestamp}.json",
        "eval_results/inference_output.jsonl",
        f"eval_results/details/scripted/{timestamp}/details_custom|gen_qa_gen_qa|0_{timestamp}.parquet",
    }


def test_rows_reach_the_model_prepared_and_the_files_as_literals(rehearse: Runner) -> None:
    backend = Scripted()
    outcome = rehearse(backend=backend)
    assert [(request.system, request.prompt) for request in backend.asked] == [
        ("be brief", "Q: a"), ("own system", "Q: b"), ("be brief", "Q: c"), ("be brief", "Q: d"),
    ]  # fmt: skip
    last = json.loads((outcome.folder / "eval_results" / "inference_output.jsonl").read_text().splitlines()[3])
    assert ast.literal_eval(last["prompt"]) == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "Q: d"},
    ]
    assert ast.literal_eval(last["inference"]) == [ANSWERS["d"]]
    assert (last["gold"], "metadata" in last) == ("yes", False)

    first, *_, fourth = _parquet(outcome)
    assert ast.literal_eval(first["specifics"]) == {"metadata": '{"difficulty": "easy"}'}
    assert (first["example"], first["gold"], ast.literal_eval(fourth["specifics"])) == ("Q: a", "yes", {})
    assert ast.literal_eval(fourth["predictions"]) == [ANSWERS["d"]]
    assert ast.literal_eval(fourth["pred_logprobs"]) == [[{ANSWERS["d"]: -0.25, "▁other}": -1.5}]]
    assert ast.literal_eval(fourth["metrics"])["lambda_length.unscored"] == 1.0


def test_metrics_are_folded_and_counters_decoded(rehearse: Runner) -> None:
    outcome = rehearse()
    record = _record(outcome)
    assert record["aggregates"]["answer.correct"] == 0.5
    assert record["aggregates"]["length"] == (3 + 3 + 2) / 4
    assert record["aggregates"]["length.unscored"] == 0.25
    assert record["decoded"]["answer.accuracy"] == 0.5
    (results,) = (outcome.folder / "eval_results").glob("results_*.json")
    reported = json.loads(results.read_text())["results"]
    assert reported["all"] == reported["custom|gen_qa_gen_qa|0"]
    assert reported["all"] == {f"lambda_{name}": value for name, value in record["aggregates"].items()}

    events = EventAccumulator(str(outcome.folder / "tensorboard_results" / "eval")).Reload()
    (scalar,) = events.Scalars("gen_qa/lambda_answer.correct")
    assert scalar.value == 0.5


def test_counters_decode_alike_from_sums(rehearse: Runner) -> None:
    averaged = _record(rehearse())["decoded"]
    summed = _record(rehearse(aggregation="sum", overwrite=True))
    assert summed["aggregates"]["answer.correct"] == 2.0
    assert summed["decoded"] == pytest.approx(averaged, abs=1e-12)


def test_switched_off_stages_send_no_events(rehearse: Runner) -> None:
    def refuse(event: object, context: object) -> object:
        raise AssertionError("called")

    backend = Scripted()
    outcome = rehearse(handler=_loaded(refuse), backend=backend, preprocessing="false", postprocessing="false")
    assert [request.prompt for request in backend.asked] == ["a", "b", "c", "d"]
    assert (outcome.failures, _record(outcome)["aggregates"]) == ({}, {})


def test_a_row_that_fails_is_counted_by_stage_and_leaves_the_others(rehearse: Runner) -> None:
    handler = build_lambda_handler(_task())

    def fragile(event: dict[str, Any], context: object) -> object:
        if event["process_type"] == "preprocess" and event["data"]["prompt"] == "a":
            raise KeyError("preprocess")
        if event["process_type"] == "postprocess" and event["data"]["prompt"] == "Q: b":
            return {"statusCode": 200, "body": [{"metric": "m", "value": float("nan")}]}
        return handler(event, context)

    outcome = rehearse([*ROWS, {"query": "unknown", "response": "yes"}], handler=_loaded(fragile, handler))
    assert outcome.failures == {
        "preprocess: KeyError": 1,
        "postprocess: InvalidResponse: the metric m is nan, which would make its average meaningless": 1,
        "infer: no answer": 1,
    }
    assert set(outcome.first_failures) == {kind for kind in outcome.failures if not kind.startswith("infer")}
    assert (outcome.processed, outcome.scored) == (5, 2)
    record = _record(outcome)
    assert record["rows"] == {"read": 5, "bad": 0, "failed": 3, "scored": 2}
    assert len(_parquet(outcome)) == 2
    listed = [json.loads(line) for line in (outcome.folder / "failures.jsonl").read_text().splitlines()]
    assert [failure["line"] for failure in listed] == [1, 2, 5]


@pytest.mark.parametrize(
    "response",
    [
        None,
        {"statusCode": 200},
        {"statusCode": 400, "body": {"error": "Unsupported process_type: postprocess"}},
        {"statusCode": 200, "body": {"metric": "m", "value": 1}},
        {"statusCode": 200, "body": [{"metric": "m"}]},
        {"statusCode": 200, "body": [{"metric": "m", "value": "1"}]},
        {"statusCode": 200, "body": [{"metric": "m", "value": 1, "extra": 1}]},
        {"statusCode": 200, "body": [{"metric": "m", "value": 1}, {"metric": "m", "value": 2}]},
        {"statusCode": 200, "body": [{"metric": "m", "value": float("inf")}]},
        {"statusCode": 200, "body": [5]},
    ],
)
def test_a_response_the_container_would_refuse_fails_the_row(rehearse: Runner, response: object) -> None:
    outcome = rehearse(handler=_loaded(lambda event, context: response), preprocessing="false")
    ((kind, count),) = outcome.failures.items()
    assert kind.startswith("postprocess: InvalidResponse: ")
    assert count == 4


def test_broken_rows_are_left_out_and_reported(rehearse: Runner) -> None:
    outcome = rehearse([ROWS[0], "{broken", {"query": "x"}, ROWS[1]])
    assert outcome.processed == 2
    assert [problem.place.line for problem in outcome.findings if problem.severity == "error"] == [2, 3]
    assert _record(outcome)["rows"]["bad"] == 2


def test_strict_stops_at_the_first_broken_row(rehearse: Runner) -> None:
    with pytest.raises(InputError) as caught:
        rehearse([ROWS[0], "{broken"], strict=True)
    assert caught.value.line == 2


def test_limit_takes_the_first_rows(rehearse: Runner) -> None:
    assert rehearse(limit=3).processed == 3


def test_a_finished_run_is_not_written_over_unless_asked(rehearse: Runner) -> None:
    outcome = rehearse()
    (outcome.folder / "mine.txt").write_text("keep me")
    with pytest.raises(InputError, match="use --overwrite"):
        rehearse()
    rehearse(overwrite=True, limit=1)
    assert _record(outcome)["rows"]["read"] == 1
    assert (outcome.folder / "mine.txt").exists()


def test_half_surrogate_pairs_in_an_answer_reach_the_files(rehearse: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ANSWERS, "a", "\ud800 yes")
    outcome = rehearse()
    assert outcome.failures == {}
    assert ast.literal_eval(_parquet(outcome)[0]["predictions"]) == ["\ud800 yes"]


def test_metrics_that_some_rows_leave_out_are_named(rehearse: Runner) -> None:
    def uneven(event: dict[str, Any], context: object) -> object:
        body = [{"metric": "always", "value": 1}]
        if event["data"]["prompt"] == "a":
            body.append({"metric": "sometimes", "value": 1})
        return {"statusCode": 200, "body": body}

    record = _record(rehearse(handler=_loaded(uneven), preprocessing="false"))
    assert record["uneven"] == {"sometimes": 1}


def test_why_rows_were_not_scored_is_recorded_and_a_failing_metric_is_reported_once(
    rehearse: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    task = _task()

    @task.metric
    def fragile(completion: Completion) -> Score:
        raise KeyError(completion.text)

    built = build_lambda_handler(task)
    outcome = rehearse(handler=_loaded(built, built))
    assert _record(outcome)["unscored"] == {"fragile": {"raised KeyError": 4}, "length": {"long": 1}}
    failure = outcome.metric_failures["fragile"]
    assert failure.rows == 4
    assert "in fragile" in failure.first
    assert "yes" not in failure.first
    assert caplog.records == []


def test_the_users_observer_sees_every_row_of_a_run(rehearse: Runner) -> None:
    seen: list[Observation] = []
    built = build_lambda_handler(_task(), observer=seen.append)
    outcome = rehearse(handler=_loaded(built, built))
    assert _record(outcome)["unscored"] == {"length": {"long": 1}}
    kinds = [observation.process_type for observation in seen]
    assert (kinds.count("preprocess"), kinds.count("postprocess")) == (4, 4)
    assert [observation.unscored for observation in seen if observation.unscored] == [{"length": "long"}]
    assert built.observer == seen.append


def test_what_decorators_around_the_handler_do_counts_and_why_rows_were_not_scored_is_known(rehearse: Runner) -> None:
    built = build_lambda_handler(_task())

    @wraps(built)
    def shouting(event: dict[str, Any], context: object) -> object:
        data = event["data"]
        if event["process_type"] == "postprocess":
            data = {**data, "inference_output": data["inference_output"] * 2}
        return built({**event, "data": data}, context)

    record = _record(rehearse(handler=_loaded(shouting, built)))
    assert record["unscored"] == {"length": {"long": 3}}
    assert record["aggregates"]["length"] == len("nono") / 4


def test_a_decorator_that_does_not_pass_the_context_on_hides_why_rows_were_not_scored(rehearse: Runner) -> None:
    built = build_lambda_handler(_task())
    record = _record(rehearse(handler=_loaded(wraps(built)(lambda event, context: built(event)), built)))
    assert record["unscored"] == {}
    assert record["aggregates"]["length.unscored"] == 0.25


def test_rows_in_flight_at_once_do_not_mix_their_reasons() -> None:
    built = build_lambda_handler(_task())
    inner: list[Observation] = []

    def interrupted(event: dict[str, Any], context: object) -> object:
        response = built(event, context)
        other = LocalContext(evalayer_observations=inner)
        postprocess(built, "p", "much too long", "yes", other)
        return response

    outer: list[Observation] = []
    postprocess(interrupted, "p", "yes", "yes", LocalContext(evalayer_observations=outer))
    assert [[observation.unscored for observation in row] for row in (outer, inner)] == [[{}], [{"length": "long"}]]
