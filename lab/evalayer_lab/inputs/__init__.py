"""What others wrote, read with limits: errors and findings, names, literals; `inputs.yaml` and `inputs.archive`."""

from evalayer_lab.inputs._aws_names import Arn, S3Uri
from evalayer_lab.inputs._errors import InputError, Place, reading, writing
from evalayer_lab.inputs._findings import Finding, Findings, Severity
from evalayer_lab.inputs._literal import MAX_DEPTH, MAX_LENGTH, parse_literal
from evalayer_lab.inputs._load import load_function
from evalayer_lab.inputs._suggest import near_match, suggest

__all__ = [
    "MAX_DEPTH",
    "MAX_LENGTH",
    "Arn",
    "Finding",
    "Findings",
    "InputError",
    "Place",
    "S3Uri",
    "Severity",
    "load_function",
    "near_match",
    "parse_literal",
    "reading",
    "suggest",
    "writing",
]
