from __future__ import annotations

import math
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalayer_lab.inputs import InputError, Place
from evalayer_lab.recipe import Inference, Postprocessing, Preprocessing, Processor, Recipe, read_recipe

WORKED = Path(__file__).parents[3] / "recipes" / "support_tickets.yaml"
SMALL = """\
run:
  name: tickets
  model_type: amazon.nova-2-lite-v1:0:256k
  model_name_or_path: nova-lite-2/prod
  data_s3_path: ""
evaluation:
  task: gen_qa
"""


def read(folder: Path, text: str | bytes) -> Recipe:
    path = folder / "recipe.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_recipe(path)[0]


def refused(folder: Path, text: str | bytes) -> InputError:
    with pytest.raises(InputError) as raised:
        read(folder, text)
    assert raised.value.path == str(folder / "recipe.yaml")
    return raised.value


def test_the_worked_recipe_is_read_without_a_warning() -> None:
    recipe, findings = read_recipe(WORKED)
    assert findings == ()
    assert recipe.run.name == "support-tickets"
    assert recipe.run.model_type == "amazon.nova-2-lite-v1:0:256k"
    assert recipe.run.model_name_or_path == "nova-lite-2/prod"
    assert (recipe.run.replicas, recipe.run.data_s3_path) == (1, "")
    assert (recipe.evaluation.task, recipe.evaluation.strategy, recipe.evaluation.metric) == ("gen_qa", "gen_qa", "all")
    assert recipe.inference == Inference(
        max_new_tokens=2048, top_k=-1, top_p=1.0, temperature=0.0, top_logprobs=10, reasoning_effort=None
    )
    assert recipe.processor.preprocessing.enabled
    assert recipe.processor.postprocessing.enabled
    assert recipe.processor.lambda_type == "custom_metrics"
    assert recipe.processor.aggregation == "average"


@pytest.mark.parametrize("rest", ["", "inference:\nprocessor:\n", "processor:\n  preprocessing:\n"])
def test_what_is_not_written_has_the_defaults(tmp_path: Path, rest: str) -> None:
    recipe = read(tmp_path, SMALL + rest)
    assert recipe.run.replicas == 1
    assert (recipe.evaluation.strategy, recipe.evaluation.metric) == ("gen_qa", "all")
    assert recipe.inference == Inference()
    assert (recipe.inference.top_logprobs, recipe.inference.temperature) == (0, 0.0)
    assert not recipe.processor.preprocessing.enabled
    assert recipe.processor.postprocessing.enabled
    assert recipe.processor.aggregation == "average"
    assert not recipe.processor.lambda_arn


def test_switches_are_read_as_they_are(tmp_path: Path) -> None:
    processor = dedent(
        """\
        processor:
          lambda_arn: ""
          lambda_type: custom_metrics
          preprocessing: {enabled: true}
          postprocessing: {enabled: false}
          aggregation: sum
        """
    )
    recipe = read(tmp_path, SMALL + processor)
    assert recipe.processor == Processor(
        lambda_arn="",
        lambda_type="custom_metrics",
        preprocessing=Preprocessing(enabled=True),
        postprocessing=Postprocessing(enabled=False),
        aggregation="sum",
    )
    assert {one.place.field for one in read_recipe(tmp_path / "recipe.yaml")[1]} == {
        "evaluation.strategy",
        "evaluation.metric",
    }


@pytest.mark.parametrize(
    ("text", "line", "field", "words"),
    [
        ("", None, None, "is empty"),
        ("# nothing\n", None, None, "is empty"),
        ("run", None, None, "is not a mapping"),
        ("- run\n", None, None, "is not a mapping"),
        ("{}", 1, "run", "is missing"),
        ("run:\n  name: a\n", 1, "evaluation", "is missing"),
        ("run:\n  replicas: 1\nevaluation:\n  task: gen_qa\n", 1, "run.name", "is missing"),
        ("run: tickets\nevaluation:\n  task: gen_qa\n", 1, "run", "is 'tickets', should be a mapping"),
        ("run:\n  name: a\nevaluation:\n  metric: all\n", 3, "evaluation.task", "is missing"),
        ("run:\n  name: a\nevaluation:\n  task: llm_judge\n", 4, "evaluation.task", "this one is 'llm_judge'"),
        ("evaluation:\n  task: mmlu\n", 2, "evaluation.task", "the local twin runs gen_qa recipes"),
        (
            SMALL + "inference:\n  top_logprobs: 21\n",
            9,
            "inference.top_logprobs",
            "is 21; it must be 0 to 20",
        ),
        (SMALL + "inference:\n  top_logprobs: -1\n", 9, "inference.top_logprobs", "is -1"),
        (SMALL + "inference:\n  top_logprobs: 1.5\n", 9, "inference.top_logprobs", "is 1.5, should be a valid integer"),
        (SMALL + "inference:\n  top_logprobs: true\n", 9, "inference.top_logprobs", "is True"),
        (SMALL + "inference:\n  top_p: 1\n  temperature: -0.1\n", 10, "inference.temperature", "is -0.1"),
        (SMALL + "inference:\n  temperature: .nan\n", 9, "inference.temperature", "is nan"),
        (SMALL + "inference:\n  temperature: .inf\n", 9, "inference.temperature", "is inf"),
        (SMALL + "inference:\n  temperature: '0'\n", 9, "inference.temperature", "is '0'"),
        (SMALL + "inference: [1]\n", 8, "inference", "is [1], should be a mapping"),
        (SMALL + "processor:\n  aggregation: mean\n", 9, "processor.aggregation", "one of average, min, max, sum"),
        (SMALL + 'processor:\n  aggregation: ""\n', 9, "processor.aggregation", "one of average, min, max, sum"),
        (SMALL + "processor:\n  preprocessing:\n    enabled: yes\n", 10, "processor.preprocessing.enabled", "is 'yes'"),
        (SMALL + "processor:\n  lambda_arn: 5\n", 9, "processor.lambda_arn", "is 5, should be a valid string"),
        (
            SMALL.replace("name: tickets", "name: tickets\n  replicas: 0"),
            3,
            "run.replicas",
            "is 0; a job has",
        ),
        (SMALL.replace("name: tickets", 'name: tickets\n  replicas: "4"'), 3, "run.replicas", "is '4'"),
        (SMALL + "  task: gen_qa\n", 8, "evaluation.task", "is given twice; the first time is on line 7"),
        (SMALL + "run:\n  name: again\n", 8, "run", "is given twice; the first time is on line 1"),
        (SMALL + "1: 2\n", 8, None, "a key is not text"),
        (SMALL + "? [a]\n: 2\n", 8, None, "a key is not text"),
        (SMALL + "a: &x 1\n", 8, None, "anchors and aliases"),
        (SMALL + "a: *x\n", 8, None, "anchors and aliases"),
        (SMALL + "a: !!python/object/apply:os.system [ls]\n", 8, "a", "is not supported"),
        (SMALL + "a: !!set {b}\n", 8, "a", "the tag tag:yaml.org,2002:set is not supported"),
        (SMALL + "a: !!int b\n", 8, "a", "is not of the type int"),
        (SMALL + "a: -_\n", 8, "a", "is not of the type int"),
        (SMALL + "a: !secret b\n", 8, "a", "the tag !secret is not supported"),
        (SMALL + "<<: {a: 1}\n", 8, None, "is not supported"),
        ("%YAML 1.1\n---\n" + SMALL, 2, None, "directives"),
        (SMALL + "---\n" + SMALL, 8, None, "not YAML: but found another document"),
        (SMALL + "a: [1, 2\n", 9, None, "not YAML"),
        (SMALL + "\ta: 1\n", 8, None, "not YAML"),
        (SMALL + "a: \x01\n", None, None, "not YAML"),
        ('run:\n  name: "\\UFFFFFFFF"\n', None, None, "not YAML"),
        (SMALL + "a: " + "[" * 21 + "]" * 21, 8, None, "nested deeper than 20 levels"),
        (SMALL.encode() + b"a: \xff\n", 8, None, "not UTF-8"),
        (SMALL + "#" * 70_000, None, None, "is larger than 64 KiB"),
    ],
)
def test_what_cannot_run_is_refused(
    tmp_path: Path, text: str | bytes, line: int | None, field: str | None, words: str
) -> None:
    error = refused(tmp_path, text)
    assert words in error.reason
    assert (error.line, error.field) == (line, field)


@pytest.mark.parametrize(
    "name",
    [".hidden", "..", "a/b", "a\\\\b", "a\\0b", "a\\nb", "", "   ", " a", "a ", "é" * 101, "\\u202ea", "\\ud800"],
)
def test_a_run_name_that_is_no_folder_name_is_refused(tmp_path: Path, name: str) -> None:
    error = refused(tmp_path, SMALL.replace("tickets", f'"{name}"'))
    if name != "\\ud800":  # YAML itself may refuse half a character
        assert (error.line, error.field) == (2, "run.name")


@pytest.mark.parametrize("name", ["support-tickets", "Tickets 2.0", "größe", "a.b"])
def test_other_run_names_are_kept_as_they_are(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, SMALL.replace("tickets", name)).run.name == name


@pytest.mark.parametrize(
    ("text", "line", "field", "words"),
    [
        (
            SMALL + "processor:\n  lambda_type: rft\n",
            9,
            "processor.lambda_type",
            "is rft, which sends lists",
        ),
        (
            SMALL + "processor:\n  aggregation: sum\n",
            8,
            "processor.lambda_type",
            "is missing, and its",
        ),
        (
            SMALL + "processor:\n  lambda_type: custom_metrics\n  lambda-arn: arn\n",
            10,
            "processor.lambda-arn",
            "the field is lambda_arn",
        ),
        (
            SMALL + "processor:\n  lambda_type: custom_metrics\n  post-processing: {enabled: true}\n",
            10,
            "processor.post-processing",
            "the field is postprocessing",
        ),
        (SMALL.replace("name: tickets", "name: tickets\n  replica: 4"), 3, "run.replica", "the field is replicas"),
        (SMALL + "evaluations: {}\n", 8, "evaluations", "did you mean evaluation?"),
        (SMALL + "rl_env: {}\n", 8, "rl_env", "is unknown and has no effect here"),
        (SMALL.replace('""', "s3://bucket/a"), 5, "run.data_s3_path", 'must be ""'),
        (SMALL.replace('  data_s3_path: ""\n', ""), 1, "run.data_s3_path", "is missing"),
        (SMALL.replace("nova-lite-2/prod", '""'), 4, "run.model_name_or_path", "is missing or empty"),
        (SMALL.replace("  model_type: amazon.nova-2-lite-v1:0:256k\n", ""), 1, "run.model_type", "is missing or empty"),
        (SMALL + "  strategy: generate\n", 8, "evaluation.strategy", "is 'generate'"),
    ],
)
def test_what_a_real_job_does_differently_is_a_warning(
    tmp_path: Path, text: str, line: int, field: str, words: str
) -> None:
    read(tmp_path, text)
    (finding,) = [one for one in read_recipe(tmp_path / "recipe.yaml")[1] if one.place.field == field]
    assert finding.severity == "warning"
    assert finding.place == Place(str(tmp_path / "recipe.yaml"), line, field)
    assert words in finding.reason


def test_unknown_fields_are_kept(tmp_path: Path) -> None:
    recipe = read(tmp_path, SMALL + "  day: 2026-01-02\nwarnings: [1]\n")
    assert recipe.model_extra == {"warnings": [1]}
    assert recipe.evaluation.model_extra == {"day": "2026-01-02"}
    unknown = [one.place.field for one in read_recipe(tmp_path / "recipe.yaml")[1] if one.code == "unknown-field"]
    assert unknown == ["evaluation.day", "warnings"]


def test_values_are_those_of_yaml_1_2(tmp_path: Path) -> None:
    recipe = read(
        tmp_path,
        b"\xef\xbb\xbf" + (SMALL + "x: [010, 0x10, 1e3, .inf, ~, no, True, 'a', \"\\u00e9\", 2001-02-30]\n").encode(),
    )
    assert recipe.model_extra == {"x": [10, 16, 1000.0, math.inf, None, "no", True, "a", "é", "2001-02-30"]}


def test_windows_line_ends_keep_the_line_numbers(tmp_path: Path) -> None:
    text = (SMALL + "inference:\n  top_logprobs: 21\n").replace("\n", "\r\n")
    assert refused(tmp_path, text).line == 9


@pytest.mark.parametrize(
    ("name", "words"), [("none.yaml", "No such file"), (".", "directory"), ("a\0b", "no file can have")]
)
def test_a_path_that_cannot_be_read_is_an_input_error(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_recipe(tmp_path / name)


sections = st.sampled_from(
    ["run", "evaluation", "inference", "processor", "name", "task", "replicas", "aggregation", "x"]
)
scalars = st.sampled_from(
    [
        "gen_qa",
        "1",
        "-1",
        "0x",
        "-_",
        "0o",
        ".5",
        "1e",
        "~",
        "null",
        "2026-13-40",
        "2026-01-01T99:99:99Z",
        "''",
        '"\\ud800"',
        "!!int a",
        "!!float b",
        "!!bool c",
        "!!binary d",
        "!!set {}",
        "!!null",
        "!!str",
        "&a b",
        "*a",
        "[",
        "{",
        "|",
        ">",
        "- a",
        "%YAML 1.1",
        "---",
        "...",
        "? a",
        "<<",
        "=",
        "@",
        "`",
        "\t",
        "\x85",
        "\u2028",
        "\ufeff",
        "!<tag:yaml.org,2002:int> x",
        "!",
    ]
)
texts = st.one_of(
    st.text(),
    st.lists(
        st.tuples(
            st.sampled_from(["", "  ", "    ", "- "]),
            sections | scalars,
            st.sampled_from([": ", ":", "\n", " "]),
            scalars,
        ),
        max_size=10,
    ).map(lambda rows: "\n".join("".join(row) for row in rows)),
    st.lists(scalars | sections | st.sampled_from(["\n", ": ", ", ", "]", "}", "  "]), max_size=20).map("".join),
    st.builds(
        lambda at, junk, cut: SMALL[:at] + junk + SMALL[at + cut :],
        st.integers(0, len(SMALL)),
        st.text(max_size=5) | scalars,
        st.integers(0, 20),
    ),
)


@settings(max_examples=500)
@given(texts.map(lambda text: text.encode(errors="surrogatepass")) | st.binary())
def test_any_bytes_give_a_recipe_or_an_input_error(tmp_path: Path, content: bytes) -> None:
    try:
        recipe = read(tmp_path, content)
    except InputError as error:
        assert error.path == str(tmp_path / "recipe.yaml")  # noqa: PT017 (both outcomes are fine)
        return
    assert recipe.evaluation.task == "gen_qa"
    assert 0 <= recipe.inference.top_logprobs <= 20
    assert recipe.inference.temperature >= 0
    assert recipe.run.replicas >= 1
    (tmp_path / recipe.run.name).mkdir(exist_ok=True)
    assert (tmp_path / recipe.run.name).resolve().parent == tmp_path.resolve()


def test_a_run_records_the_fields_in_this_order() -> None:
    written = read_recipe(WORKED)[0].model_dump(mode="json")
    assert list(written) == ["run", "evaluation", "inference", "processor"]
    mlflow = ["mlflow_tracking_uri", "mlflow_experiment_name", "mlflow_run_name"]
    paths = ["data_s3_path", "output_s3_path"]
    assert list(written["run"]) == ["name", "model_type", "model_name_or_path", "replicas", *paths, *mlflow]
    calls = ["lambda_arn", "lambda_type", "preprocessing", "postprocessing"]
    assert list(written["processor"]) == [*calls, "aggregation", "preset_reward_function"]
