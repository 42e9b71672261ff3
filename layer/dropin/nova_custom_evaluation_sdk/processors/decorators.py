"""The decorators that make processors of functions."""

from _evalayer_dropin._processors import postprocess, preprocess

__all__ = ["postprocess", "preprocess"]
