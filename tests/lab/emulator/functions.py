"""What the tests of the emulator share."""

import json
import platform
from pathlib import Path

from evalayer_lab.function import FunctionFailed, RuntimeEmulator

ROOT = Path(__file__).parents[3]
NATIVE = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
ARCHITECTURES = sorted({NATIVE, "arm64"})
EVENTS = sorted(path for path in (ROOT / "events").rglob("*.json") if not path.name.endswith(".expected.json"))

PROBE = """
import os, sys, time

def lambda_handler(event, context):
    return globals()[event["do"]](event)

def many(event):
    return "x" * (event["bytes"] - 2)

def length(event):
    return [len(event["text"]), event["text"][-1]]

def interpreter(event):
    return sys.executable

def environment(event):
    return dict(os.environ)

def can_import(event):
    try:
        __import__(event["name"])
    except ImportError:
        return False
    return True

def leave(event):
    sys.exit(3)

def wait(event):
    time.sleep(event["seconds"])
    print("the function has waited")

def breed(event):
    import subprocess
    children = [subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL) for _ in range(2)]
    return [os.getpid(), os.getppid(), *(child.pid for child in children)]

def report(event):
    print("the function was here")
    return {"errorType": "mine", "errorMessage": "mine", "more": 1}
"""


# A function as users of the AWS SDK write it.
SDK_FUNCTION = """
from typing import Any

from nova_custom_evaluation_sdk.lambda_handler import build_lambda_handler
from nova_custom_evaluation_sdk.processors.decorators import postprocess, preprocess


@preprocess
def shorten(event: dict[str, Any], context: Any) -> dict[str, Any]:
    row = event["data"]
    body = {"system": "Réponds en un mot.", "prompt": row["prompt"][:40], "gold": row["gold"]}
    return {"statusCode": 200, "body": body}


@postprocess
def overlap(event: dict[str, Any], context: Any) -> dict[str, Any]:
    row = event["data"]
    said, wanted = (set(row[name].lower().split()) for name in ("inference_output", "gold"))
    shared = len(said & wanted) / max(len(said | wanted), 1)
    return {
        "statusCode": 200,
        "body": [{"metric": "overlap", "value": shared}, {"metric": "words", "value": len(said)}],
    }


lambda_handler = build_lambda_handler(preprocessor=shorten, postprocessor=overlap)
"""


def outcome(emulator: RuntimeEmulator, event: bytes) -> bytes | tuple[str, str]:
    """Return a response's bytes, or an error's type and message."""
    try:
        return emulator.invoke(event)
    except FunctionFailed as error:
        return error.error_type, error.error_message


def expected(event: Path) -> bytes | tuple[str, str]:
    """Return what must come for one of the events."""
    wanted = json.loads(event.with_suffix(".expected.json").read_text(encoding="utf-8"))
    if "error" in wanted:
        return wanted["error"]["type"], wanted["error"]["message"]
    return json.dumps(wanted["response"], ensure_ascii=False).encode()
