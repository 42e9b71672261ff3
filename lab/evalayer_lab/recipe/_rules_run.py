"""Rules about `run`: the model, the instances, the paths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from evalayer_lab.inputs import near_match
from evalayer_lab.recipe._edit import Insert, SetValue
from evalayer_lab.recipe._facts import MODELS
from evalayer_lab.recipe._subject import ABSENT, Remark, Subject, shown

_MOST_INSTANCES: Final = 16
_USUAL_INSTANCES: Final = (1, 2, 4, 8, 16)


def check_run(subject: Subject) -> Iterator[Remark]:
    """Check the section `run`."""
    if not isinstance(subject.get("run"), dict):
        return
    yield from _open_source_model(subject) if subject.kind == "open_source" else _model(subject)
    yield from _replicas(subject)
    yield from _data(subject)
    yield from _output(subject)


def _open_source_model(subject: Subject) -> Iterator[Remark]:
    if not subject.text("run", "base_model_name") and not subject.text("run", "model_name_or_path"):
        yield subject.warning(
            "missing-field",
            ("run", "base_model_name"),
            "is empty, and so is model_name_or_path; a job needs one of them",
        )


def _model(subject: Subject) -> Iterator[Remark]:
    kind, path = subject.get("run", "model_type"), subject.get("run", "model_name_or_path")
    owner = subject.base
    fix = SetValue(("run", "model_type"), owner.type) if owner else None
    if kind is ABSENT or kind == "":
        edit = Insert(("run", "model_type"), owner.type, ("name",)) if owner and kind is ABSENT else fix
        yield subject.error("missing-field", ("run", "model_type"), "is missing or empty; a job needs it", edit)
    elif isinstance(kind, str) and subject.model is None:
        near = near_match(kind, (model.type for model in MODELS.values()))
        reason = f"is {shown(kind)}, which is not a known model" + (f"; did you mean {near}?" if near else "")
        yield subject.warning("model-type", ("run", "model_type"), reason, fix)
    if path is ABSENT or path == "":
        yield subject.error("missing-field", ("run", "model_name_or_path"), "is missing or empty; a job needs it")
    elif subject.model and owner and subject.model is not owner:
        yield subject.error(
            "model-pair",
            ("run", "model_name_or_path"),
            f"is {path}, whose model_type is {owner.type}; the engine does not start with another's. "
            f"Write that, or {subject.model.path} here",
        )
    elif subject.model and isinstance(path, str) and not owner and not path.startswith("s3://"):
        yield subject.warning(
            "model-pair",
            ("run", "model_name_or_path"),
            f"is neither {subject.model.path} nor the S3 URI of a checkpoint",
        )
    names = [name for name, model in MODELS.items() if model is subject.model]
    if subject.task and names and names[0] not in subject.task.models:
        yield subject.warning(
            "model-task",
            ("run", "model_type"),
            f"has no recipe for {subject.text('evaluation', 'task')}; there is one for "
            f"{' and '.join(MODELS[name].type for name in subject.task.models)}",
        )


def _replicas(subject: Subject) -> Iterator[Remark]:
    place, count = ("run", "replicas"), subject.get("run", "replicas")
    instances = subject.circumstances.instances
    if count is ABSENT:
        if instances is None and not subject.circumstances.twin:
            yield subject.warning("replicas", place, "is missing; the job then needs an instance count at launch")
    elif not isinstance(count, int) or isinstance(count, bool):
        return
    elif not 1 <= count <= _MOST_INSTANCES:
        yield subject.error("replicas", place, f"is {shown(count)}; a job has 1 to {_MOST_INSTANCES} instances")
    elif instances is not None and count != instances:
        yield subject.error(
            "replicas",
            place,
            f"is {count}, and the job is launched with {instances}, which wins; write {instances}",
            SetValue(place, instances),
        )
    elif count not in _USUAL_INSTANCES:
        yield subject.warning(
            "replicas", place, f"is {count}; AWS's own tools allow {', '.join(map(str, _USUAL_INSTANCES))}"
        )


def _data(subject: Subject) -> Iterator[Remark]:
    place, path = ("run", "data_s3_path"), subject.get("run", "data_s3_path")
    own_data = subject.kind not in {"text_benchmark", "multimodal_benchmark", "open_source", "unknown"}
    if subject.circumstances.hyperpod:
        if own_data and (path is ABSENT or not path):
            yield subject.error(
                "data-s3-path", place, "is missing or empty; a HyperPod job reads its dataset from there"
            )
        elif isinstance(path, str) and path and not path.startswith("s3://"):
            yield subject.error("data-s3-path", place, f"is {shown(path)}, which is not an S3 URI")
    elif path is ABSENT and subject.kind != "open_source":
        yield subject.error(
            "data-s3-path",
            place,
            'is missing; a job needs the key, with "" for a SageMaker training job',
            Insert(place, "", ("replicas", "model_name_or_path", "model_type", "name")),
        )
    elif path is not ABSENT and path:
        yield subject.error(
            "data-s3-path",
            place,
            'must be "" for a SageMaker training job, which reads the channel train: give the dataset at launch. '
            "If it is for HyperPod, check it with --hyperpod",
        )


def _output(subject: Subject) -> Iterator[Remark]:
    place, path = ("run", "output_s3_path"), subject.get("run", "output_s3_path")
    if subject.kind == "open_source":
        return
    if subject.circumstances.hyperpod and (path is ABSENT or not path):
        yield subject.error("output-s3-path", place, "is missing or empty; a HyperPod job writes its results there")
    elif not subject.circumstances.hyperpod and path is not ABSENT and path:
        yield subject.warning(
            "output-s3-path",
            place,
            "is for HyperPod; a SageMaker training job writes where it is told at launch",
        )
