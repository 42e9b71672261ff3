"""The function that Lambda calls."""

from _evalayer_dropin._processors import build_lambda_handler

__all__ = ["build_lambda_handler"]
