"""What the linter says of a recipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from evalayer_lab.inputs.yaml import Keys
from evalayer_lab.recipe._edit import Edit

Severity: TypeAlias = Literal["error", "warning"]
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


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding about a recipe.

    Attributes:
        code: the rule.
        severity: an `"error"` is known to fail or to mislead, a `"warning"` may.
        place: the field, as keys from the top.
        reason: what is wrong and what to do.
        edit: the change that `--fix` makes; None if it takes a decision.
    """

    code: Code
    severity: Severity
    place: Keys
    reason: str
    edit: Edit | None = None

    @property
    def field(self) -> str:
        """The dotted name of the field, fit for a terminal."""
        dotted = ".".join(map(str, self.place))
        return dotted if dotted.isprintable() else repr(dotted)


def error(code: Code, place: Keys, reason: str, edit: Edit | None = None) -> Finding:
    """Make a finding that is known to fail or to mislead."""
    return Finding(code, "error", place, reason, edit)


def warning(code: Code, place: Keys, reason: str, edit: Edit | None = None) -> Finding:
    """Make a finding that may fail or mislead."""
    return Finding(code, "warning", place, reason, edit)
