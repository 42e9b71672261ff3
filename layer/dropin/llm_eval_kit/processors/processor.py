"""The base of processors."""

from _evalayer_dropin._processors import Processor

__all__ = ["Processor"]
