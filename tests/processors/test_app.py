"""What Lambda calls: plain outside Lambda, observed in Lambda, plain in Lambda without Powertools."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import app
from evalayer import LambdaHandler
from support_tickets import task

ROOT = Path(__file__).parents[2]
WORDS = "quokka"
GOLD = '{"class": "network", "thought": "quokka", "description": "quokka"}'
ANSWER = '{"class": "network", "thought": "The quokka fails at home only.", "description": "Check the quokka tunnel."}'
PREPROCESS = {"process_type": "preprocess", "data": {"prompt": WORDS, "gold": GOLD}}
POSTPROCESS = {"process_type": "postprocess", "data": {"prompt": WORDS, "inference_output": ANSWER, "gold": GOLD}}
EMPTY = {"process_type": "postprocess", "data": {"prompt": WORDS, "inference_output": "", "gold": GOLD}}
INVALID = {"process_type": "postprocess", "data": {"prompt": WORDS}}
SETTINGS = ("AWS_", "EVALAYER_", "POWERTOOLS_", "_X_AMZN_", "LAMBDA_")

DRIVER = """
import json, sys
from types import SimpleNamespace

if {without_powertools}:
    sys.modules["aws_lambda_powertools"] = None
import app, support_tickets

if {broken}:
    def broken(completion):
        raise ValueError(completion.prompt)
    support_tickets.task.metrics[-1].function = broken
if {unprepared}:
    def unprepared(sample):
        raise KeyError(sample.prompt)
    support_tickets.task._preprocess = unprepared
context = SimpleNamespace(
    function_name="tickets", memory_limit_in_mb=256, aws_request_id="request-7",
    invoked_function_arn="arn:aws:lambda:us-east-1:111122223333:function:tickets",
)
answers = []
for event in json.load(sys.stdin):
    try:
        answers.append(app.lambda_handler(event, context))
    except Exception as error:
        answers.append({{"error": type(error).__name__}})
traced = sorted(name for name in sys.modules if name == "aws_xray_sdk")
task, aggregation = app.lambda_handler.task.name, app.lambda_handler.aggregation
print(json.dumps({{"answers": answers, "task": task, "aggregation": aggregation, "traced": traced}}), file=sys.stderr)
"""


class Ran:
    """What one Lambda environment answered, and what it wrote for CloudWatch."""

    def __init__(self, *events: object, variables: dict[str, str] | None = None, **switches: bool) -> None:
        switches = {"without_powertools": False, "broken": False, "unprepared": False, **switches}
        environment = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
        environment |= {"AWS_LAMBDA_FUNCTION_NAME": "tickets", **(variables or {})}
        environment["PYTHONPATH"] = str(ROOT / "processors")
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", DRIVER.format(**switches)],
            input=json.dumps(events), capture_output=True, text=True, check=False, env=environment, cwd=ROOT,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        *self.errors, report = done.stderr.splitlines()
        self.report: dict[str, Any] = json.loads(report)
        self.answers: list[Any] = self.report["answers"]
        self.text = done.stdout
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.metrics = [line for line in lines if "_aws" in line]
        self.logs = [line for line in lines if "_aws" not in line]

    def dimensions(self, line: dict[str, Any]) -> dict[str, str]:
        (described,) = line["_aws"]["CloudWatchMetrics"]
        (names,) = described["Dimensions"]
        return {name: line[name] for name in names}

    def values(self, line: dict[str, Any]) -> dict[str, float]:
        (described,) = line["_aws"]["CloudWatchMetrics"]
        return {metric["Name"]: sum(line[metric["Name"]]) for metric in described["Metrics"]}


def test_outside_lambda_it_is_the_plain_handler(capfd: pytest.CaptureFixture[str]) -> None:
    assert isinstance(app.lambda_handler, LambdaHandler)
    assert app.lambda_handler.task is task
    app.lambda_handler(POSTPROCESS, None)
    assert capfd.readouterr() == ("", "")


def test_in_lambda_the_answers_are_the_same() -> None:
    events = [PREPROCESS, POSTPROCESS, EMPTY, {"process_type": "train"}]
    ran = Ran(*events, variables={"EVALAYER_AGGREGATION": "sum"})
    assert ran.answers == [app.lambda_handler(event, None) for event in events]
    assert (ran.report["task"], ran.report["aggregation"]) == ("support_tickets", "sum")


def test_every_event_leaves_one_log_line_without_the_row() -> None:
    ran = Ran(PREPROCESS, POSTPROCESS, EMPTY)
    assert WORDS not in ran.text
    assert [line["level"] for line in ran.logs] == ["INFO"] * 3
    before, scored, empty = ran.logs
    for line in ran.logs:
        assert line["function_request_id"] == "request-7"
        assert line["task"] == line["service"] == "support_tickets"
        assert line["row_hash"] == before["row_hash"]
    assert [line["process_type"] for line in ran.logs] == ["preprocess", "postprocess", "postprocess"]
    assert [line["cold_start"] for line in ran.logs] == [True, False, False]
    assert "invents_no_number" in empty["unscored"]
    assert "invents_no_number" not in scored["unscored"]


def test_every_event_is_measured() -> None:
    ran = Ran(PREPROCESS, POSTPROCESS, EMPTY)
    counted = [ran.values(line) for line in ran.metrics if "ColdStart" not in ran.values(line)]
    assert [sorted(values) for values in counted] == [
        ["Latency"],
        ["Latency", "MetricErrors", "MetricsUnscored", "RowsScored", "RowsUnscored"],
        ["Latency", "MetricErrors", "MetricsUnscored", "RowsScored", "RowsUnscored"],
    ]
    assert [(values["RowsScored"], values["RowsUnscored"]) for values in counted[1:]] == [(1.0, 0.0), (0.0, 1.0)]
    assert counted[2]["MetricsUnscored"] == len(ran.logs[2]["unscored"])
    assert all(0.0 < values["Latency"] < 10_000.0 for values in counted)
    assert sum("ColdStart" in ran.values(line) for line in ran.metrics) == 1
    for line in ran.metrics:
        assert line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "evalayer"
        assert ran.dimensions(line)["service"] == "support_tickets"


def test_a_failed_metric_is_logged_and_counted_by_name() -> None:
    ran = Ran(POSTPROCESS, PREPROCESS, broken=True)
    assert WORDS not in ran.text
    failed, answered, _ = ran.logs
    assert (failed["level"], failed["metric"]) == ("ERROR", "invents_no_number")
    assert "in broken\n" in failed["failure"]
    assert "ValueError: (message withheld" in failed["failure"]
    assert answered["unscored"] == ["invents_no_number"]
    errors = [(ran.dimensions(line).get("metric"), ran.values(line)["MetricErrors"])
              for line in ran.metrics if "MetricErrors" in ran.values(line)]  # fmt: skip
    assert ran.dimensions(ran.metrics[-1]) == {"service": "support_tickets"}
    assert sorted(errors, key=str) == [("invents_no_number", 1.0), (None, 1.0)]


def test_a_refused_event_is_logged_and_counted() -> None:
    ran = Ran(INVALID, {"process_type": "train"}, ["no event"], POSTPROCESS)
    assert [answer.get("error", answer.get("statusCode")) for answer in ran.answers] == [
        "InvalidEvent", 400, "InvalidEvent", 200,
    ]  # fmt: skip
    assert [line["level"] for line in ran.logs] == ["ERROR", "ERROR", "ERROR", "INFO"]
    assert "InvalidEvent: data.inference_output is missing" in ran.logs[0]["failure"]
    assert sum(ran.values(line).get("EventErrors", 0.0) for line in ran.metrics) == 3.0


def test_the_rows_of_an_rft_event_are_logged_and_counted_one_by_one() -> None:
    turns = [{"role": "user", "content": WORDS}, {"role": "nova_assistant", "content": ANSWER}]
    event = [{"id": "a", "messages": turns, "reference_answer": GOLD}, {"id": "b"}]
    ran = Ran(event)
    assert ran.answers == [app.lambda_handler(event, None)]
    assert [row["id"] for row in ran.answers[0]] == ["a", "b"]
    assert WORDS not in ran.text
    assert [(line["level"], line["message"]) for line in ran.logs] == [
        ("INFO", "answered"), ("ERROR", "row failed"), ("INFO", "answered"),
    ]  # fmt: skip
    assert {line["process_type"] for line in ran.logs} == {"reward"}
    assert ran.logs[1]["failure"] == "InvalidEvent: [1].messages is missing"
    (counted,) = [values for line in ran.metrics if "RowsScored" in (values := ran.values(line))]
    assert (counted["RowsScored"], counted["RowsUnscored"], counted["EventErrors"]) == (1.0, 1.0, 1.0)


def test_the_cause_of_a_failed_preprocess_is_logged_without_the_row() -> None:
    ran = Ran(PREPROCESS, unprepared=True)
    assert ran.answers == [{"error": "PreprocessFailed"}]
    (line,) = ran.logs
    assert line["error"] == "PreprocessFailed"
    assert "in unprepared\n" in line["failure"]
    assert "KeyError: (message withheld" in line["failure"]
    assert WORDS not in ran.text


def test_the_environment_names_service_and_namespace() -> None:
    variables = {
        "POWERTOOLS_SERVICE_NAME": "mine",
        "POWERTOOLS_METRICS_NAMESPACE": "Ours",
        "POWERTOOLS_LOG_LEVEL": "ERROR",
    }
    ran = Ran(POSTPROCESS, variables=variables)
    assert ran.logs == []
    for line in ran.metrics:
        assert line["service"] == "mine"
        assert line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Ours"


def test_an_event_is_not_logged_even_if_powertools_is_told_to() -> None:
    ran = Ran(POSTPROCESS, INVALID, variables={"POWERTOOLS_LOGGER_LOG_EVENT": "true", "POWERTOOLS_LOG_LEVEL": "DEBUG"})
    assert WORDS not in ran.text


def test_the_tracer_is_loaded_only_where_tracing_is_active() -> None:
    assert Ran(POSTPROCESS).report["traced"] == []
    variables = {"POWERTOOLS_TRACE_ENABLED": "true", "AWS_XRAY_CONTEXT_MISSING": "IGNORE_ERROR"}
    ran = Ran(POSTPROCESS, variables=variables)
    assert ran.report["traced"] == ["aws_xray_sdk"]
    assert ran.answers == [app.lambda_handler(POSTPROCESS, None)]
    assert ran.report["task"] == "support_tickets"


def test_without_powertools_it_is_the_plain_handler_and_logs_failures() -> None:
    ran = Ran(PREPROCESS, POSTPROCESS, without_powertools=True)
    assert ran.answers == [app.lambda_handler(event, None) for event in (PREPROCESS, POSTPROCESS)]
    assert ran.text == ""
    assert ran.errors == []
    ran = Ran(POSTPROCESS, without_powertools=True, broken=True)
    assert any(line.startswith("metric invents_no_number of support_tickets failed") for line in ran.errors)
    assert not any(WORDS in line for line in ran.errors)
