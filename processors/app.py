"""What Lambda calls: `app.lambda_handler`."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from evalayer import build_lambda_handler
from support_tickets import task


def _build() -> Callable[..., dict[str, Any]]:
    if os.environ.get("AWS_LAMBDA_FUNCTION_NAME") and find_spec("aws_lambda_powertools"):
        from _powertools import build_observed_handler

        return build_observed_handler(task)
    return build_lambda_handler(task)


lambda_handler = _build()
