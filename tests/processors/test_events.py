"""The payloads in events/ and what stands beside them."""

import json
from pathlib import Path
from typing import Any

import pytest

from app import lambda_handler
from evalayer import EvalayerError

EVENTS = Path(__file__).parents[2] / "events"
FILES = sorted(path for path in EVENTS.rglob("*.json") if not path.name.endswith(".expected.json"))


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(EVENTS)))
def test_an_event_gets_what_is_expected(path: Path) -> None:
    expected = read(path.with_suffix(".expected.json"))
    try:
        got = {"response": lambda_handler(read(path), None)}
    except EvalayerError as error:
        got = {"error": {"type": type(error).__name__, "message": str(error)}}
    assert got == expected
    assert ("error" in got) == (path.parent.name == "bad")


def test_every_expectation_belongs_to_an_event() -> None:
    expectations = {path.with_name(path.name.replace(".expected", "")) for path in EVENTS.rglob("*.expected.json")}
    assert expectations == set(FILES)


@pytest.mark.parametrize("folder", ["good", "bad"])
def test_both_process_types_have_good_and_bad_events(folder: str) -> None:
    events = [read(path) for path in FILES if path.parent.name == folder]
    kinds = {event.get("process_type") for event in events if isinstance(event, dict)}
    assert kinds >= {"preprocess", "postprocess"}
    assert any(isinstance(event, list) for event in events)


def test_a_reward_event_reports_what_a_postprocess_event_does() -> None:
    rewarded, *_ = read(EVENTS / "reward.expected.json")["response"]
    body = read(EVENTS / "postprocess.expected.json")["response"]["body"]
    numbers = {entry["name"]: entry["value"] for entry in rewarded["metrics_list"]}
    assert numbers == {entry["metric"]: entry["value"] for entry in body} | {"row.failed": 0.0}
