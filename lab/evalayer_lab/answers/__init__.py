"""What one answer says: its kind, its label, and how sure its token log probabilities are of that label."""

from evalayer_lab.answers._confidence import CONFIDENCE_REASONS, FieldConfidence, field_confidence
from evalayer_lab.answers._facts import ANSWER_KINDS, AnswerFacts, describe_answer
from evalayer_lab.answers._kinds import CONFIDENCE_KINDS, ConfidenceKind
from evalayer_lab.answers._shading import ShadedToken, shaded_tokens

__all__ = [
    "ANSWER_KINDS",
    "CONFIDENCE_KINDS",
    "CONFIDENCE_REASONS",
    "AnswerFacts",
    "ConfidenceKind",
    "FieldConfidence",
    "ShadedToken",
    "describe_answer",
    "field_confidence",
    "shaded_tokens",
]
