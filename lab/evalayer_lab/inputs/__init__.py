"""What others wrote, read with limits: errors and findings, names, literals; `inputs.yaml` and `inputs.archive`."""

from evalayer_lab.inputs._aws_names import Function, Role, S3Uri, may_be, split_arn
from evalayer_lab.inputs._errors import InputError, Place, reading, writing
from evalayer_lab.inputs._findings import Finding, Findings, Severity
from evalayer_lab.inputs._literal import MAX_DEPTH, MAX_LENGTH, parse_literal
from evalayer_lab.inputs._load import load_function
from evalayer_lab.inputs._suggest import near_match, suggest

__all__ = [
    "MAX_DEPTH",
    "MAX_LENGTH",
    "Finding",
    "Findings",
    "Function",
    "InputError",
    "Place",
    "Role",
    "S3Uri",
    "Severity",
    "load_function",
    "may_be",
    "near_match",
    "parse_literal",
    "reading",
    "split_arn",
    "suggest",
    "writing",
]
