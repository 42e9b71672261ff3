"""Datasets of the evaluation container: read, check, convert, enrich and sample their rows in bounded memory."""

from evalayer_lab.dataset._check import DatasetReport, check_dataset
from evalayer_lab.dataset._content import Lengths, MetadataKey
from evalayer_lab.dataset._convert import Conversion, Mapped, convert
from evalayer_lab.dataset._derive import (
    KEYS,
    Derive,
    DomainSource,
    derivations,
    domain_classifier,
    domain_rules,
    load_row_function,
)
from evalayer_lab.dataset._enrich import Enrichment, enrich
from evalayer_lab.dataset._features import difficulty, language, length_bucket, task_type
from evalayer_lab.dataset._findings import Code, shown
from evalayer_lab.dataset._kinds import FACTS, KINDS, Kind, detect_kind
from evalayer_lab.dataset._rows import Row, read_gen_qa
from evalayer_lab.dataset._sample import Sampling, allocate, sample
from evalayer_lab.dataset._sources import Format, Source

__all__ = [
    "FACTS",
    "KEYS",
    "KINDS",
    "Code",
    "Conversion",
    "DatasetReport",
    "Derive",
    "DomainSource",
    "Enrichment",
    "Format",
    "Kind",
    "Lengths",
    "Mapped",
    "MetadataKey",
    "Row",
    "Sampling",
    "Source",
    "allocate",
    "check_dataset",
    "convert",
    "derivations",
    "detect_kind",
    "difficulty",
    "domain_classifier",
    "domain_rules",
    "enrich",
    "language",
    "length_bucket",
    "load_row_function",
    "read_gen_qa",
    "sample",
    "shown",
    "task_type",
]
