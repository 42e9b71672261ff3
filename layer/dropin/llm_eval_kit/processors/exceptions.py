"""What processors raise."""

from _evalayer_dropin._processors import PostprocessError, PreprocessError, ProcessorError

__all__ = ["PostprocessError", "PreprocessError", "ProcessorError"]
