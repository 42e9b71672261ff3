"""What the checks before a launch find."""

from __future__ import annotations

from typing import Literal, TypeAlias

from evalayer_lab.inputs import Finding, Place, Severity

# docs/jobs.md explains each; what is wrong with the recipe or the dataset has the codes of their own checks.
Code: TypeAlias = Literal[
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

Said: TypeAlias = tuple[Severity, str]  # what a check of one code says, and how bad that is


def finding(code: Code, severity: Severity, reason: str) -> Finding:
    """Make a finding about what is on AWS, or about the job as a whole: it has no place in a file."""
    return Finding(code, severity, Place(), reason)
