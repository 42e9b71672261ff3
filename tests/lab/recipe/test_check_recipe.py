"""One test per rule: the faulty line, and its fix where there is a safe one."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalayer_lab.inputs import InputError
from evalayer_lab.recipe import (
    MODELS,
    TASKS,
    Circumstances,
    Code,
    NewRecipe,
    OpenSourceRecipe,
    Recipe,
    Report,
    RewardRecipe,
    check_recipe,
    check_text,
    fix_recipe,
    write_recipe,
)

ROOT = Path(__file__).parents[3]
HYPERPOD = Circumstances(hyperpod=True)
GEN_QA = """\
# which of the tickets
run:
  name: "tickets"   # a folder
  model_type: amazon.nova-2-lite-v1:0:256k
  model_name_or_path: nova-lite-2/prod
  replicas: 1
  data_s3_path: ""    # nothing
  mlflow_experiment_name : ""  # a space before the colon

evaluation:
  task: gen_qa
  strategy: 'gen_qa'
  metric: all
inference:
    max_new_tokens: 100
    top_logprobs: 3   # some
    reasoning_effort: null
processor:
  lambda_arn: arn:aws:lambda:us-east-1:444455556666:function:SageMaker-a
  lambda_type: custom_metrics
  preprocessing: {enabled: true}
  postprocessing:
    enabled: true
  aggregation: average
"""
BENCHMARK = """\
run: {name: a, model_type: "amazon.nova-micro-v1:0:128k", model_name_or_path: nova-micro/prod, replicas: 1,
      data_s3_path: ""}
evaluation:
  task: mmlu
  strategy: zs_cot
  metric: accuracy
  subtask: anatomy
"""
JUDGE = """\
run:
  name: a
  model_type: amazon.nova-pro-v1:0:300k
  model_name_or_path: nova-pro/prod
  replicas: 2
  data_s3_path: ""
evaluation:
  task: llm_judge
  strategy: judge
  metric: all
inference:
  top_k: 50
"""
RFT = """\
run:
  name: a
  model_type: amazon.nova-lite-v1:0:300k
  model_name_or_path: s3://customer-escrow/run
  replicas: 1
  data_s3_path: ""
evaluation:
  task: rft_eval
  strategy: rft_eval
  metric: all
rl_env:
    # gives the rewards
    reward_lambda_arn: arn:aws:lambda:us-west-2:444455556666:function:sagemaker_reward
"""
OPEN = """\
run:
  name: "open"
  base_model_name: "some-model"
  model_name_or_path: ""
  replicas: 1
  data_s3_path: ""
evaluation:
  task: mmlu
  strategy: zs_cot
  metric: accuracy
  subtask: ""
output:
  eval_results_dir: ""
  kms_key_id: ""
inference:
  max_model_len: 12000
processor:
    lambda_arn: ""
    postprocessing:
        enabled: false
    aggregation: ""
"""
EVERY = {"gen_qa": GEN_QA, "text_benchmark": BENCHMARK, "llm_judge": JUDGE, "rft_eval": RFT, "open_source": OPEN}


def found(report: Report) -> list[tuple[str, str, int | None, str | None]]:
    return [(one.code, one.severity, one.place.line, one.place.field) for one in report.findings]


def fixed_text(folder: Path, text: str, circumstances: Circumstances = Circumstances()) -> str:  # noqa: B008
    path = folder / "recipe.yaml"
    path.write_bytes(text.encode())
    fix_recipe(path, circumstances)
    return path.read_bytes().decode()


@pytest.mark.parametrize("kind", EVERY)
def test_a_good_recipe_of_each_kind_is_clean_and_is_not_touched(tmp_path: Path, kind: str) -> None:
    report = check_text(EVERY[kind])
    assert (report.kind, found(report)) == (kind, [])
    assert report.recipe is not None
    for text in (EVERY[kind], EVERY[kind].replace("\n", "\r\n"), "\ufeff" + EVERY[kind], EVERY[kind].rstrip("\n")):
        assert fixed_text(tmp_path, text) == text


def test_the_models_hold_what_is_written_and_what_they_do_not_know() -> None:
    recipe = check_text(GEN_QA + "extra: [1]\n").recipe
    assert isinstance(recipe, Recipe)
    assert recipe.model_extra == {"extra": [1]}
    assert recipe.run.mlflow_experiment_name == ""
    reward = check_text(RFT).recipe
    assert isinstance(reward, RewardRecipe)
    assert reward.rl_env.reward_lambda_arn.endswith(":sagemaker_reward")
    other = check_text(OPEN).recipe
    assert isinstance(other, OpenSourceRecipe)
    assert (other.run.base_model_name, other.inference.max_model_len) == ("some-model", 12000)


# text, old line, faulty line, code, severity, field, line after --fix (None: it is not fixed)
FAULTS: list[tuple[str, str, str, str, str, str, str | None]] = [
    (GEN_QA, "  lambda_arn: arn", "  lambda-arn: arn", "spelling", "error", "processor.lambda-arn",
     "  lambda_arn: arn"),
    (GEN_QA, "  postprocessing:", "  post-processing:", "spelling", "error", "processor.post-processing",
     "  postprocessing:"),
    (GEN_QA, "  replicas: 1", "  replica : 1 # n", "spelling", "error", "run.replica", "  replicas : 1 # n"),
    (GEN_QA, "  replicas: 1", '  "replica": 1', "spelling", "error", "run.replica", '  "replicas": 1'),
    (GEN_QA, "  metric: all", "  metric: all\n  colour: red", "unknown-field", "warning", "evaluation.colour", None),
    (GEN_QA, '  name: "tickets"   # a folder', "  title: a", "missing-field", "error", "run.name", None),
    (GEN_QA, "  model_type: amazon.nova-2-lite-v1:0:256k", "  model_type: # t", "value", "error",
     "run.model_type", None),
    (GEN_QA, "  model_type: amazon.nova-2-lite-v1:0:256k\n", "", "missing-field", "error", "run.model_type",
     "  model_type: amazon.nova-2-lite-v1:0:256k\n"),
    (GEN_QA, "  model_name_or_path: nova-lite-2/prod", "  model_name_or_path: ''", "missing-field", "error",
     "run.model_name_or_path", None),
    (RFT, "arn:aws:lambda:us-west-2:444455556666:function:sagemaker_reward", '""', "missing-field", "error",
     "rl_env.reward_lambda_arn", None),
    (RFT, "rl_env:", "environment:", "missing-field", "error", "rl_env", None),
    (OPEN, '"some-model"', '""', "missing-field", "warning", "run.base_model_name", None),
    (GEN_QA, "  replicas: 1", "  replicas: many", "value", "error", "run.replicas", None),
    (RFT, "us-west-2:444455556666", "<region>:<account_id>", "placeholder", "warning",
     "rl_env.reward_lambda_arn", None),
    (RFT, "444455556666", "123456789012", "placeholder", "warning", "rl_env.reward_lambda_arn", None),
    (GEN_QA, "2-lite-v1:0:256k", "2-lite-v1:0:300k", "model-type", "warning", "run.model_type", "2-lite-v1:0:256k"),
    (GEN_QA, "nova-lite-2/prod", "nova-lite/prod", "model-pair", "error", "run.model_name_or_path", None),
    (GEN_QA, "nova-lite-2/prod", "nova-lite-3/prod", "model-pair", "warning", "run.model_name_or_path", None),
    (JUDGE, "  task: llm_judge", "  task: rubric_llm_judge", "model-task", "warning", "run.model_type", None),
    (GEN_QA, "  replicas: 1", "  replicas: 17", "replicas", "error", "run.replicas", None),
    (GEN_QA, "  replicas: 1", "  replicas: 3", "replicas", "warning", "run.replicas", None),
    (GEN_QA, "  replicas: 1\n", "", "replicas", "warning", "run.replicas", None),
    (GEN_QA, '  data_s3_path: ""    # nothing\n', "", "data-s3-path", "error",
     "run.data_s3_path", '  data_s3_path: ""\n'),
    (GEN_QA, '_s3_path: "" ', "_s3_path: s3://b/a ", "data-s3-path", "error", "run.data_s3_path", None),
    (JUDGE, "  replicas: 2", "  replicas: 2\n  output_s3_path: s3://b/o", "output-s3-path", "warning",
     "run.output_s3_path", None),
    (BENCHMARK, "  task: mmlu", "  task: mmlu_max", "unknown-task", "warning", "evaluation.task", None),
    (GEN_QA, "  strategy: 'gen_qa'", "  strategy: 'generate'", "task-combination", "error", "evaluation.strategy",
     "  strategy: 'gen_qa'"),
    (JUDGE, "  metric: all\n", "", "task-combination", "error", "evaluation.metric", "  metric: all\n"),
    (BENCHMARK, "  metric: accuracy", "  metric: f1 # why", "task-combination", "error", "evaluation.metric",
     "  metric: accuracy # why"),
    (BENCHMARK, "  strategy: zs_cot", "  strategy: fs_cot", "task-combination", "warning", "evaluation.strategy", None),
    (BENCHMARK, "  task: mmlu", "  task: gpqa", "subtask", "warning", "evaluation.subtask", None),
    (GEN_QA, "top_logprobs: 3 ", "top_logprobs: 21 ", "top-logprobs", "error", "inference.top_logprobs",
     "top_logprobs: 20 "),
    (GEN_QA, "top_logprobs: 3 ", "top_logprobs: -1 ", "top-logprobs", "error", "inference.top_logprobs",
     "top_logprobs: 0 "),
    (JUDGE, "  top_k: 50", "  reasoning_effort: high # please", "reasoning-effort", "error",
     "inference.reasoning_effort", "  reasoning_effort: null # please"),
    (GEN_QA, "effort: null", "effort: medium", "reasoning-effort", "warning", "inference.reasoning_effort", None),
    (GEN_QA, "effort: null", "effort: huge", "reasoning-effort", "error", "inference.reasoning_effort", None),
    (JUDGE, "  top_k: 50", "  top_k: 50\n  max_new_tokens: 9 # long", "max-new-tokens", "warning",
     "inference.max_new_tokens", "  top_k: 50\n  # max_new_tokens: 9 # long"),
    (JUDGE, "  top_k: 50", "  max_new_tokens: 9", "max-new-tokens", "warning", "inference.max_new_tokens",
     "  # max_new_tokens: 9"),
    (GEN_QA, "max_new_tokens: 100", "max_new_tokens: 32769", "max-new-tokens", "warning",
     "inference.max_new_tokens", None),
    (JUDGE, "inference:", "processor:\n  lambda_arn: ''\ninference:", "processor-kind", "error", "processor", None),
    (GEN_QA, "  lambda_arn: arn:", "  lambda_arn: arn-", "lambda-arn", "error", "processor.lambda_arn", None),
    (RFT, "reward_lambda_arn: arn:aws:lambda", "reward_lambda_arn: arn:aws:s3", "lambda-arn", "error",
     "rl_env.reward_lambda_arn", None),
    (RFT, "arn:aws:lambda:us-west-2:444455556666:function:sagemaker_reward",
     "' arn:aws:lambda:us-west-2:444455556666:function:sagemaker_reward'", "lambda-arn", "error",
     "rl_env.reward_lambda_arn", "'arn:aws:lambda:us-west-2:444455556666:function:sagemaker_reward'"),
    (GEN_QA, "SageMaker-a", "SageMaker-a:live", "lambda-arn-qualified", "warning", "processor.lambda_arn", None),
    (GEN_QA, "arn:aws:", "arn:aws-cn:", "lambda-arn-qualified", "warning", "processor.lambda_arn", None),
    (GEN_QA, "SageMaker-a", "metrics", "lambda-arn-name", "warning", "processor.lambda_arn", None),
    (GEN_QA, "arn:aws:lambda:us-east-1:444455556666:function:SageMaker-a", '""', "lambda-arn-empty", "warning",
     "processor.lambda_arn", None),
    (GEN_QA, "  lambda_type: custom_metrics\n", "", "lambda-type", "warning", "processor.lambda_type",
     "  lambda_type: custom_metrics\n"),
    (GEN_QA, "lambda_type: custom_metrics", 'lambda_type: "rft" # or', "lambda-type", "error", "processor.lambda_type",
     'lambda_type: "custom_metrics" # or'),
    (GEN_QA.replace("{enabled: true}", "{enabled: false}"), "lambda_type: custom_metrics", "lambda_type: rft",
     "lambda-type", "warning", "processor.lambda_type", None),
    (GEN_QA, "lambda_type: custom_metrics", "lambda_type: metrics", "lambda-type", "error",
     "processor.lambda_type", None),
    (GEN_QA, "aggregation: average", 'aggregation: "mean"', "aggregation", "error", "processor.aggregation",
     'aggregation: "average"'),
    (GEN_QA, "aggregation: average", "aggregation: Maximum", "aggregation", "error", "processor.aggregation",
     "aggregation: max"),
    (GEN_QA, "aggregation: average", "aggregation: median", "aggregation", "error", "processor.aggregation", None),
    (GEN_QA, "aggregation: average", "aggregation: min", "corpus-metrics", "warning", "processor.aggregation", None),
]  # fmt: skip


def case_id(case: object) -> str | None:
    return case if isinstance(case, str) and re.fullmatch(r"[a-z0-9-]{5,30}", case) else ""


@pytest.mark.parametrize(("text", "good", "faulty", "code", "severity", "field", "after"), FAULTS, ids=case_id)
def test_a_fault_is_found_and_fixed_where_that_is_safe(
    tmp_path: Path, text: str, good: str, faulty: str, code: str, severity: str, field: str, after: str | None
) -> None:
    assert text.count(good) == 1
    broken = text.replace(good, faulty)
    report = check_text(broken)
    ours = [finding for finding in report.findings if finding.code == code]
    assert [(one.severity, one.place.field) for one in ours] == [(severity, field)]
    finding = ours[0]
    key = field.rpartition(".")[2]
    lines = [number for number, row in enumerate(broken.splitlines(), 1) if re.search(rf"\b{key}\b\"? ?:", row)]
    assert not lines or finding.place.line in lines
    result = fixed_text(tmp_path, broken)
    if after is None:
        assert finding.fix is None
        assert code in [one.code for one in check_text(result).findings]
    elif faulty:
        assert finding.fix is not None
        assert result == broken.replace(faulty, after)
    else:
        assert sorted(result.splitlines()) == sorted([*broken.splitlines(), after.rstrip("\n")])
    if after is not None:
        assert code not in [one.code for one in check_text(result).findings]


@pytest.mark.parametrize(
    ("text", "good", "faulty", "circumstances", "expected", "after"),
    [
        (GEN_QA, "", "", HYPERPOD, [("data-s3-path", "error"), ("output-s3-path", "error")], None),
        (BENCHMARK, "", "", HYPERPOD, [("output-s3-path", "error")], None),
        (RFT, "sagemaker_reward", "reward", HYPERPOD,
         [("data-s3-path", "error"), ("lambda-arn-name", "error"), ("output-s3-path", "error")], None),
        (JUDGE, 'data_s3_path: ""', "data_s3_path: b/a\n  output_s3_path: s3://b/o", HYPERPOD,
         [("data-s3-path", "error")], None),
        (JUDGE, 'data_s3_path: ""', "data_s3_path: s3://b/a\n  output_s3_path: s3://b/o", HYPERPOD, [], None),
        (JUDGE, "", "", Circumstances(instances=4), [("replicas", "error")], "replicas: 4"),
        (JUDGE, "", "", Circumstances(instances=2), [], None),
        (JUDGE, "  replicas: 2\n", "", Circumstances(instances=2), [], None),
        (GEN_QA, "average", "max", Circumstances(corpus_metrics=["class"]), [("corpus-metrics", "error")],
         "aggregation: average"),
        (GEN_QA, "average", "max", Circumstances(corpus_metrics=[]), [], None),
        (GEN_QA.replace("enabled: true}", "enabled: false}"), "custom_metrics", "rft",
         Circumstances(corpus_metrics=[], reward=False), [("lambda-type", "error")], "lambda_type: custom_metrics"),
        (GEN_QA.replace("enabled: true}", "enabled: false}"), "custom_metrics", "rft",
         Circumstances(corpus_metrics=["class"], reward=True), [], None),
        (GEN_QA, "custom_metrics", "rft", Circumstances(corpus_metrics=[], reward=True),
         [("lambda-type", "warning")], None),
        (RFT, "", "", Circumstances(corpus_metrics=[], reward=False), [("lambda-type", "error")], None),
        (RFT, "", "", Circumstances(corpus_metrics=[], reward=True), [], None),
    ],
)  # fmt: skip
def test_what_a_recipe_does_not_say_itself_is_given(
    tmp_path: Path,
    text: str,
    good: str,
    faulty: str,
    circumstances: Circumstances,
    expected: list[tuple[str, str]],
    after: str | None,
) -> None:
    broken = text.replace(good, faulty) if good else text
    report = check_text(broken, circumstances)
    assert sorted((one.code, one.severity) for one in report.findings) == expected
    if after:
        result = fixed_text(tmp_path, broken, circumstances)
        assert after in result
        assert check_text(result, circumstances).findings == ()


def test_several_faults_are_fixed_at_once_and_all_else_stays(tmp_path: Path) -> None:
    broken = "\ufeff" + GEN_QA.replace("replicas", "replica").replace(": 3 ", ": 99 ").replace("average", "avg")
    broken = broken.replace("  lambda_type: custom_metrics\n", "").replace("\n", "\r\n")
    assert fixed_text(tmp_path, broken) == "\ufeff" + GEN_QA.replace(": 3 ", ": 20 ").replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (JUDGE.replace("inference:\n  top_k: 50", "inference: {top_k: 50, max_new_tokens: 9}"), "max-new-tokens"),
        (GEN_QA.replace("replicas: 1", "replicas: 1\n  replica: 2"), "spelling"),
        (
            GEN_QA.replace("2-lite-v1:0:256k", "lite-v1:0:300k").replace("effort: null", "effort: low"),
            "reasoning-effort",
        ),
        (GEN_QA.replace("average", ">-\n    mean"), "aggregation"),
        ("run: {name: a, model_type: b}\nevaluation: {task: gen_qa}\n", "task-combination"),
    ],
)
def test_a_fix_that_would_touch_more_is_not_made(tmp_path: Path, text: str, code: str) -> None:
    assert fixed_text(tmp_path, text) == text
    assert code in [one.code for one in check_text(text).findings]


def test_a_value_that_is_left_out_is_written_behind_its_colon(tmp_path: Path) -> None:
    text = BENCHMARK.replace("strategy: zs_cot", "strategy: ''")
    assert fixed_text(tmp_path, text) == BENCHMARK.replace("strategy: zs_cot", "strategy: 'zs_cot'")


def test_every_rule_is_tested_and_documented() -> None:
    codes = set(get_args(Code))
    documented = re.findall(r"^\| `([a-z0-9-]+)` \|", (ROOT / "docs/recipes.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(documented) == sorted(codes)
    assert codes == {case[3] for case in FAULTS}


def test_the_worked_recipe_has_only_the_account_of_examples_against_it() -> None:
    assert found(check_recipe(ROOT / "recipes" / "support_tickets.yaml")) == [
        ("placeholder", "warning", 28, "processor.lambda_arn")
    ]


def test_nothing_in_a_name_or_a_value_can_steer_the_terminal() -> None:
    report = check_text(GEN_QA + '"a\\e[31m": 1\n' + 'more: "<b\\e[2J>"\n' + "count: 0x" + "f" * 5000 + "\n")
    assert len(report.findings) == 4
    assert all(str(finding).isprintable() for finding in report.findings)


def test_a_number_too_long_to_write_is_an_error_with_a_line() -> None:
    report = check_text(GEN_QA.replace("top_logprobs: 3", "top_logprobs: 0x" + "f" * 5000))
    assert found(report) == [("top-logprobs", "error", 16, "inference.top_logprobs")]


@pytest.mark.parametrize(("task", "model"), [(t, m) for t, m in product(TASKS, MODELS) if m in TASKS[t].models])
def test_what_is_written_checks_clean(task: str, model: str) -> None:
    called = task in {"gen_qa", "rft_eval"}
    arn = "arn:aws:lambda:us-east-1:444455556666:function:SageMaker-a" if called else None
    report = check_text(write_recipe(NewRecipe(f"a: {task}", task, model, lambda_arn=arn, top_logprobs=5)))
    assert found(report) == []
    assert report.recipe is not None
    assert (report.kind, report.recipe.run.name) == (TASKS[task].kind, f"a: {task}")


def test_everything_chosen_is_written() -> None:
    chosen = NewRecipe(
        name="null",
        task="gen_qa",
        model="pro",
        checkpoint="s3://b/c d",
        lambda_arn="arn:aws:lambda:us-east-1:444455556666:function:SageMaker-a",
        aggregation="sum",
        preprocess=False,
        replicas=8,
        top_logprobs=20,
        data_s3_path="s3://b/gen_qa.jsonl",
        output_s3_path="s3://b/out",
    )
    report = check_text(write_recipe(chosen), HYPERPOD)
    assert found(report) == []
    recipe = report.recipe
    assert isinstance(recipe, Recipe)
    assert (recipe.run.name, recipe.run.model_name_or_path, recipe.run.replicas) == ("null", "s3://b/c d", 8)
    assert (recipe.run.data_s3_path, recipe.run.output_s3_path) == ("s3://b/gen_qa.jsonl", "s3://b/out")
    assert (recipe.inference.top_logprobs, recipe.processor.aggregation) == (20, "sum")
    assert not recipe.processor.preprocessing.enabled
    assert "subtask: anatomy" in write_recipe(NewRecipe("a", "mmlu", "micro", subtask="anatomy"))


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (NewRecipe("a", "mmmu", "micro"), "mmmu does not run with the model micro"),
        (NewRecipe("a", "mmlu", "micro", lambda_arn="arn"), "mmlu does not call a function"),
        (NewRecipe("a", "rft_eval", "micro"), "rft_eval needs the function"),
        (NewRecipe("a", "gpqa", "micro", subtask="b"), "gpqa has no subtasks"),
    ],
)
def test_choices_that_do_not_belong_together_are_refused(chosen: NewRecipe, words: str) -> None:
    with pytest.raises(InputError, match=words):
        write_recipe(chosen)


PIECES = st.sampled_from(
    [*"{}[]:,-#&*!|>?%@`'\"\n\r\t ", "  ", "\n  ", ": ", "\n? ", "~", "null", "1", "0x1f", "''", "<region>", "- a",
     "replica", "max_new_tokens", "lambda-arn", "avg", "\ufeff", "\x85", "\u2028", "!!str ", "---\n", "\n\n"]
)  # fmt: skip


@settings(max_examples=400)
@given(
    st.sampled_from([*EVERY.values(), ""]),
    st.lists(st.tuples(st.integers(0, 800), st.integers(0, 30), PIECES | st.text(max_size=5)), max_size=4),
)
def test_any_text_gives_findings_or_an_input_error(
    tmp_path: Path, text: str, changes: list[tuple[int, int, str]]
) -> None:
    for at, cut, junk in changes:
        text = text[:at] + junk + text[at + cut :]
    path = tmp_path / "recipe.yaml"
    path.write_bytes(text.encode(errors="surrogatepass"))
    try:
        before = check_recipe(path)
    except InputError as error:
        assert error.path == str(path)  # noqa: PT017 (both outcomes are fine)
        return
    assert all(1 <= (one.place.line or 0) <= text.count("\n") + text.count("\r") + 3 for one in before.findings)
    after = fix_recipe(path)
    if not after.fixed:
        assert path.read_bytes() == text.encode()
    assert check_recipe(path).findings == after.findings
    assert not set(after.fixed) & set(after.findings)
