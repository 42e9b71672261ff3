"""A job that runs: watched until it ends, its output fetched."""

from evalayer_lab.aws.jobs._fetch import Fetched, fetch
from evalayer_lab.aws.jobs._output import Output, find_output, output_of_job
from evalayer_lab.aws.jobs._watch import LogReader, tail, wait

__all__ = [
    "Fetched",
    "LogReader",
    "Output",
    "fetch",
    "find_output",
    "output_of_job",
    "tail",
    "wait",
]
