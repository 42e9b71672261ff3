"""The built layer and function, run as Lambda runs them, on x86_64 or this machine's architecture and on arm64."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.lab.emulator.functions import ARCHITECTURES, EVENTS, NATIVE, SDK_FUNCTION, expected, outcome

from evalayer import PayloadTooLarge
from evalayer_lab.function import FunctionFailed, RuntimeEmulator

LIMIT = 6 * 1024 * 1024
SDK_EVENTS = [
    {"process_type": "preprocess", "data": {"system": None, "prompt": "Où est-il ? " * 9, "gold": "là"}},
    {"process_type": "postprocess", "data": {"prompt": "?", "inference_output": "Il est là", "gold": "il est ici"}},
    {"process_type": "postprocess", "data": {"prompt": "?", "inference_output": "", "gold": ""}},
    {"process_type": "train", "data": {}},
    {"process_type": "postprocess", "data": {"prompt": "?", "gold": "x"}},
]


def test_every_event_gets_the_bytes_that_are_expected(
    start: Callable[..., RuntimeEmulator], built_function: Path
) -> None:
    """Without Powertools; test_powertools.py sends the same events to a function with it, on each architecture."""
    emulator = start(built_function, "app.lambda_handler", NATIVE)
    for path in EVENTS:
        assert outcome(emulator, path.read_bytes()) == expected(path), path
    assert len(EVENTS) > 30


def test_python312_answers_with_the_same_bytes(
    built_layer: Callable[..., Path], built_function: Path, powertools: Path, python312: str
) -> None:
    """The other runtime of the template, with its own build of the layer."""
    layers = [built_layer(NATIVE, "python3.12"), powertools]
    with RuntimeEmulator(function=built_function, layers=layers, python=python312) as emulator:
        for path in EVENTS:
            assert outcome(emulator, path.read_bytes()) == expected(path), path
        assert emulator.log.count('"message":"answered"') > 10


@pytest.mark.parametrize("name", ["nova_custom_evaluation_sdk", "llm_eval_kit"])
def test_a_function_for_the_sdk_does_too(
    name: str,
    start: Callable[..., RuntimeEmulator],
    sdk_outcomes: list[bytes | tuple[str, str]],
    tmp_path: Path,
) -> None:
    source = SDK_FUNCTION.replace("nova_custom_evaluation_sdk", name)
    (tmp_path / "app.py").write_text(source, encoding="utf-8")
    for architecture in ARCHITECTURES:
        emulator = start(tmp_path, "app.lambda_handler", architecture)
        assert [outcome(emulator, json.dumps(event).encode()) for event in SDK_EVENTS] == sdk_outcomes


@pytest.fixture
def sdk_outcomes() -> list[bytes | tuple[str, str]]:
    """What the function must answer, by hand."""
    prepared = {"system": "Réponds en un mot.", "prompt": ("Où est-il ? " * 9)[:40], "gold": "là"}
    responses = [
        {"statusCode": 200, "body": prepared},
        {"statusCode": 200, "body": [{"metric": "overlap", "value": 0.5}, {"metric": "words", "value": 3}]},
        {"statusCode": 200, "body": [{"metric": "overlap", "value": 0.0}, {"metric": "words", "value": 0}]},
        {"statusCode": 400, "body": {"error": "Unsupported process_type: train"}},
    ]
    message = "Validation failed: PostprocessingPayload: data.inference_output is missing"
    return [
        *(json.dumps(response, ensure_ascii=False).encode() for response in responses),
        ("PostprocessError", message),
    ]


def test_a_response_of_more_than_lambda_carries_is_refused_by_name(
    start: Callable[..., RuntimeEmulator], built_function: Path
) -> None:
    emulator = start(built_function, "app.lambda_handler", NATIVE)

    def event(characters: int) -> bytes:
        row = {"prompt": "é" * characters, "gold": ""}
        return json.dumps({"process_type": "preprocess", "data": row}, ensure_ascii=False).encode()

    overhead = len(emulator.invoke(event(1))) - len("é".encode())
    most = (LIMIT - overhead) // 2
    response = emulator.invoke(event(most))
    assert LIMIT - 1 <= len(response) <= LIMIT
    assert json.loads(response)["body"]["prompt"].count("é") == most
    with pytest.raises(FunctionFailed, match=r"^PayloadTooLarge: the response has 6,291,4\d\d bytes") as caught:
        emulator.invoke(event(most + 5))
    assert caught.value.error_type == "PayloadTooLarge"
    with pytest.raises(PayloadTooLarge, match=r"^the event has 6,\d{3},\d{3} bytes; Lambda accepts at most 6,291,456$"):
        emulator.invoke(event(LIMIT // 2))
    assert outcome(emulator, EVENTS[0].read_bytes())


def test_nothing_of_this_environment_can_be_imported(probed: RuntimeEmulator, built_layer: Callable[..., Path]) -> None:
    for name in ("evalayer", "click", "jsonschema", "pip", "samcli"):
        assert probed.invoke(json.dumps({"do": "can_import", "name": name}).encode()) == b"false"
    assert probed.invoke(b'{"do": "can_import", "name": "json"}') == b"true"
    assert "evalayer" in sys.modules
    assert (built_layer(NATIVE) / "python" / "evalayer").is_dir()
