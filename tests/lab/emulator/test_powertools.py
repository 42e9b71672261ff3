"""The function as it is deployed: the built layer and Powertools, whose logs and metrics are what it prints."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from tests.lab.emulator.functions import ARCHITECTURES, EVENTS, expected, outcome

from evalayer_lab.function import RuntimeEmulator

REWARD_EVENTS = [path for path in EVENTS if path.name.startswith("reward")]
ROW_EVENTS = [path for path in EVENTS if path not in REWARD_EVENTS]
ROW_METRICS = {"Latency", "RowsScored", "RowsUnscored", "MetricsUnscored", "MetricErrors"}


def texts(value: Any) -> Iterator[str]:
    """Yield the lines of a row's texts, and of the JSON in them, plain and escaped, but for those of one word."""
    if isinstance(value, str):
        with suppress(ValueError):
            yield from texts(json.loads(value))
        for line in filter(lambda line: re.search(r"\w\W+\w", line), map(str.strip, value.splitlines())):
            yield line
            yield json.dumps(line)[1:-1]
            yield json.dumps(line, ensure_ascii=False)[1:-1]
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from texts(part)


def measured(line: dict[str, Any]) -> dict[str, float]:
    """Return the values of a line in CloudWatch's embedded metric format."""
    (described,) = line["_aws"]["CloudWatchMetrics"]
    assert described["Namespace"] == "evalayer"
    return {metric["Name"]: sum(line[metric["Name"]]) for metric in described["Metrics"]}


@pytest.fixture(scope="module", params=ARCHITECTURES)
def logs(
    request: pytest.FixtureRequest, start: Callable[..., RuntimeEmulator], built_function: Path, powertools: Path
) -> tuple[str, str]:
    """What one function printed for the events of rows, and then for the reward events; it answers them all alike."""
    emulator = start(built_function, "app.lambda_handler", request.param, powertools)
    for path in ROW_EVENTS:
        assert outcome(emulator, path.read_bytes()) == expected(path), path
    of_rows = emulator.log
    for path in REWARD_EVENTS:
        assert outcome(emulator, path.read_bytes()) == expected(path), path
    return of_rows, emulator.log.removeprefix(of_rows)


def test_powertools_logs_every_answer_and_changes_none(logs: tuple[str, str]) -> None:
    log, _ = logs
    events = [path.read_bytes() for path in ROW_EVENTS]
    requests = re.findall(r"^START RequestId: (\S+)", log, re.MULTILINE)
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    logged = [line for line in lines if "_aws" not in line]
    metrics = [measured(line) for line in lines if "_aws" in line]
    rows = [
        (request, json.loads(event))
        for request, event, path in zip(requests, events, ROW_EVENTS, strict=True)
        if isinstance(answer := expected(path), bytes) and json.loads(answer)["statusCode"] == 200
    ]
    assert len(rows) > 10

    answered = [line for line in logged if line["message"] == "answered"]
    for line, (request, event) in zip(answered, rows, strict=True):
        named = f"{event['data']['prompt']}\0{event['data']['gold']}"
        assert (line["level"], line["function_request_id"]) == ("INFO", request)
        assert (line["task"], line["process_type"]) == ("support_tickets", event["process_type"])
        assert line["row_hash"] == sha256(named.encode()).hexdigest()[:16]
    assert [line["function_request_id"] for line in logged] == requests
    assert [line["cold_start"] for line in logged] == [True] + [False] * (len(events) - 1)

    assert [values for values in metrics if "ColdStart" in values] == [{"ColdStart": 1.0}]
    assert sum(values.get("EventErrors", 0.0) for values in metrics) == len(events) - len(rows)
    scored = [values for values in metrics if "RowsScored" in values]
    assert all(values.keys() == ROW_METRICS for values in scored)
    assert [(values["RowsUnscored"], values["MetricsUnscored"]) for values in scored] == [
        (float(bool(line["unscored"])), float(len(line["unscored"])))
        for line in answered
        if line["process_type"] == "postprocess"
    ]
    assert {values["RowsScored"] + values["RowsUnscored"] for values in scored} == {1.0}
    assert sum("Latency" in values for values in metrics) == len(rows)

    assert_quotes_no_row(log, events)


def test_powertools_logs_every_row_of_a_reward_event(logs: tuple[str, str]) -> None:
    _, log = logs
    events = [path.read_bytes() for path in REWARD_EVENTS]
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    answered = [line for line in lines if line.get("message") == "answered"]
    assert len(answered) > len(events)
    assert {line["process_type"] for line in answered} == {"reward"}
    assert_quotes_no_row(log, events)


def assert_quotes_no_row(log: str, events: list[bytes]) -> None:
    """No text of a row stands in the log."""
    for event in events:
        payload = json.loads(event)
        for text in texts(payload.get("data", payload.get("body")) if isinstance(payload, dict) else payload):
            assert text not in log
