"""The drop-in modules: names, messages, what is passed on, and that both import names are one package."""

import json
import os
import subprocess
import sys
from abc import ABC
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

DROPIN = Path(__file__).parents[2] / "layer" / "dropin"
BEFORE = {"process_type": "preprocess", "data": {"prompt": "2 + 2?", "gold": "4"}}
AFTER = {"process_type": "postprocess", "data": {"prompt": "2 + 2?", "inference_output": "four", "gold": "4"}}
WORDS = "the row's own words"

EXPORTS = {
    "processors.decorators": {"preprocess", "postprocess"},
    "processors.pre_processor": {"PreProcessor"},
    "processors.post_processor": {"PostProcessor"},
    "processors.processor": {"Processor"},
    "processors.exceptions": {"ProcessorError", "PreprocessError", "PostprocessError"},
    "lambda_handler": {"build_lambda_handler"},
    "model.models": {
        "MetricResult",
        "PostprocessingDataItem",
        "PostprocessingPayload",
        "PostprocessingResponse",
        "PreprocessingData",
        "PreprocessingPayload",
        "PreprocessingResponse",
        "PreprocessingResponseBody",
        "ProcessType",
        "ValidationError",
    },
}


def echo(event: Any, context: Any) -> Any:
    """Give the row back."""
    data = event["data"]
    return {"statusCode": 200, "body": {"prompt": data["prompt"], "gold": data["gold"]}}


def one(event: Any, context: Any) -> Any:
    return {"statusCode": 200, "body": [{"metric": "one", "value": 1}]}


def test_modules_export_what_they_did(sdk: SimpleNamespace) -> None:
    assert {path: set(module.__all__) for path, module in sdk.modules.items()} == EXPORTS


def test_both_names_hold_the_same_objects(sdks: dict[str, SimpleNamespace]) -> None:
    old, new = sdks.values()
    for path, names in EXPORTS.items():
        for name in names:
            assert getattr(old.modules[path], name) is getattr(new.modules[path], name)


def test_errors_and_processors_cross_names(sdks: dict[str, SimpleNamespace]) -> None:
    old, new = sdks.values()
    processor = old.preprocess(echo)
    assert isinstance(processor, new.PreProcessor)
    assert new.build_lambda_handler(preprocessor=processor)(BEFORE, None)["statusCode"] == 200
    with pytest.raises(new.PreprocessError):
        processor.process({}, None)


def test_standard_library_alone() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from nova_custom_evaluation_sdk.lambda_handler import build_lambda_handler\n"
        "from llm_eval_kit.lambda_handler import build_lambda_handler as other\n"
        "from llm_eval_kit.processors.decorators import preprocess\n"
        "assert build_lambda_handler is other\n"
        "foreign = {name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names)\n"
        "print(sorted(foreign))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-W", "error", "-c", code, str(DROPIN)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    expected = "['__main__', '_evalayer_dropin', 'llm_eval_kit', 'nova_custom_evaluation_sdk']"
    assert done.stdout.strip() == expected


@pytest.mark.parametrize("decorator", ["preprocess", "postprocess"])
def test_decoration_counts_parameters(sdk: SimpleNamespace, decorator: str) -> None:
    def none() -> None: ...
    def single(data: Any) -> None: ...
    def three(data: Any, context: Any, extra: Any = None) -> None: ...
    def star(*args: Any) -> None: ...

    for function, count in ((none, 0), (single, 1), (three, 3), (star, 1)):
        with pytest.raises(TypeError) as caught:
            getattr(sdk, decorator)(function)
        name = function.__name__
        assert str(caught.value) == f"Function {name} must have exactly 2 parameters (data, context), got {count}"


def test_decoration_takes_any_callable_of_two(sdk: SimpleNamespace) -> None:
    class Scorer:
        def __call__(self, event: Any, context: Any) -> Any:
            return one(event, context)

    scorer = sdk.postprocess(Scorer())
    assert scorer.__name__ == "PostProcessor"
    assert scorer.process(AFTER, None)["body"] == [{"metric": "one", "value": 1}]
    with pytest.raises(TypeError, match=r"^Function Scorer must have exactly 2 parameters"):
        sdk.postprocess(type("Scorer", (), {"__call__": lambda self: None})())


def test_a_decorated_function_is_a_processor(sdk: SimpleNamespace) -> None:
    processor = sdk.preprocess(echo)
    assert type(processor) is sdk.PreProcessor
    assert isinstance(processor, sdk.Processor)
    assert processor.func is echo
    assert (processor.__name__, processor.__doc__) == ("echo", "Give the row back.")
    assert not callable(processor)
    assert type(sdk.postprocess(one)) is sdk.PostProcessor


def test_processor_is_abstract(sdk: SimpleNamespace) -> None:
    assert issubclass(sdk.Processor, ABC)
    with pytest.raises(TypeError, match="abstract"):
        sdk.Processor()

    class Fixed(sdk.Processor):  # type: ignore[name-defined,misc]
        def process(self, data: Any, context: Any) -> Any:
            return {"statusCode": 200, "body": context}

    handler = sdk.build_lambda_handler(preprocessor=Fixed())
    assert handler({"process_type": "preprocess"}, "context") == {"statusCode": 200, "body": "context"}


def test_exceptions_have_one_base(sdk: SimpleNamespace) -> None:
    assert sdk.PreprocessError.__mro__[1:3] == (sdk.ProcessorError, Exception)
    assert sdk.PostprocessError.__mro__[1:3] == (sdk.ProcessorError, Exception)


def test_the_function_gets_the_whole_event(sdk: SimpleNamespace) -> None:
    seen: list[Any] = []

    def keep(event: Any, context: Any) -> Any:
        seen.append((event, context))
        return echo(event, context)

    context = object()
    assert sdk.build_lambda_handler(sdk.preprocess(keep))(BEFORE, context) == {
        "statusCode": 200,
        "body": {"system": None, "prompt": "2 + 2?", "gold": "4"},
    }
    assert seen[0][0] is BEFORE
    assert seen[0][1] is context


def test_an_invalid_event_never_reaches_the_function(sdk: SimpleNamespace) -> None:
    def unreachable(event: Any, context: Any) -> Any:
        raise AssertionError

    with pytest.raises(sdk.PostprocessError, match=r"^Validation failed: "):
        sdk.postprocess(unreachable).process({**AFTER, "data": [AFTER["data"]]}, None)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"prompt": WORDS}, "data.gold is missing"),
        ({"prompt": WORDS, "gold": None}, "data.gold is null; it must be text"),
        ({"prompt": WORDS, "gold": [WORDS]}, "data.gold is a list; it must be text"),
        ({"prompt": WORDS, "gold": b"\xff"}, "data.gold holds bytes that are not UTF-8 text"),
        ({"prompt": WORDS, "gold": "", "notes": WORDS}, "data.notes is not a known field"),
        ({"prompt": WORDS, "gold": "", "x" * 100: 1}, f"data.{'x' * 60}… is not a known field"),
        ({"prompt": WORDS, "gold": "", "\ud800": 1}, r"data.\ud800 is not a known field"),
        ({"prompt": 1, "system": 2}, "data.system is a number; it must be text; data.prompt is a number; it must be"),
        ({"prompt": WORDS, "gold": "", 1: 2}, "data has a key that is not text"),
        (WORDS, "data is text; it must be an object"),
        (set(), "data is of type set; it must be an object"),
    ],
)
def test_validation_names_fields_and_quotes_no_row(sdk: SimpleNamespace, data: Any, says: str) -> None:
    with pytest.raises(sdk.PreprocessError) as caught:
        sdk.preprocess(echo).process({"process_type": "preprocess", "data": data}, None)
    message = str(caught.value)
    assert message.startswith(f"Validation failed: PreprocessingPayload: {says}")
    assert WORDS not in message
    assert isinstance(caught.value.__cause__, sdk.ValidationError)
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize(
    ("response", "says"),
    [
        ({"statusCode": 500, "body": []}, "statusCode must be 200"),
        ({"statusCode": True, "body": []}, "statusCode must be 200"),
        ({"body": []}, "statusCode is missing"),
        ({"statusCode": 200}, "body is missing"),
        ({"statusCode": 200, "body": "[]"}, "body is text; it must be a list"),
        ({"statusCode": 200, "body": {}}, "body is an object; it must be a list"),
        ({"statusCode": 200, "body": [{"metric": "f1"}]}, "body.0.value is missing"),
        ({"statusCode": 200, "body": [{"metric": "f1", "value": None}]}, "body.0.value is null; it must be a number"),
        ({"statusCode": 200, "body": [["f1", 1]]}, "body.0 is a list; it must be an object"),
        ({"statusCode": 200, "body": [], "headers": {}}, "headers is not a known field"),
    ],
)
def test_responses_are_validated(sdk: SimpleNamespace, response: Any, says: str) -> None:
    with pytest.raises(sdk.PostprocessError) as caught:
        sdk.postprocess(lambda event, context: response).process(AFTER, None)
    assert str(caught.value) == f"Validation failed: PostprocessingResponse: {says}"


def test_a_message_is_bounded(sdk: SimpleNamespace) -> None:
    body = [{"metric": "f1"}] * 1000
    with pytest.raises(sdk.PostprocessError, match=r"body\.9\.value is missing; and 990 more$"):
        sdk.postprocess(lambda event, context: {"statusCode": 200, "body": body}).process(AFTER, None)


def test_each_processor_refuses_the_other_s_event(sdk: SimpleNamespace) -> None:
    with pytest.raises(sdk.PreprocessError, match='process_type must be "preprocess"'):
        sdk.preprocess(echo).process({**BEFORE, "process_type": "postprocess"}, None)
    with pytest.raises(sdk.PostprocessError, match='process_type must be "postprocess"'):
        sdk.postprocess(one).process({**AFTER, "process_type": "preprocess"}, None)


def test_failures_are_wrapped_and_chained(sdk: SimpleNamespace) -> None:
    def fails(event: Any, context: Any) -> Any:
        raise KeyError("answer")

    handler = sdk.build_lambda_handler(sdk.preprocess(fails), sdk.postprocess(fails))
    with pytest.raises(sdk.PreprocessError) as before:
        handler(BEFORE, None)
    assert str(before.value) == "Preprocessing failed: 'answer'"
    assert isinstance(before.value.__cause__, KeyError)
    with pytest.raises(sdk.PostprocessError) as after:
        handler(AFTER, None)
    assert str(after.value) == "PostProcessor failed: 'answer'"
    assert isinstance(after.value.__cause__, KeyError)


def test_an_event_or_response_that_is_no_object_fails(sdk: SimpleNamespace) -> None:
    with pytest.raises(sdk.PreprocessError, match=r"^Preprocessing failed: .*must be a mapping"):
        sdk.preprocess(echo).process(None, None)
    with pytest.raises(sdk.PostprocessError, match=r"^PostProcessor failed: .*must be a mapping"):
        sdk.postprocess(lambda event, context: None).process(AFTER, None)


def test_an_exit_is_not_caught(sdk: SimpleNamespace) -> None:
    def leaves(event: Any, context: Any) -> Any:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        sdk.postprocess(leaves).process(AFTER, None)


@pytest.mark.parametrize(
    ("event", "shown"),
    [({"process_type": "train"}, "train"), ({}, "None"), ({"process_type": ["preprocess"]}, "['preprocess']")],
)
def test_an_unknown_process_type_is_answered(sdk: SimpleNamespace, event: Any, shown: str) -> None:
    handler = sdk.build_lambda_handler(sdk.preprocess(echo), sdk.postprocess(one))
    assert handler(event, None) == {"statusCode": 400, "body": {"error": f"Unsupported process_type: {shown}"}}


def test_a_missing_processor_is_answered(sdk: SimpleNamespace) -> None:
    refused = {"statusCode": 400, "body": {"error": "Unsupported process_type: preprocess"}}
    assert sdk.build_lambda_handler(postprocessor=sdk.postprocess(one))(BEFORE, None) == refused
    refused = {"statusCode": 400, "body": {"error": "Unsupported process_type: postprocess"}}
    assert sdk.build_lambda_handler(preprocessor=sdk.preprocess(echo))(AFTER, None) == refused


def test_models_hold_their_fields(sdk: SimpleNamespace) -> None:
    response = sdk.PostprocessingResponse(
        statusCode="200", body=({"metric": "f1", "value": 1}, {"metric": "em", "value": "0.5"})
    )
    assert response.body == [sdk.MetricResult(metric="f1", value=1), sdk.MetricResult(metric="em", value=0.5)]
    plain = {"statusCode": 200, "body": [{"metric": "f1", "value": 1}, {"metric": "em", "value": 0.5}]}
    assert response.dict() == response.model_dump() == plain
    assert repr(response.body[0]) == "MetricResult(metric='f1', value=1)"
    assert response != plain
    payload = sdk.PreprocessingPayload(**BEFORE)
    assert payload.process_type is sdk.ProcessType.PREPROCESS
    assert payload.data.system is None
    assert payload.model_dump()["data"] == {"system": None, "prompt": "2 + 2?", "gold": "4"}
    assert sdk.PostprocessingPayload(**AFTER).data.inference_output == "four"


def test_a_function_may_answer_with_models(sdk: SimpleNamespace) -> None:
    def score(event: Any, context: Any) -> Any:
        return {"statusCode": 200, "body": [sdk.MetricResult(metric="one", value=1)]}

    assert sdk.postprocess(score).process(AFTER, None) == {"statusCode": 200, "body": [{"metric": "one", "value": 1}]}

    def wrong(event: Any, context: Any) -> Any:
        return sdk.MetricResult(metric="one")

    with pytest.raises(sdk.PostprocessError, match=r"^Validation failed: MetricResult: value is missing$"):
        sdk.postprocess(wrong).process(AFTER, None)


def test_process_type_formats_as_it_did(sdk: SimpleNamespace) -> None:
    assert sdk.ProcessType("preprocess") == "preprocess"
    assert f"{sdk.ProcessType.PREPROCESS}" == "ProcessType.PREPROCESS"
    assert json.dumps(sdk.ProcessType.POSTPROCESS) == '"postprocess"'


FUNCTION = """
import string

from SDK.processors.decorators import preprocess, postprocess
from SDK.lambda_handler import build_lambda_handler


@preprocess
def preprocessor(event: dict, context) -> dict:
    data = event.get("data", {})
    system = data.get("system") or "You answer in one word."
    return {
        "statusCode": 200,
        "body": {"system": system, "prompt": data.get("prompt", "").strip(), "gold": data.get("gold", "")},
    }


def words(text):
    return text.lower().translate(str.maketrans("", "", string.punctuation)).split()


@postprocess
def postprocessor(event: dict, context) -> dict:
    data = event.get("data", {})
    answer, gold = words(data.get("inference_output", "")), words(data.get("gold", ""))
    metrics = [{"metric": "wrong", "value": 0 if answer == gold else 1.0}]
    metrics.append({"metric": "length_ratio", "value": len(answer) / len(gold)})
    return {"statusCode": 200, "body": metrics}


lambda_handler = build_lambda_handler(preprocessor=preprocessor, postprocessor=postprocessor)
"""

RUNTIME = """
import importlib, json, sys
handler = importlib.import_module("lambda_function").lambda_handler
for line in sys.stdin:
    try:
        answer = handler(json.loads(line), None)
    except Exception as error:
        answer = {"errorType": type(error).__name__, "errorMessage": str(error)}
    sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\\n")
"""

EVENTS = [
    {"process_type": "preprocess", "data": {"system": "Sé breve", "prompt": " ¿Capital de Perú? ", "gold": "Lima"}},
    {"process_type": "preprocess", "data": {"prompt": "Capital of Peru?", "gold": "Lima"}},
    {"process_type": "postprocess", "data": {"prompt": "", "inference_output": "It is Lima.", "gold": "Lima"}},
    {"process_type": "postprocess", "data": {"prompt": "", "inference_output": "lima!", "gold": "Lima"}},
    {"process_type": "postprocess", "data": {"prompt": "", "inference_output": "lima!", "gold": ""}},
    {"process_type": "postprocess", "data": {"prompt": "", "inference_output": "lima!"}},
    {"process_type": "evaluate", "data": {}},
]
ANSWERS = [
    '{"statusCode": 200, "body": {"system": "Sé breve", "prompt": "¿Capital de Perú?", "gold": "Lima"}}',
    '{"statusCode": 200, "body": {"system": "You answer in one word.", "prompt": "Capital of Peru?", "gold": "Lima"}}',
    '{"statusCode": 200, "body": [{"metric": "wrong", "value": 1.0}, {"metric": "length_ratio", "value": 3.0}]}',
    '{"statusCode": 200, "body": [{"metric": "wrong", "value": 0}, {"metric": "length_ratio", "value": 1.0}]}',
    '{"errorType": "PostprocessError", "errorMessage": "PostProcessor failed: division by zero"}',
    '{"errorType": "PostprocessError", '
    '"errorMessage": "Validation failed: PostprocessingPayload: data.gold is missing"}',
    '{"statusCode": 400, "body": {"error": "Unsupported process_type: evaluate"}}',
]


def test_a_function_for_the_sdk_runs_under_both_names(tmp_path: Path) -> None:
    printed: list[bytes] = []
    for name in ("nova_custom_evaluation_sdk", "llm_eval_kit"):
        function = tmp_path / name / "lambda_function.py"
        function.parent.mkdir()
        function.write_text(FUNCTION.replace("SDK", name), encoding="utf-8")
        path = os.pathsep.join([str(function.parent), str(DROPIN)])
        done = subprocess.run(
            [sys.executable, "-S", "-B", "-W", "error", "-c", RUNTIME],
            env={"PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"},
            input="".join(f"{json.dumps(event)}\n" for event in EVENTS).encode(),
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        printed.append(done.stdout)
    assert printed[0] == printed[1]
    assert printed[0].decode().splitlines() == ANSWERS
