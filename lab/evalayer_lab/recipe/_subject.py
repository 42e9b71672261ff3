"""What the rules look at, and what they say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from evalayer_lab.inputs import Finding, Place
from evalayer_lab.inputs.yaml import Document, Keys
from evalayer_lab.recipe._edit import Edit, describe
from evalayer_lab.recipe._facts import MODELS, TASKS, Kind, ModelFacts, TaskFacts, kind_of

Code: TypeAlias = Literal[
    "aggregation",
    "corpus-metrics",
    "data-s3-path",
    "lambda-arn",
    "lambda-arn-empty",
    "lambda-arn-name",
    "lambda-arn-qualified",
    "lambda-type",
    "max-new-tokens",
    "missing-field",
    "model-pair",
    "model-task",
    "model-type",
    "output-s3-path",
    "placeholder",
    "processor-kind",
    "reasoning-effort",
    "replicas",
    "spelling",
    "subtask",
    "task-combination",
    "top-logprobs",
    "unknown-field",
    "unknown-task",
    "value",
]


class _Absent:
    """The value of a field that is not written."""


ABSENT: Final = _Absent()


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a recipe does not say itself.

    Attributes:
        hyperpod: whether it is for HyperPod rather than for a SageMaker training job.
        instances: the instance count that the job is launched with, if it is known.
        corpus_metrics: the names of the corpus metrics of the function's task; None if the function is not known.
        reward: whether that task declares a reward, and so answers rft events; None if the function is not known.
        twin: whether the local twin runs it, which needs less than a job: what only a job would refuse is a warning,
            and what only a launch fills in is not looked at.
    """

    hyperpod: bool = False
    instances: int | None = None
    corpus_metrics: Sequence[str] | None = None
    reward: bool | None = None
    twin: bool = False


TRAINING_JOB: Final = Circumstances()


@dataclass(frozen=True, slots=True)
class Remark:
    """What a rule says of a field.

    Attributes:
        keys: the field, as keys from the top.
        finding: what is wrong with it; its `fix` says what `edit` writes.
        edit: the change that `--fix` makes; None if it takes a decision.
    """

    keys: Keys
    finding: Finding
    edit: Edit | None


@dataclass(frozen=True, slots=True)
class Subject:
    """A recipe under examination, as it is written."""

    document: Document
    circumstances: Circumstances

    @property
    def kind(self) -> Kind:
        """The kind of recipe."""
        return kind_of(self.document.content)

    @property
    def task(self) -> TaskFacts | None:
        """What is known of its task."""
        return TASKS.get(self.text("evaluation", "task"))

    @property
    def model(self) -> ModelFacts | None:
        """What is known of its `model_type`."""
        given = self.text("run", "model_type")
        return next((model for model in MODELS.values() if model.type == given), None)

    @property
    def base(self) -> ModelFacts | None:
        """What is known of the base model in its `model_name_or_path`."""
        given = self.text("run", "model_name_or_path")
        return next((model for model in MODELS.values() if model.path == given), None)

    def get(self, *place: str) -> object:
        """Return the value of a field, or ABSENT."""
        value: object = self.document.content
        for name in place:
            value = value.get(name, ABSENT) if isinstance(value, Mapping) else ABSENT
        return value

    def text(self, *place: str) -> str:
        """Return the value of a field if it is text, or else nothing."""
        value = self.get(*place)
        return value if isinstance(value, str) else ""

    def section(self, name: str) -> Mapping[str, object]:
        """Return a section, or an empty one."""
        value = self.get(name)
        return value if isinstance(value, Mapping) else {}

    def error(self, code: Code, keys: Keys, reason: str, edit: Edit | None = None) -> Remark:
        """Say of a field that it is known to fail or to mislead."""
        return Remark(keys, Finding(code, "error", self._place(keys), reason, describe(edit) if edit else None), edit)

    def warning(self, code: Code, keys: Keys, reason: str, edit: Edit | None = None) -> Remark:
        """Say of a field that it may fail or mislead."""
        return Remark(keys, Finding(code, "warning", self._place(keys), reason, describe(edit) if edit else None), edit)

    def _place(self, keys: Keys) -> Place:
        place = self.document.place(keys)
        field = place.field
        return place if field is None or field.isprintable() else replace(place, field=repr(field))


def shown(value: object) -> str:
    """A value, fit for one line of a terminal."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no integer of more than 4,300 digits; a hexadecimal one can be read
        return "a number too long to write"
    return text if len(text) <= 60 else f"{text[:59]}…"
