from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator
from moto import mock_aws
from ruamel.yaml import YAML

from evalayer_lab.cli.recipe import recipe
from evalayer_lab.inputs import InputError

ROOT = Path(__file__).parents[3]
GOOD = """\
run:
  name: a
  model_type: amazon.nova-micro-v1:0:128k
  model_name_or_path: nova-micro/prod
  replicas: 1
  data_s3_path: ""
evaluation: {task: gen_qa, strategy: gen_qa, metric: all}
"""
FAULTY = GOOD.replace("replicas: 1", "replicas: 3\n  lambda: x") + "inference:\n  top_logprobs: 99  # many\n"
ARN = "arn:aws:lambda:us-east-1:444455556666:function:SageMaker-tickets"


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(recipe, [str(one) for one in arguments])


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    code = "from evalayer_lab.cli import main; main()"
    command = [sys.executable, "-c", code, "recipe", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(FAULTY, encoding="utf-8")
    return path


def test_findings_are_printed_with_line_field_and_code(file: Path) -> None:
    result = invoke("check", file)
    assert result.exit_code == 1
    assert f"error: {file}:10: inference.top_logprobs: is 99; it must be 0 to 20 [top-logprobs]\n" in result.output
    assert f"warning: {file}:6: run.lambda: is unknown" in result.output
    assert result.output.endswith("1 file, 1 error, 2 warnings\n")
    assert file.read_text(encoding="utf-8") == FAULTY


def test_fixes_are_written_and_told(file: Path) -> None:
    result = invoke("check", file, "--fix")
    assert result.exit_code == 0
    assert f"fixed: {file}:10: inference.top_logprobs" in result.output
    assert file.read_text(encoding="utf-8") == FAULTY.replace("99", "20")
    assert invoke("check", file, "--strict").exit_code == 1
    assert invoke("check", file).exit_code == 0


def test_json_is_the_documented_object(file: Path) -> None:
    missing = file.parent / "none.yaml"
    result = run("check", file, missing, "--json", "--fix")
    assert result.returncode == 2
    outcome = json.loads(result.stdout)
    fixed = {
        "code": "top-logprobs",
        "severity": "error",
        "path": str(file),
        "line": 10,
        "field": "inference.top_logprobs",
        "reason": "is 99; it must be 0 to 20",
        "fix": "write `top_logprobs: 20`",
    }
    assert outcome["files"][0]["fixed"] == [fixed]
    assert [one["code"] for one in outcome["files"][0]["findings"]] == ["replicas", "unknown-field"]
    assert (outcome["files"][0]["kind"], outcome["errors"], outcome["warnings"]) == ("gen_qa", 0, 2)
    assert outcome["files"][1] == {
        "path": str(missing),
        "unusable": f"{missing}: cannot be read: No such file or directory",
    }
    assert result.stderr == f"Error: {missing}: cannot be read: No such file or directory\n"


def test_one_unusable_file_does_not_hide_the_others(file: Path) -> None:
    bad = file.parent / "bad.yaml"
    bad.write_text("run: [", encoding="utf-8")
    result = run("check", bad, file)
    assert result.returncode == 2
    assert f"Error: {bad}:1: not YAML" in result.stderr
    assert "2 files, of which 1 cannot be used, " in result.stdout
    assert "[top-logprobs]" in result.stdout


def test_a_handler_tells_its_corpus_metrics(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    processor = f"processor:\n  lambda_arn: {ARN}\n  lambda_type: custom_metrics\n  aggregation: max\n"
    file.write_text(GOOD + processor, encoding="utf-8")
    assert "warning" in invoke("check", file).output
    result = invoke("check", file, "--handler", "processors/app.py:lambda_handler")
    assert result.exit_code == 1
    assert "is max, which loses the counters of class; write average or sum [corpus-metrics]" in result.output


def test_a_handler_tells_whether_it_gives_rewards(tmp_path: Path, file: Path) -> None:
    code = "from evalayer import Task, build_lambda_handler\ntask = Task('t', metrics=['exact_match'], reward={})\n"
    for name, reward in (("rewarding", ", reward={'exact_match': 1.0}"), ("plain", "")):
        text = code.replace(", reward={}", reward) + "lambda_handler = build_lambda_handler(task)\n"
        (tmp_path / f"{name}_handler.py").write_text(text, encoding="utf-8")
    file.write_text(GOOD + f"processor:\n  lambda_arn: {ARN}\n  lambda_type: rft\n", encoding="utf-8")
    assert invoke("check", file, "--handler", tmp_path / "rewarding_handler.py", "--strict").exit_code == 0
    result = invoke("check", file, "--handler", tmp_path / "plain_handler.py")
    assert result.exit_code == 1
    assert "this function declares no reward: write custom_metrics [lambda-type]" in result.output


def test_a_handler_of_another_make_is_refused(tmp_path: Path, file: Path) -> None:
    (tmp_path / "bare_handler.py").write_text("def lambda_handler(event, context): ...\n", encoding="utf-8")
    result = invoke("check", file, "--handler", f"{tmp_path / 'bare_handler.py'}:lambda_handler")
    assert isinstance(result.exception, InputError)
    assert "was not made by build_lambda_handler" in str(result.exception)


def test_a_new_recipe_checks_clean(tmp_path: Path) -> None:
    path = tmp_path / "tickets.yaml"
    result = invoke("new", path, "--task", "gen_qa", "--model", "lite-2", "--lambda-arn", ARN, "--top-logprobs", 10)
    assert (result.exit_code, result.output) == (0, f"Wrote {path}\n")
    assert "name: tickets " in path.read_text(encoding="utf-8")
    assert invoke("check", path, "--strict").exit_code == 0


def test_a_new_recipe_replaces_no_file_unless_told(file: Path) -> None:
    arguments = ["new", file, "--task", "mmlu", "--model", "micro"]
    assert "is there already" in str(invoke(*arguments).exception)
    assert invoke(*arguments, "--overwrite").exit_code == 0
    assert "task: mmlu" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--model", "micro"], "--task is missing: gen_qa"),
        (["--task", "mmlu"], "--model is missing: micro, lite"),
        (["--task", "mmlu-pro", "--model", "micro"], "did you mean mmlu_pro?"),
        (["--task", "gen_qa", "--model", "micro", "--stack", "a", "--lambda-arn", ARN], "not both"),
        (["--task", "gen_qa", "--model", "micro", "--lambda-arn", "arn:x"], "not the ARN of a Lambda function"),
        (["--task", "mmlu", "--model", "micro", "--name", "a/b"], "cannot name a folder"),
        (["--task", "mmmu", "--model", "micro"], "mmmu does not run with the model micro"),
    ],
)
def test_a_recipe_that_would_be_wrong_is_not_written(tmp_path: Path, options: list[str], words: str) -> None:
    result = invoke("new", tmp_path / "new.yaml", *options)
    assert result.exit_code != 0
    assert words in result.output + str(result.exception)
    assert not (tmp_path / "new.yaml").exists()


def test_on_a_terminal_it_asks_for_what_is_not_given(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    code = "from evalayer_lab.cli import main; main()"
    command = [sys.executable, "-c", code, "recipe", "new", "asked.yaml", "--model", "lite-2"]
    os.write(ours, f"gen_qa\ntickets\n{ARN}\n".encode())
    done = subprocess.run(command, cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs, check=False)
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 0
    written = (tmp_path / "asked.yaml").read_text(encoding="utf-8")
    assert "name: tickets " in written
    assert f"lambda_arn: {ARN}\n" in written


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in (("ACCESS_KEY_ID", "a"), ("SECRET_ACCESS_KEY", "b"), ("DEFAULT_REGION", "us-east-1")):
        monkeypatch.setenv(f"AWS_{name}", value)
    return json.dumps(
        {
            "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
            "Outputs": {"FunctionArn": {"Value": ARN}, "LayerArn": {"Value": "b"}},
        }
    )


def test_the_arn_is_taken_from_a_stack(tmp_path: Path, stack: str) -> None:
    path = tmp_path / "a.yaml"
    arguments = ["new", path, "--task", "gen_qa", "--model", "pro", "--stack", "evalayer"]
    with mock_aws():
        boto3.client("cloudformation").create_stack(StackName="evalayer", TemplateBody=stack)
        assert invoke(*arguments).exit_code == 0
        misspelt = invoke(*arguments, "--overwrite", "--stack-output", "FunctionAr")
        unknown = invoke(*arguments, "--overwrite", "--stack", "other")
    assert f"lambda_arn: {ARN}\n" in path.read_text(encoding="utf-8")
    assert "the stack evalayer has no output FunctionAr; did you mean FunctionArn?" in str(misspelt.exception)
    assert isinstance(unknown.exception, InputError)
    assert "the stack other: cloudformation:DescribeStacks: " in str(unknown.exception)


def test_without_boto3_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    result = invoke("new", tmp_path / "a.yaml", "--task", "gen_qa", "--model", "pro", "--stack", "evalayer")
    assert isinstance(result.exception, InputError)
    assert 'pip install "evalayer[lab]"' in str(result.exception)


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = json.loads(invoke("schema").output)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_the_schema_accepts_recipes(validator: Draft202012Validator) -> None:
    texts = [GOOD, (ROOT / "recipes" / "support_tickets.yaml").read_text(encoding="utf-8"), GOOD + "inference:\n"]
    texts += [GOOD.replace("task: gen_qa", f"task: {task}") for task in ("mmlu", "llm_judge", "something_new")]
    texts += ["run: {name: a, base_model_name: b}\nevaluation: {task: mmlu}\nprocessor: {aggregation: ''}\n"]
    for text in texts:
        assert [error.message for error in validator.iter_errors(loaded(text))] == []


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("name: a", "name: 1"),
        GOOD.replace("task: gen_qa, ", ""),
        GOOD + "inference: {top_logprobs: 21}\n",
        GOOD + "processor: {aggregation: mean}\n",
        GOOD.replace("task: gen_qa", "task: rft_eval"),
        "run: {name: a, base_model_name: b}\nevaluation: {task: mmlu}\noutput: {kms_key_id: 1}\n",
    ],
)
def test_the_schema_marks_what_is_wrong(validator: Draft202012Validator, text: str) -> None:
    assert not validator.is_valid(loaded(text))


def test_the_schema_explains_every_field(validator: Draft202012Validator) -> None:
    assert isinstance(validator.schema, dict)
    for name, definition in validator.schema["$defs"].items():
        assert definition["description"], name
        for field, described in definition["properties"].items():
            assert "$ref" in json.dumps(described) or described["description"], f"{name}.{field}"


def loaded(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def test_help_imports_nothing_heavy() -> None:
    code = "import sys, evalayer_lab.cli.recipe; print({'pydantic', 'boto3', 'ruamel.yaml'}.intersection(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
