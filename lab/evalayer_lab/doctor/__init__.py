"""The doctor: reads built layers, a function and a SAM template, and explains what would break on Lambda."""

from evalayer_lab.doctor._examine import examine
from evalayer_lab.doctor._report import Examination

__all__ = ["Examination", "examine"]
