"""The ways to take a row's confidence from the tokens of its label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

ConfidenceKind: TypeAlias = Literal["joint", "renormalised", "geometric_mean", "first_token"]

CONFIDENCE_KINDS: Final[Mapping[ConfidenceKind, str]] = {
    "joint": "the probability of all tokens of the label",
    "renormalised": "the probability of the label given that it is one of the labels",
    "geometric_mean": "the geometric mean of the probabilities of the label's tokens",
    "first_token": "the probability of the label's first token",
}
