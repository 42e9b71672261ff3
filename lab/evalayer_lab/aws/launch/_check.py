"""What a check before a launch says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Name: TypeAlias = Literal[
    "recipe",
    "dataset",
    "payload",
    "instance-type",
    "job",
    "role",
    "buckets",
    "function",
    "invoke",
    "concurrency",
]
Outcome: TypeAlias = Literal["ok", "warning", "error", "skipped"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at before a launch.

    Attributes:
        name: what; docs/jobs.md explains each.
        outcome: with an `"error"` there is no launch; `"skipped"` was not looked at.
        message: what was found, or why it was skipped.
    """

    name: Name
    outcome: Outcome
    message: str


def ok(name: Name, message: str) -> Check:
    """Make a check that found nothing wrong."""
    return Check(name, "ok", message)


def warning(name: Name, message: str) -> Check:
    """Make a check that found something doubtful."""
    return Check(name, "warning", message)


def error(name: Name, message: str) -> Check:
    """Make a check that stands in the way."""
    return Check(name, "error", message)


def skipped(name: Name, message: str) -> Check:
    """Make a check that was not done."""
    return Check(name, "skipped", message)
