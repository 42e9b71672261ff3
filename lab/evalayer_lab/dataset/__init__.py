"""Datasets of the evaluation container: read and check their rows in bounded memory."""

from evalayer_lab.dataset._check import DatasetReport, Lengths, MetadataKey, check_gen_qa
from evalayer_lab.dataset._gen_qa import GenQARow, Image, Row, read_gen_qa
from evalayer_lab.dataset._problem import Problem, Severity

__all__ = [
    "DatasetReport",
    "GenQARow",
    "Image",
    "Lengths",
    "MetadataKey",
    "Problem",
    "Row",
    "Severity",
    "check_gen_qa",
    "read_gen_qa",
]
