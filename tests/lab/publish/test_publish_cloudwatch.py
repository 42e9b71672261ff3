from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from tests.lab.conftest import Server
from tests.lab.publish.conftest import RECORD, STARTED, Publish, client, read_publication
from tests.lab.results.result_tree import Row, write_tree

from evalayer_lab.aws import Aws
from evalayer_lab.inputs import InputError
from evalayer_lab.publish import Figure, Publication, publish_cloudwatch
from evalayer_lab.report import Estimate


def figure(name: str, value: float | None) -> Figure:
    return Figure(name, name, Estimate(value, None, None, 0.95, "student-t", 1, 0))


def described(publication: Publication, *, by_run: bool = False) -> list[Mapping[str, Any]]:
    """What would be sent."""
    requests = publish_cloudwatch(publication, None, by_run=by_run)
    return [datum for request in requests for datum in request["MetricData"]]


def test_every_figure_is_sent_once(publication: Publication) -> None:
    data = {datum["MetricName"]: datum for datum in described(publication)}
    with_value = {each.name: each.estimate.value for each in publication.figures if each.estimate.value is not None}
    sent = {name: datum.get("Value") for name, datum in data.items() if "rows." not in name}
    assert sent == with_value
    assert data["class.correct"] == {
        "MetricName": "class.correct",
        "Dimensions": [{"Name": "Task", "Value": "tickets"}, {"Name": "Model", "Value": "model"}],
        "Timestamp": STARTED,
        "Value": with_value["class.correct"],
        "Unit": "None",
    }
    assert {name: datum.get("Value") for name, datum in data.items() if "rows." in name} == {
        "class.rows.scored": 60.0,
        "class.rows.unscored": 0.0,
        "grade.rows.scored": 60.0,
        "grade.rows.unscored": 0.0,
        "rows.scored": 60.0,
    }
    assert data["rows.scored"].get("Unit") == "Count"


def test_every_run_can_be_a_metric_of_its_own(publication: Publication) -> None:
    data = described(publication, by_run=True)
    assert all({"Name": "Run", "Value": publication.run.id} in datum.get("Dimensions", []) for datum in data)


def test_a_figure_without_a_value_is_not_sent_as_zero(publication: Publication) -> None:
    data = described(replace(publication, figures=(figure("none", None), figure("some", 0.5))))
    assert [datum["MetricName"] for datum in data if "rows" not in datum["MetricName"]] == ["some"]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 2.0**361])
def test_a_value_that_cloudwatch_does_not_take_is_refused(publication: Publication, value: float) -> None:
    estimate = Estimate(value, None, None, 0.95, "student-t", 1, 0)
    with pytest.raises(InputError, match="finite numbers"):
        described(replace(publication, figures=(Figure("bad", "bad", estimate),)))


def test_names_are_printable_ascii(publication: Publication) -> None:
    run = replace(publication.run, task="é\n", model=":x")
    data = described(replace(publication, run=run, figures=(figure("class.f1.ü b", 0.5),)))
    assert data[0]["MetricName"] == "class.f1.%C3%BC b"
    assert [each["Value"] for each in data[0].get("Dimensions", [])] == ["%C3%A9%0A", "%3Ax"]
    with pytest.raises(InputError, match="1 to 255 characters"):
        described(replace(publication, figures=(figure("x" * 256, 0.5),)))


def test_requests_stay_within_the_limits(publication: Publication) -> None:
    many = tuple(figure(f"metric.{index}", 0.5) for index in range(2500))
    data = described(replace(publication, figures=many))
    batches = publish_cloudwatch(replace(publication, figures=many), None)
    assert [len(batch["MetricData"]) for batch in batches] == [1000, 1000, len(data) - 2000]
    long = replace(publication.run, task="t" * 1000, model="m" * 1000)
    batches = publish_cloudwatch(replace(publication, run=long, figures=many), None)
    assert all(len(repr(batch)) < 1_000_000 for batch in batches)
    assert sum(len(batch["MetricData"]) for batch in batches) == len(data)


@pytest.mark.parametrize("namespace", ["", " ", ":x", "AWS/Lambda", "a&b", "é", "x" * 256])
def test_a_namespace_that_cloudwatch_does_not_take_is_refused(publication: Publication, namespace: str) -> None:
    with pytest.raises(InputError, match="--namespace"):
        publish_cloudwatch(publication, None, namespace=namespace)


@pytest.mark.parametrize("age", [timedelta(days=15), timedelta(hours=-3)])
def test_a_time_that_cloudwatch_does_not_take_is_refused(
    aws: Server, session: Aws, publication: Publication, age: timedelta
) -> None:
    with pytest.raises(InputError, match="give --now"):
        publish_cloudwatch(publication, session, time=datetime.now(UTC) - age)
    assert aws.calls == []


def test_cloudwatch_has_what_was_sent(
    aws: Server, folder: Path, publication: Publication, run_publish: Publish
) -> None:
    done = run_publish("cloudwatch", folder, "--namespace", "Quality")
    assert done.code == 0, done.err
    found = client("cloudwatch").get_metric_statistics(
        Namespace="Quality",
        MetricName="class.correct",
        Dimensions=[{"Name": "Task", "Value": "tickets"}, {"Name": "Model", "Value": "model"}],
        StartTime=STARTED - timedelta(hours=1),
        EndTime=STARTED + timedelta(hours=1),
        Period=60,
        Statistics=["Average", "SampleCount"],
    )["Datapoints"]
    expected = next(each.estimate.value for each in publication.figures if each.name == "class.correct")
    assert [(point.get("Average"), point.get("SampleCount")) for point in found] == [(expected, 1.0)]


def test_a_dry_run_prints_the_request(folder: Path, run_publish: Publish, no_aws: None) -> None:
    (request,) = run_publish("cloudwatch", folder, "--dry-run", "--by-run").json
    assert request["Namespace"] == "evalayer"
    datum = next(datum for datum in request["MetricData"] if datum["MetricName"] == "class.accuracy")
    assert datum["Timestamp"] == STARTED.isoformat()
    assert [dimension["Name"] for dimension in datum["Dimensions"]] == ["Task", "Model", "Run"]


def test_the_request_is_one_that_the_api_takes(publication: Publication) -> None:
    service: Any = boto3.client("cloudwatch", "us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    (request,) = publish_cloudwatch(publication, None)
    with Stubber(service) as stub:
        stub.add_response("put_metric_data", {}, request)
        service.put_metric_data(**request)


def test_an_old_run_is_dated_now_on_request(aws: Server, rows: list[Row], run_publish: Publish, tmp_path: Path) -> None:
    old = (datetime.now(UTC) - timedelta(days=30)).isoformat()
    folder = write_tree(tmp_path / "old", rows[:10], run=RECORD | {"started": old})
    refused = run_publish("cloudwatch", folder)
    assert (refused.code, len(refused.err.splitlines())) == (2, 1)
    assert "give --now" in refused.err
    done = run_publish("cloudwatch", folder, "--now", "--json")
    assert done.json["values"] == len(described(read_publication(folder)))


def test_without_a_region_there_is_one_line(no_aws: None, folder: Path, run_publish: Publish) -> None:
    done = run_publish("cloudwatch", folder)
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert "region is not known" in done.err
