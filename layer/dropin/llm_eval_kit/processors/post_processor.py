"""The processor of postprocess events."""

from _evalayer_dropin._processors import PostProcessor

__all__ = ["PostProcessor"]
