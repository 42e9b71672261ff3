"""The local twin of the evaluation container."""

from evalayer_lab.run._pipeline import StageSeconds
from evalayer_lab.run._run import RunOutcome, RunPlan, run

__all__ = ["RunOutcome", "RunPlan", "StageSeconds", "run"]
