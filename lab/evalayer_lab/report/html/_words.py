"""What the figures are called and what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

FIGURES: Final[Mapping[str, tuple[str, str]]] = {
    "accuracy": ("Accuracy", "The share of rows that are given the right label."),
    "balanced_accuracy": (
        "Balanced accuracy",
        "The mean recall of the labels: rare labels weigh as much as common ones.",
    ),
    "precision_macro": ("Precision, macro", "The mean precision of the labels."),
    "recall_macro": ("Recall, macro", "The mean recall of the labels."),
    "f1_macro": ("F1, macro", "The mean F1 of the labels: rare labels weigh as much as common ones."),
    "precision_micro": ("Precision, micro", "Of all labels given, the share that is right."),
    "recall_micro": ("Recall, micro", "Of all gold labels, the share that is found."),
    "f1_micro": ("F1, micro", "Precision and recall over all rows at once."),
    "precision_weighted": ("Precision, weighted", "The mean precision of the labels, weighted by their rows."),
    "recall_weighted": ("Recall, weighted", "The mean recall of the labels, weighted by their rows."),
    "f1_weighted": ("F1, weighted", "The mean F1 of the labels, weighted by their rows."),
    "mcc": ("Matthews correlation", "1 if gold and predicted labels always agree, 0 if they agree as chance would."),
    "kappa": ("Cohen's kappa", "Agreement beyond what chance gives; 1 is perfect."),
}
DIRECTION: Final[Mapping[bool | None, str]] = {True: "higher", False: "lower", None: "–"}
QUADRANTS: Final[Mapping[str, str]] = {
    "sound": "Sound",
    "conservative": "Conservative",
    "overconfident": "Overconfident",
    "critical": "Critical",
}


def titled(name: str) -> str:
    """Write a name of ours, as "low_confidence", as words."""
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]
