"""Where answers come from. Each source is a module of its own, so that only the one in use is imported."""

from evalayer_lab.backends._base import BACKENDS, Backend, Generation, Request

__all__ = ["BACKENDS", "Backend", "Generation", "Request"]
