"""The local twin of the evaluation container."""

from evalayer_lab.run._handler import DEFAULT_HANDLER, LoadedHandler, load_handler
from evalayer_lab.run._invoker import InvalidResponse, LocalContext
from evalayer_lab.run._pipeline import StageSeconds
from evalayer_lab.run._run import RunOutcome, RunPlan, run
from evalayer_lab.run._training import train_baseline

__all__ = [
    "DEFAULT_HANDLER",
    "InvalidResponse",
    "LoadedHandler",
    "LocalContext",
    "RunOutcome",
    "RunPlan",
    "StageSeconds",
    "load_handler",
    "run",
    "train_baseline",
]
