"""`evalayer invoke` in this process: what a handler may do to it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

EVENT = {"process_type": "postprocess", "data": {"prompt": "p", "inference_output": "a", "gold": "a"}}


def _invoke(folder: Path, body: str, event: str = json.dumps(EVENT)) -> subprocess.CompletedProcess[str]:
    (folder / "own.py").write_text(f"import sys\n\ndef lambda_handler(event, context):\n    {body}\n")
    (folder / "event.json").write_text(event)
    command = [sys.executable, "-m", "evalayer_lab", "invoke", "event.json", "--handler", "own.py"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_what_a_handler_prints_is_not_its_response(tmp_path: Path) -> None:
    done = _invoke(tmp_path, "print('hello'); return {'statusCode': 200, 'body': []}")
    assert json.loads(done.stdout) == {"statusCode": 200, "body": []}
    assert done.stderr == "hello\n"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("sys.exit(0)", "SystemExit: 0"),
        ("raise KeyError('x')", "KeyError: 'x'"),
        ("return {'statusCode': 200, 'body': {1, 2}}", "InvalidResponse: Lambda cannot send"),
        ("return {'statusCode': 200, 'body': float('nan')}", "InvalidResponse: Lambda cannot send"),
        ("return '\\ud800'", "InvalidResponse: Lambda cannot send"),
    ],
)
def test_a_handler_that_fails_exits_with_1_and_a_name(tmp_path: Path, body: str, message: str) -> None:
    done = _invoke(tmp_path, body)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(message)
    assert "Traceback" not in done.stderr


def test_a_response_that_is_no_object_is_shown_and_exits_with_1(tmp_path: Path) -> None:
    done = _invoke(tmp_path, "return 7")
    assert (done.returncode, done.stdout) == (1, "7\n")


@pytest.mark.parametrize("event", ["{", "", "\x00", "9" * 5000])
def test_an_event_that_is_no_json_is_named(tmp_path: Path, event: str) -> None:
    done = _invoke(tmp_path, "return 7", event)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: event.json")
