from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.lab.publish.conftest import STARTED, Publish

from evalayer_lab.inputs import InputError
from evalayer_lab.publish import Publication, publish_mlflow

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the address of a tracking store in files."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    return (tmp_path / "mlruns").as_uri()


def client(uri: str) -> MlflowClient:
    from mlflow.tracking import MlflowClient

    return MlflowClient(uri)


def test_a_run_is_recorded_whole(publication: Publication, store: str) -> None:
    done = publish_mlflow(publication, uri=store)
    assert done.created
    run = client(store).get_run(done.run_id)
    assert client(store).get_experiment(done.experiment_id).name == "tickets"
    assert (run.info.status, run.info.run_name) == ("FINISHED", "tickets")
    assert run.info.start_time == int(STARTED.timestamp() * 1000)
    ends = [(each.value, each.low, each.high) for each in (figure.estimate for figure in publication.figures)]
    assert len(run.data.metrics) == sum(end is not None for figure in ends for end in figure) + 1
    assert run.data.metrics["rows.scored"] == 60
    correct = next(each.estimate for each in publication.figures if each.name == "class.correct")
    assert [run.data.metrics[f"class.correct{end}"] for end in ("", "_low", "_high")] == [
        correct.value,
        correct.low,
        correct.high,
    ]
    assert run.data.metrics["class.recall.v2_252E1"] == publication.document.classifications[0].labels[2].recall.value
    assert run.data.params == {
        "evalayer": "0.1.0",
        "python": "3.13.0",
        "aggregation": "average",
        "recipe.run.name": "tickets",
        "recipe.run.replicas": "2",
        "recipe.inference.temperature": "0.5",
        "backend.name": "baseline",
        "backend.seed": "0",
        "libraries.numpy": "2.3.0",
        "task": "tickets",
        "model": "model",
        "digest": publication.results.digest,
    }
    assert run.data.tags["evalayer.run"] == publication.run.id


def test_the_artifacts_are_the_report_and_the_confusions(publication: Publication, store: str, tmp_path: Path) -> None:
    done = publish_mlflow(publication, uri=store)
    into = tmp_path / "artifacts"
    into.mkdir()
    for name in ("report.json", "report.html", "confusion"):
        client(store).download_artifacts(done.run_id, name, str(into))
    report = json.loads((into / "report.json").read_text(encoding="utf-8"))
    assert report == json.loads(publication.document.model_dump_json())
    assert "Ticket 0" not in (into / "report.json").read_text(encoding="utf-8")
    assert (into / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    table = json.loads((into / "confusion" / "class.json").read_text())
    (found,) = publication.document.classifications
    assert table["columns"] == ["gold \\ predicted", "hardware", "software", "v2.1", "none of the labels"]
    assert [tuple(row[1:]) for row in table["data"]] == list(found.confusion)
    tags = client(store).get_run(done.run_id).data.tags
    assert json.loads(tags["mlflow.loggedArtifacts"]) == [{"path": "confusion/class.json", "type": "table"}]


def test_publishing_again_updates_the_same_run(publication: Publication, store: str) -> None:
    first = publish_mlflow(publication, uri=store)
    fewer = replace(publication, figures=publication.figures[:1])
    again = publish_mlflow(publication, uri=store)
    assert again == replace(first, created=False)
    assert publish_mlflow(fewer, uri=store).run_id == first.run_id
    assert len(client(store).search_runs([first.experiment_id])) == 1
    assert len(client(store).get_metric_history(first.run_id, "class.correct")) == 1
    other = publish_mlflow(replace(publication, run=replace(publication.run, id="another")), uri=store)
    assert other.created
    assert other.run_id != first.run_id


def test_figures_that_would_have_one_name_are_both_named(publication: Publication, store: str) -> None:
    (one, *_) = publication.figures
    twice = replace(publication, figures=(one, replace(one, name=f"{one.name}_low")))
    with pytest.raises(InputError, match=r"'class\.correct' and 'class\.correct_low' would both be published as"):
        publish_mlflow(twice, uri=store)


def test_the_command_updates_too(
    folder: Path, publication: Publication, run_publish: Publish, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run_publish("mlflow", folder, "--uri", store, "--experiment", "tickets of 2026", "--json")
    assert first.json["created"] is True
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    done = run_publish("mlflow", folder, "--experiment", "tickets of 2026")
    assert f"updated the run {first.json['run_id']}" in done.out


def test_a_server_that_cannot_be_used_is_one_line(
    folder: Path, run_publish: Publish, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = {
        "http://user:secret@localhost:9": "Max retries exceeded",
        "arn:aws:sagemaker:us-east-1:111122223333:mlflow-tracking-server/x": "pip install sagemaker-mlflow",
        "gopher://x": "MLflow does not know how to reach it",
    }
    for uri, message in cases.items():
        done = run_publish("mlflow", folder, "--uri", uri)
        assert (done.code, len(done.err.splitlines())) == (2, 1)
        assert message in done.err
        assert "secret" not in done.err
    experiment = client(store).create_experiment("gone")
    client(store).delete_experiment(experiment)
    done = run_publish("mlflow", folder, "--uri", store, "--experiment", "gone")
    assert "the experiment 'gone' is deleted" in done.err
