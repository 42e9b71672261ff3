"""A run of evaluation as a run of MLflow."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from evalayer import __version__
from evalayer_lab.inputs import InputError
from evalayer_lab.publish._figures import plain, renamed, with_ends
from evalayer_lab.publish._publication import slug

if TYPE_CHECKING:
    from mlflow.entities import Run as Entity
    from mlflow.tracking import MlflowClient

    from evalayer_lab.publish._publication import Publication

_RUN_TAG: Final = "evalayer.run"
_LONGEST_KEY: Final = 240  # of 250; _high must fit behind it
_LONGEST_VALUE: Final = 6000
_PARAMS_AT_ONCE: Final = 100
_METRICS_AT_ONCE: Final = 500
_RECORDED: Final = ("evalayer", "python", "aggregation", "recipe", "dataset", "handler", "backend", "libraries")
_LARGEST_RECORD: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class PublishedRun:
    """A run of MLflow.

    Attributes:
        run_id: its id.
        experiment_id: its experiment's.
        uri: the tracking server.
        created: whether it was created now, and not updated.
    """

    run_id: str
    experiment_id: str
    uri: str
    created: bool


def publish_mlflow(publication: Publication, *, uri: str | None = None, experiment: str | None = None) -> PublishedRun:
    """Record a run in MLflow: its figures, its settings, its report and its confusion matrices.

    The run is found again by its tag `evalayer.run`, so publishing twice updates one run of MLflow.

    Args:
        publication: the run.
        uri: the tracking server; by default that of the environment.
        experiment: the experiment's name; by default the task's. It is created if it is not there.

    Raises:
        InputError: mlflow is not installed, the server cannot be reached, or it refuses the run.
    """
    try:
        import mlflow
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient
        from mlflow.tracking.registry import UnsupportedModelRegistryStoreURIException
    except ImportError:
        raise InputError('publishing to MLflow needs mlflow: pip install "evalayer[mlflow]"') from None
    server = uri or mlflow.get_tracking_uri()
    shown = _without_credentials(server)
    try:
        return _publish(MlflowClient(server), publication, shown, experiment or publication.run.task)
    except (UnsupportedModelRegistryStoreURIException, ImportError) as error:
        raise InputError(f"MLflow does not know how to reach it{_way_out(server)}", path=shown) from error
    except MlflowException as error:
        raise InputError(f"MLflow: {_without_credentials(str(error))}", path=shown) from error


def _params(publication: Publication) -> dict[str, str]:
    """The parameters by key: what `run.json` says of the recipe, the dataset, the handler and the versions."""
    record = _record(publication)
    found = dict(_flat("", {name: record[name] for name in _RECORDED if name in record}))
    found |= {"task": publication.run.task, "model": publication.run.model, "digest": publication.results.digest}
    keys = renamed(found, plain, _LONGEST_KEY)
    return {keys[name]: value[:_LONGEST_VALUE] for name, value in found.items()}


def _publish(client: MlflowClient, publication: Publication, uri: str, experiment: str) -> PublishedRun:
    experiment_id = _experiment(client, experiment)
    run = publication.run
    found = client.search_runs([experiment_id], f"tags.`{_RUN_TAG}` = '{run.id}'", max_results=1)
    moment = None if run.started is None else int(run.started.timestamp() * 1000)
    if found:
        entity = found[0]
    else:
        entity = client.create_run(experiment_id, start_time=moment, run_name=run.name, tags={_RUN_TAG: run.id})
    run_id = entity.info.run_id
    confusions = dict(_confusions(publication))
    tags = {
        "evalayer.task": run.task,
        "evalayer.model": run.model,
        "evalayer.digest": publication.results.digest,
        "evalayer.published_by": __version__,
        "mlflow.loggedArtifacts": json.dumps([{"path": path, "type": "table"} for path in confusions]),
    }
    for key, value in tags.items():
        client.set_tag(run_id, key, value)
    _log_values(client, entity, publication, moment or entity.info.start_time)
    for path, text in (confusions | _reports(publication)).items():
        client.log_text(run_id, text, path)
    client.set_terminated(run_id, "FINISHED", end_time=moment)
    return PublishedRun(run_id, experiment_id, uri, created=not found)


def _experiment(client: MlflowClient, name: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is None:
        return client.create_experiment(name)
    if found.lifecycle_stage != "active":
        raise InputError(f"the experiment {name!r} is deleted; restore it, or give another with --experiment")
    return found.experiment_id


def _log_values(client: MlflowClient, entity: Entity, publication: Publication, moment: int) -> None:
    from mlflow.entities import Metric, Param

    there = entity.data
    params = [Param(key, value) for key, value in _params(publication).items() if there.params.get(key) != value]
    values = with_ends(publication.figures, lambda figure: plain(figure.name), _LONGEST_KEY)
    values |= {name: float(count) for name, count in publication.row_counts.items()}
    metrics = [Metric(key, value, moment, 0) for key, value in values.items() if there.metrics.get(key) != value]
    for start in range(0, len(params), _PARAMS_AT_ONCE):
        client.log_batch(entity.info.run_id, params=params[start : start + _PARAMS_AT_ONCE])
    for start in range(0, len(metrics), _METRICS_AT_ONCE):
        client.log_batch(entity.info.run_id, metrics=metrics[start : start + _METRICS_AT_ONCE])


def _reports(publication: Publication) -> dict[str, str]:
    from evalayer_lab.report.html import render_html

    document = publication.document
    return {"report.json": document.model_dump_json(indent=2), "report.html": render_html(document)}


def _confusions(publication: Publication) -> Iterator[tuple[str, str]]:
    """Each confusion matrix as MLflow keeps a table: columns, and rows of cells."""
    for each in publication.document.classifications:
        labels = [label.label for label in each.labels]
        rows = [[label, *counts] for label, counts in zip(labels, each.confusion, strict=True)]
        table = {"columns": ["gold \\ predicted", *labels, "none of the labels"], "data": rows}
        yield f"confusion/{slug(each.metric)}.json", json.dumps(table)


def _record(publication: Publication) -> Mapping[str, Any]:
    """What `run.json` holds; empty without the file."""
    path = publication.results.folder / "run.json"
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST_RECORD:
            return {}
        record = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{prefix}.{key}" if prefix else key, inner)
    elif value is not None:
        yield prefix, value if isinstance(value, str) else json.dumps(value)


def _without_credentials(text: str) -> str:
    """A text of a server on one line, without the credentials that an address may hold."""
    line = " ".join(re.sub(r"//[^/@\s]*@", "//", text).split())
    return line if line.isprintable() else ascii(line)


def _way_out(uri: str) -> str:
    if uri.startswith("arn:"):
        return "; a SageMaker server needs its plugin: pip install sagemaker-mlflow"
    if uri.startswith(("sqlite:", "postgresql:", "mysql:", "mssql:")):
        return "; a database needs the full package: pip install mlflow, or give the address of its server"
    return "; give the address of its server, such as http://localhost:5000"
