"""Tasks: decorators, isolation of metrics, denominators, decoding."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalayer import (
    Aggregator,
    Completion,
    ConflictingMetrics,
    CorpusMetric,
    InvalidMetric,
    InvalidTask,
    PostprocessFailed,
    PreprocessFailed,
    Sample,
    Score,
    Task,
    Unscored,
    build_lambda_handler,
    metric,
)

WORDS = "the user's own words"


class Share(CorpusMetric):
    """Hits over tries, of the whole dataset."""

    def __init__(self) -> None:
        super().__init__("share", parts=["hits", "tries"])

    def score(self, completion: Completion) -> Score:
        if not completion.text:
            return Unscored("no answer")
        return {"hits": completion.text.count("y"), "tries": len(completion.text)}

    def decode(self, totals: Mapping[str, float], rows: int) -> Mapping[str, float]:
        assert rows > 0
        return {"value": totals["hits"] / totals["tries"] if totals["tries"] else 0.0}


@metric
def length(completion: Completion) -> Score:
    return len(completion.text)


@metric
def third_root(completion: Completion) -> Score:
    return Unscored("empty") if not completion.text else len(completion.text) ** (1 / 3)


def rows_of(answers: list[str]) -> list[Completion]:
    return [Completion(f"prompt {number}", answer, "gold") for number, answer in enumerate(answers)]


def folded(task: Task, rows: list[Completion], function: str = "average") -> dict[str, float]:
    aggregator = Aggregator(function)
    for row in rows:
        aggregator.add(task.score(row).values)
    return aggregator.values()


def test_decorators_give_the_same_function_back() -> None:
    task = Task("t", metrics=[length])

    def prepare(sample: Sample) -> Sample:
        return sample

    def clean(completion: Completion) -> Completion:
        return completion

    def always(completion: Completion) -> Score:
        return 1.0

    def never(completion: Completion) -> Score:
        return 0.0

    assert task.preprocess(prepare) is prepare
    assert task.postprocess(clean) is clean
    assert task.metric(always) is always
    assert task.metric(name="seldom", higher_is_better=False)(never) is never
    assert [one.name for one in task.metrics] == ["length", "always", "seldom"]
    assert always(Completion("", "", "")) == 1.0


def test_two_tasks_share_nothing() -> None:
    one, two = Task("one"), Task("two")

    @one.metric
    def mine(completion: Completion) -> Score:
        return 0.0

    assert [each.name for each in one.metrics] == ["mine"]
    assert two.metrics == ()


@given(
    st.lists(st.text("xy", max_size=4), min_size=1, max_size=30),
    st.sampled_from([ValueError, KeyError, ZeroDivisionError, RecursionError, MemoryError]),
)
def test_a_metric_that_raises_every_third_row_changes_only_its_own_names(
    answers: list[str], kind: type[Exception]
) -> None:
    def task_with(broken: bool) -> Task:
        @metric
        def fragile(completion: Completion) -> Score:
            if broken and int(completion.prompt.removeprefix("prompt ")) % 3 == 2:
                raise kind(WORDS)
            return 1.0

        return Task("t", metrics=[length, fragile, third_root, Share()])

    whole, broken = task_with(broken=False), task_with(broken=True)
    for number, row in enumerate(rows_of(answers)):
        expected, got = whole.score(row), broken.score(row)
        assert list(got.values) == list(expected.values)
        changed = {name for name, value in got.values.items() if value != expected.values[name]}
        if number % 3 == 2:
            assert changed == {"fragile", "fragile.unscored"}
            assert (got.values["fragile"], got.values["fragile.unscored"]) == (0.0, 1.0)
            assert got.unscored == {**expected.unscored, "fragile": f"raised {kind.__name__}"}
            assert set(got.errors) == {"fragile"}
        else:
            assert not changed
            assert (got.unscored, got.errors) == (expected.unscored, {})


@given(st.lists(st.text("xy", max_size=6), min_size=1, max_size=40))
def test_the_denominator_gives_the_mean_of_scored_rows_and_the_worst_case(answers: list[str]) -> None:
    task = Task("t", metrics=[third_root])
    average = folded(task, rows_of(answers))
    scored = [len(answer) ** (1 / 3) for answer in answers if answer]
    assert average["third_root"] == math.fsum(scored) / len(answers)
    assert average["third_root.unscored"] == (len(answers) - len(scored)) / len(answers)
    if scored:
        mean = average["third_root"] / (1 - average["third_root.unscored"])
        assert mean == pytest.approx(math.fsum(scored) / len(scored), rel=1e-12)


@given(st.lists(st.text("xy", max_size=6), min_size=1, max_size=40))
def test_corpus_metrics_decode_alike_from_sum_and_average(answers: list[str]) -> None:
    task = Task("t", metrics=[length, Share()])
    letters = sum(map(len, answers))
    expected = sum(answer.count("y") for answer in answers) / letters if letters else 0.0
    for function in ("sum", "average"):
        decoded = task.decode(folded(task, rows_of(answers), function), len(answers))
        assert decoded == {"share.value": pytest.approx(expected, rel=1e-12)}


def test_every_row_reports_the_same_names() -> None:
    task = Task("t", metrics=[length, Share()])
    names = ["length", "length.unscored", "share.hits", "share.tries", "share.unscored"]
    for row in rows_of(["", "y", "xy"]):
        assert list(task.score(row).values) == names
    assert task.reported_names("share") == ("share.hits", "share.tries", "share.unscored")


def test_two_metrics_of_one_name_conflict() -> None:
    with pytest.raises(ConflictingMetrics, match="t lists the metric length twice; remove one"):
        Task("t", metrics=[length, length])
    task = Task("t", metrics=[length])
    with pytest.raises(ConflictingMetrics, match=r"t has two metrics called length, .*give one another name"):
        task.metric(name="length")(lambda completion: 0.0)


def test_postprocess_cleans_before_every_metric_sees_the_answer() -> None:
    task = Task("t", metrics=[length])

    @task.postprocess
    def shorten(completion: Completion) -> Completion:
        return Completion(completion.prompt, completion.inference_output[:2], completion.gold)

    assert task.score(Completion("", "abcdef", "")).values["length"] == 2.0


def test_without_a_preprocess_a_sample_stays() -> None:
    sample = Sample("p", "g", "s")
    assert Task("t", metrics=[length]).prepare(sample) is sample


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (None, "t: prepare returned a NoneType, not a Sample"),
        ({"prompt": "p"}, "t: prepare returned a dict, not a Sample"),
        (Sample(3, "g"), "t: prepare returned a record whose prompt is a int, not text"),  # type: ignore[arg-type]
        (Sample("p", None), "t: prepare returned a record whose gold is a NoneType, not text"),  # type: ignore[arg-type]
        (Sample("p", "g", []), "t: prepare returned a record whose system is a list, not text"),  # type: ignore[arg-type]
        (ValueError(WORDS), "t: prepare raised ValueError"),
    ],
)
def test_a_failing_preprocess_is_named_and_quotes_nothing(outcome: Any, message: str) -> None:
    task = Task("t")

    @task.preprocess
    def prepare(sample: Sample) -> Sample:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome  # type: ignore[no-any-return]

    with pytest.raises(PreprocessFailed) as caught:
        task.prepare(Sample(WORDS, WORDS))
    assert str(caught.value) == message
    assert caught.value.__cause__ is (outcome if isinstance(outcome, Exception) else None)


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (None, "t: clean returned a NoneType, not a Completion"),
        (ValueError(WORDS), "t: clean raised ValueError"),
    ],
)
def test_a_failing_postprocess_is_named_and_quotes_nothing(outcome: Any, message: str) -> None:
    task = Task("t", metrics=[length])

    @task.postprocess
    def clean(completion: Completion) -> Completion:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome  # type: ignore[no-any-return]

    with pytest.raises(PostprocessFailed) as caught:
        task.score(Completion(WORDS, WORDS, WORDS))
    assert str(caught.value) == message


def register_preprocess(task: Task) -> object:
    return task.preprocess(lambda sample: sample)


def register_postprocess(task: Task) -> object:
    return task.postprocess(lambda completion: completion)


def register_metric(task: Task) -> object:
    return task.metric(name="late")(lambda completion: 0.0)


@pytest.mark.parametrize("register", [register_preprocess, register_postprocess, register_metric])
def test_nothing_is_registered_after_the_handler_is_built(register: Callable[[Task], object]) -> None:
    task = Task("t", metrics=[length])
    build_lambda_handler(task)
    with pytest.raises(InvalidTask, match="registered after build_lambda_handler; move it above"):
        register(task)


@pytest.mark.parametrize("register", [register_preprocess, register_postprocess])
def test_there_is_one_function_of_each_kind(register: Callable[[Task], object]) -> None:
    task = Task("t")
    register(task)
    with pytest.raises(InvalidTask, match=r"t has a p(re|ost)process already"):
        register(task)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", 3])
def test_a_bad_task_name_is_refused(name: Any) -> None:
    with pytest.raises(InvalidTask, match="is not a task name"):
        Task(name)


def test_a_task_of_one_text_is_told_what_to_write() -> None:
    with pytest.raises(InvalidTask, match=r"write metrics=\['exact_match'\]"):
        Task("t", metrics="exact_match")


def test_a_decorator_on_no_function_is_refused() -> None:
    with pytest.raises(InvalidTask, match="an object of the type str is not a function"):
        Task("t").preprocess("name")  # type: ignore[type-var]


def test_a_metric_that_calls_exit_is_unscored_like_any_other_failure() -> None:
    task = Task("t", metrics=[length])

    @task.metric
    def leaves(completion: Completion) -> Score:
        raise SystemExit(0)

    scores = task.score(Completion("", "abc", ""))
    assert scores.values == {"length": 3.0, "length.unscored": 0.0, "leaves": 0.0, "leaves.unscored": 1.0}
    assert str(scores.errors["leaves"]).startswith("called sys.exit")


def test_a_function_that_cannot_be_called_with_one_argument_is_refused_where_it_is_declared() -> None:
    task = Task("t")

    async def later(sample: Sample) -> Sample:
        return sample

    with pytest.raises(InvalidMetric, match="<lambda> must take one argument"):
        task.metric(lambda completion, context: 1.0)  # type: ignore[type-var]
    with pytest.raises(InvalidMetric, match="later must be a plain function"):
        task.preprocess(later)  # type: ignore[type-var]
    with pytest.raises(InvalidMetric, match="the completion"):
        task.postprocess(lambda: None)  # type: ignore[type-var]


def test_a_postprocess_that_gives_a_field_that_is_no_text_is_named() -> None:
    task = Task("t", metrics=[length])

    @task.postprocess
    def clean(completion: Completion) -> Completion:
        return Completion(completion.prompt, None, completion.gold)  # type: ignore[arg-type]

    with pytest.raises(PostprocessFailed, match="clean returned a record whose inference_output is a NoneType"):
        task.score(Completion("", "a", ""))


class Ratio(CorpusMetric):
    def __init__(self, outcome: object) -> None:
        super().__init__("ratio", parts=["hits"])
        self.outcome = outcome

    def score(self, completion: Completion) -> Score:
        return {"hits": 1.0}

    def decode(self, totals: Mapping[str, float], rows: int) -> Mapping[str, float]:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return {"value": self.outcome}  # type: ignore[dict-item]


FOLDED = {"ratio.hits": 2.0, "ratio.unscored": 0.0}


@pytest.mark.parametrize("outcome", [ZeroDivisionError("x"), float("nan"), "text"])
def test_a_metric_that_cannot_be_decoded_is_named_and_leaves_the_others(outcome: object) -> None:
    task = Task("t", metrics=[Ratio(outcome)])
    with pytest.raises(InvalidMetric, match="ratio cannot be decoded"):
        task.decode(FOLDED, 2)
    failed: list[str] = []
    assert task.decode(FOLDED, 2, lambda name, error: failed.append(name)) == {}
    assert failed == ["ratio"]


def test_counters_that_were_not_reported_are_named() -> None:
    with pytest.raises(InvalidMetric, match=r"ratio\.unscored was not reported"):
        Task("t", metrics=[Ratio(1.0)]).decode({"ratio.hits": 2.0}, 2)
