"""The doctor: reads built layers, a function and a SAM template, and explains what would break on Lambda."""

from evalayer_lab.aws.doctor._examine import examine
from evalayer_lab.aws.doctor._render import render, to_json
from evalayer_lab.aws.doctor._report import Finding, Report, Skipped

__all__ = ["Finding", "Report", "Skipped", "examine", "render", "to_json"]
