"""What Lambda calls: `app.lambda_handler`.

The environment variable `EVALAYER_TASK` names the task, and with it the module of this folder that holds it as `task`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from evalayer import build_lambda_handler


def _build() -> Callable[..., Any]:
    task = import_module(os.environ.get("EVALAYER_TASK") or "support_tickets").task
    if os.environ.get("AWS_LAMBDA_FUNCTION_NAME") and find_spec("aws_lambda_powertools"):
        from _powertools import build_observed_handler

        return build_observed_handler(task)
    return build_lambda_handler(task)


lambda_handler = _build()
