"""Starts the real job: its files, its checks, its CreateTrainingJob request, created once."""

from evalayer_lab.aws.launch._checks import READS, Costs, Examination, costs, examine
from evalayer_lab.aws.launch._create import Launched, create_job, find_job, upload
from evalayer_lab.aws.launch._facts import Facts, facts, image_uri, instance_type
from evalayer_lab.aws.launch._findings import Code
from evalayer_lab.aws.launch._plan import Plan, Settings, make_plan

__all__ = [
    "READS",
    "Code",
    "Costs",
    "Examination",
    "Facts",
    "Launched",
    "Plan",
    "Settings",
    "costs",
    "create_job",
    "examine",
    "facts",
    "find_job",
    "image_uri",
    "instance_type",
    "make_plan",
    "upload",
]
