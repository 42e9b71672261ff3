"""What the rules look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from evalayer_lab.inputs.yaml import Document
from evalayer_lab.recipe._facts import MODELS, TASKS, Kind, ModelFacts, TaskFacts, kind_of


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
    """

    hyperpod: bool = False
    instances: int | None = None
    corpus_metrics: Sequence[str] | None = None
    reward: bool | None = None


TRAINING_JOB: Final = Circumstances()


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
