"""The processor of preprocess events."""

from _evalayer_dropin._processors import PreProcessor

__all__ = ["PreProcessor"]
