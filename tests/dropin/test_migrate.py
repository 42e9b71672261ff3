"""The function that the migration guide starts from does what the guide says of it."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "migrate.md"
NAMES = ("nova_custom_evaluation_sdk", "llm_eval_kit")


def code(fence: str) -> str:
    return "\n".join(
        re.findall(rf"^```{fence}\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    )


@pytest.fixture(params=NAMES)
def function(request: pytest.FixtureRequest, sdks: dict[str, SimpleNamespace]) -> dict[str, Any]:
    """The guide's function, under one of the two names."""
    assert set(sdks) <= set(sys.modules)
    namespace: dict[str, Any] = {}
    source = code("python no-run").replace(NAMES[0], request.param)
    exec(compile(source, str(GUIDE), "exec"), namespace)  # noqa: S102 (our own document)
    return namespace


@pytest.fixture
def task() -> dict[str, Any]:
    """The guide's task, and what it shows with it."""
    namespace: dict[str, Any] = {}
    exec(compile(code("python"), str(GUIDE), "exec"), namespace)  # noqa: S102 (our own document)
    return namespace


def test_both_prepare_a_row_alike(function: dict[str, Any], task: dict[str, Any]) -> None:
    for data in ({"prompt": "Capital of Peru?", "gold": "Lima"}, {"system": "Hi", "prompt": "", "gold": ""}):
        event = {"process_type": "preprocess", "data": data}
        answer = function["lambda_handler"](event, None)
        assert answer["body"]["prompt"].endswith("\nAnswer with one word.")
        assert answer == task["lambda_handler"](event, None)


def test_both_score_a_bare_answer_alike(function: dict[str, Any], task: dict[str, Any]) -> None:
    for output, expected in (("Lima", 1.0), (" Lima\n", 1.0), ("lima", 0.0), ("Cusco", 0.0)):
        data = {"prompt": "", "inference_output": output, "gold": "Lima"}
        event = {"process_type": "postprocess", "data": data}
        result = {"metric": "exact_match", "value": expected}
        assert function["lambda_handler"](event, None)["body"] == [result]
        assert result in task["lambda_handler"](event, None)["body"]


def test_only_the_task_unwraps_the_answer(function: dict[str, Any], task: dict[str, Any]) -> None:
    event = {**task["event"], "data": {**task["event"]["data"], "gold": "Paris"}}
    assert function["lambda_handler"](event, None)["body"] == [{"metric": "exact_match", "value": 0.0}]
    assert {"metric": "exact_match", "value": 1.0} in task["lambda_handler"](event, None)["body"]


def test_one_bad_number_takes_the_row_with_it(function: dict[str, Any]) -> None:
    namespace = function
    postprocess = namespace["postprocess"]
    body = [{"metric": "exact_match", "value": 1.0}, {"metric": "length", "value": None}]
    score = postprocess(lambda event, context: {"statusCode": 200, "body": body})
    event = {"process_type": "postprocess", "data": {"prompt": "", "inference_output": "", "gold": ""}}
    with pytest.raises(Exception, match=r"^Validation failed: .*body\.1\.value is null"):
        namespace["build_lambda_handler"](postprocessor=score)(event, None)


def test_the_message_is_the_one_shown(function: dict[str, Any]) -> None:
    with pytest.raises(Exception, match="Validation failed") as caught:
        function["lambda_handler"]({"process_type": "preprocess", "data": {"prompt": ""}}, None)
    message = str(caught.value).removeprefix("Validation failed: ")
    assert f"`{message}`" in GUIDE.read_text(encoding="utf-8")
