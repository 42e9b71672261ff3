"""What a run does to a folder that holds something already."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from evalayer import Aggregation, Completion, EvalayerError, Score, Task, build_lambda_handler
from evalayer_lab.backends import Backend, Generation, Request
from evalayer_lab.backends.baseline import BaselineBackend
from evalayer_lab.backends.replay import ReplayBackend
from evalayer_lab.function import LoadedHandler
from evalayer_lab.inputs import InputError
from evalayer_lab.recipe import read_recipe
from evalayer_lab.run import RunOutcome, RunPlan, run

_RECIPE = """
run: {{name: job, model_type: "amazon.nova-lite-v1:0:300k", model_name_or_path: nova-lite/prod, data_s3_path: ""}}
evaluation: {{task: gen_qa, strategy: gen_qa, metric: all}}
inference: {{max_new_tokens: 10, temperature: 0, top_logprobs: 0}}
processor:
  lambda_arn: "arn:aws:lambda:us-east-1:111122223333:function:SageMaker-x"
  lambda_type: custom_metrics
  preprocessing: {{enabled: true}}
  postprocessing: {{enabled: {postprocessing}}}
  aggregation: {aggregation}
"""


class Stop(BaseException):
    """As a signal would, it ends the process's work where it stands."""


class Echo:
    """Answers with the query; stops at one, if told to."""

    name = "echo"
    batch_size = 2
    needs_occurrence = False
    warnings = ()
    settings: dict[str, object] = {}  # noqa: RUF012

    def __init__(self, stop_at: str | None = None, extra: int = 0) -> None:
        self.stop_at = stop_at
        self.extra = extra
        self.batches: list[int] = []

    def generate(self, requests: Sequence[Request]) -> Sequence[Generation]:
        self.batches.append(len(requests))
        if any(request.query == self.stop_at for request in requests):
            raise Stop
        answers = [Generation(request.query) for request in requests]
        return [*answers, Generation("extra")] if self.extra > 0 else answers[: len(answers) + self.extra]


def _handler(spec: str = "app.py:one", task: str = "letters", aggregation: Aggregation = "average") -> LoadedHandler:
    declared = Task(task)

    @declared.metric
    def same(completion: Completion) -> Score:
        return completion.text == completion.gold

    built = build_lambda_handler(declared, aggregation=aggregation)
    return LoadedHandler(built, spec, "0" * 64, built)


Planner = Callable[..., RunPlan]


@pytest.fixture
def plan(tmp_path: Path) -> Planner:
    def plan(
        letters: str = "abcdef",
        *,
        backend: Backend | None = None,
        handler: LoadedHandler | None = None,
        aggregation: str = "average",
        postprocessing: str = "true",
        rows: Sequence[dict[str, str]] | None = None,
        **options: Any,
    ) -> RunPlan:
        recipe = tmp_path / "recipe.yaml"
        recipe.write_text(_RECIPE.format(aggregation=aggregation, postprocessing=postprocessing))
        data = tmp_path / "gen_qa.jsonl"
        given = [{"query": letter, "response": letter} for letter in letters] if rows is None else rows
        data.write_text("".join(json.dumps(row) + "\n" for row in given))
        return RunPlan(
            read_recipe(recipe)[0], recipe, data, handler or _handler(), backend or Echo(), tmp_path / "out", **options
        )

    return plan


def _record(outcome: RunOutcome) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((outcome.folder / "run.json").read_text())
    return record


def _stopped(plan: RunPlan) -> None:
    with pytest.raises(Stop):
        run(plan)


def test_a_stopped_run_goes_on_also_where_overwriting_is_allowed(plan: Planner) -> None:
    _stopped(plan(backend=Echo("e")))
    backend = Echo()
    outcome = run(plan(backend=backend, overwrite=True))
    assert (outcome.resumed, outcome.processed, backend.batches) == (4, 6, [2])


def test_overwriting_begins_anew_where_the_plan_changed(plan: Planner) -> None:
    _stopped(plan(backend=Echo("e")))
    outcome = run(plan("abcdefg", overwrite=True))
    assert (outcome.resumed, outcome.processed) == (0, 7)


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"handler": _handler("app.py:two")}, "handler"),
        ({"handler": _handler(task="other")}, "task"),
        ({"letters": "abcdeF"}, "dataset"),
        ({"aggregation": "sum", "handler": _handler(aggregation="sum")}, "recipe"),
        ({"limit": 5}, "limit"),
    ],
)
def test_a_stopped_run_of_another_plan_is_not_mixed_in(plan: Planner, changed: dict[str, Any], name: str) -> None:
    _stopped(plan(backend=Echo("e")))
    with pytest.raises(InputError, match=f"an unfinished run is here that differs in {name}"):
        run(plan(**changed))
    assert run(plan()).resumed == 4


def test_other_training_rows_are_another_backend() -> None:
    prompts = ["printer jam", "password lost", "paper tray", "account locked"]
    first, second = (
        BaselineBackend(rows, ["hardware", "access"] * 2).settings for rows in (prompts, [*prompts[:3], "badge lost"])
    )
    assert {key for key in first if first[key] != second[key]} == {"training_sha256"}


def test_bad_input_leaves_a_finished_run_as_it_is(plan: Planner, tmp_path: Path) -> None:
    outcome = run(plan())
    broken = plan(overwrite=True)
    broken.data.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        run(broken)
    assert _record(outcome)["rows"]["read"] == 6
    assert list((outcome.folder / "eval_results").glob("results_*.json"))


def test_only_one_run_at_a_time_also_when_overwriting(plan: Planner) -> None:
    class Nosy(Echo):
        def generate(self, requests: Sequence[Request]) -> Sequence[Generation]:
            with pytest.raises(InputError, match="another run is writing"):
                run(plan(overwrite=True))
            return super().generate(requests)

    outcome = run(plan(backend=Nosy()))
    assert (outcome.processed, _record(outcome)["rows"]["scored"]) == (6, 6)


def test_a_journal_that_outlived_its_finished_run_is_removed(plan: Planner) -> None:
    outcome = run(plan())
    (outcome.folder / "journal.jsonl").write_text("left over\n")
    with pytest.raises(InputError, match="a finished run is here"):
        run(plan())
    assert not (outcome.folder / "journal.jsonl").exists()


def test_results_of_something_else_are_kept_unless_told_otherwise(plan: Planner, tmp_path: Path) -> None:
    mine = tmp_path / "out" / "job" / "eval_results" / "results_2020.json"
    mine.parent.mkdir(parents=True)
    mine.write_text("{}")
    with pytest.raises(InputError, match="there are results here that are not of a finished run"):
        run(plan())
    assert mine.exists()
    run(plan(overwrite=True))
    assert not mine.exists()


def test_a_handler_built_for_another_aggregation_is_refused(plan: Planner) -> None:
    with pytest.raises(InputError, match="the recipe aggregates with min, but the handler was built for average"):
        run(plan(aggregation="min"))
    outcome = run(plan(aggregation="min", handler=_handler(aggregation="min")))
    assert _record(outcome)["aggregates"]["same"] == 1.0


@pytest.mark.parametrize("extra", [1, -1])
def test_a_backend_that_miscounts_is_stopped(plan: Planner, extra: int) -> None:
    with pytest.raises(EvalayerError, match=f"the backend echo gave {2 + extra} answers to 2 requests"):
        run(plan(backend=Echo(extra=extra)))


def test_a_batch_that_fails_before_inference_asks_the_model_nothing(plan: Planner) -> None:
    backend = Echo()
    outcome = run(plan(backend=backend, handler=LoadedHandler(lambda event, context: None, "x.py:f", "0", None)))
    assert backend.batches == []
    assert sum(outcome.failures.values()) == 6


def test_rows_of_one_query_take_their_recorded_answers_in_order_also_after_a_stop(
    plan: Planner, tmp_path: Path
) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text("".join(json.dumps({"query": "q", "inference": answer}) + "\n" for answer in "abcdef"))
    rows = [{"query": "q", "response": gold} for gold in "abcdef"]

    class Stopping(ReplayBackend):
        batch_size = 2
        asked = 0
        stops = True

        def generate(self, requests: Sequence[Request]) -> Sequence[Generation]:
            Stopping.asked += 1
            if self.stops and self.asked == 2:
                raise Stop
            return super().generate(requests)

    _stopped(plan(rows=rows, backend=Stopping(path)))
    Stopping.stops = False
    outcome = run(plan(rows=rows, backend=Stopping(path)))
    assert (outcome.resumed, _record(outcome)["aggregates"]["same"]) == (2, 1.0)


def test_failed_rows_stay_failed_when_the_output_is_replayed(plan: Planner, tmp_path: Path) -> None:
    class Partial(Echo):
        def generate(self, requests: Sequence[Request]) -> Sequence[Generation]:
            return [Generation("", error="gone") if r.query == "c" else Generation(r.query) for r in requests]

    first = run(plan(backend=Partial()))
    recorded = tmp_path / "inference_output.jsonl"
    recorded.write_bytes((first.folder / "eval_results" / "inference_output.jsonl").read_bytes())
    again = run(plan(backend=ReplayBackend(recorded), overwrite=True))
    assert (first.scored, again.scored, sum(again.failures.values())) == (5, 5, 1)


def test_with_postprocessing_off_no_metric_is_claimed(plan: Planner) -> None:
    record = _record(run(plan(postprocessing="false")))
    assert (record["metrics"], record["aggregates"], record["decoded"], record["task"]) == ([], {}, {}, None)
