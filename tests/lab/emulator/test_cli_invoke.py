"""`evalayer invoke --runtime`."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.lab.emulator.functions import NATIVE, ROOT

from evalayer_lab.cli.invoke import invoke

EVENTS = ROOT / "events"


@pytest.fixture
def run(built_layer: Callable[..., Path], built_function: Path, python: str) -> Callable[..., Result]:
    """Return a function that sends an event to the built artefacts."""

    def send(event: Path, *options: str) -> Result:
        built = ["--layer", str(built_layer(NATIVE)), "--function", str(built_function), "--python", python]
        arguments = [str(event), "--runtime", *built, *options]
        return CliRunner().invoke(invoke, arguments, catch_exceptions=False)

    return send


def test_it_prints_what_this_process_would_answer(run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for name in ("postprocess.json", "good/unknown_process_type.json"):
        here = CliRunner().invoke(invoke, [str(EVENTS / name)], catch_exceptions=False)
        there = run(EVENTS / name)
        assert (there.exit_code, there.stdout) == (here.exit_code, here.stdout)


def test_an_error_of_the_function_is_printed_by_name(run: Callable[..., Result]) -> None:
    result = run(EVENTS / "bad" / "missing_gold.json")
    assert result.exit_code == 1
    assert result.output.startswith("InvalidEvent: data.gold is missing; ")
    result = run(EVENTS / "postprocess.json", "--handler", "ap.lambda_handler")
    assert result.exit_code == 1
    assert result.output.startswith("Runtime.ImportModuleError: Unable to import module 'ap'")


def test_a_large_event_is_refused(run: Callable[..., Result], tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_bytes(b'"' + b"x" * (6 * 1024 * 1024) + b'"')
    result = run(event)
    assert result.exit_code == 1
    assert result.output == "PayloadTooLarge: the event has 6,291,458 bytes; Lambda accepts at most 6,291,456\n"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--arm64"], "go with --runtime"),
        (["--layer", "x"], "go with --runtime"),
        (["--runtime"], "nothing was built; run `sam build`, or give --layer"),
        (["--runtime", "--layer", "x", "--handler", "app.py:lambda_handler"], "such as app.lambda_handler"),
    ],
)
def test_usage(options: list[str], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(invoke, [str(EVENTS / "postprocess.json"), *options])
    assert result.exit_code == 2
    assert reason in result.output


def test_what_sam_built_is_the_default(
    built_layer: Callable[..., Path], built_function: Path, python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = tmp_path / ".aws-sam" / "build"
    built.mkdir(parents=True)
    (built / "EvalayerLayer").symlink_to(built_layer(NATIVE))
    (built / "EvaluationFunction").symlink_to(built_function)
    monkeypatch.chdir(tmp_path)
    arguments = [str(EVENTS / "postprocess.json"), "--runtime", "--python", python]
    assert CliRunner().invoke(invoke, arguments, catch_exceptions=False).exit_code == 0


@pytest.mark.parametrize(
    ("built", "options", "missing"),
    [
        ([], [], "--layer"),
        (["EvaluationFunction"], [], "--layer"),
        (["EvaluationFunction"], ["--function", "code"], "--layer"),
        (["EvalayerLayer"], [], "--function"),
        (["evalayer.json"], [], "--layer"),
    ],
)
def test_a_build_that_left_nothing_to_run_is_a_usage_error(
    built: list[str], options: list[str], missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("processors", ".aws-sam/build", *(f".aws-sam/build/{name}" for name in built)):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(invoke, [str(EVENTS / "postprocess.json"), "--runtime", *options])
    assert result.exit_code == 2
    assert result.output.endswith(f"Error: nothing was built; run `sam build`, or give {missing}\n")


def test_with_a_layer_the_function_may_be_its_source(
    built_layer: Callable[..., Path], python: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "processors").symlink_to(ROOT / "processors")
    monkeypatch.chdir(tmp_path)
    arguments = [str(EVENTS / "postprocess.json"), "--runtime", "--layer", str(built_layer(NATIVE)), "--python", python]
    assert CliRunner().invoke(invoke, arguments, catch_exceptions=False).exit_code == 0


def test_the_environment_chooses_the_task(run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVALAYER_TASK", "another_task")
    result = run(EVENTS / "postprocess.json")
    assert result.exit_code == 1
    assert "No module named 'another_task'" in result.output


def test_the_help_says_what_the_function_gets() -> None:
    words = " ".join(CliRunner().invoke(invoke, ["--help"]).output.split())
    assert "sees the EVALAYER_* and POWERTOOLS_* variables of the environment" in words
    assert "such as Powertools, is not there with --runtime unless --layer gives it" in words
