"""Where answers come from."""

from evalayer_lab.backends._base import Backend, Generation, Request
from evalayer_lab.backends._baseline import BaselineBackend
from evalayer_lab.backends._replay import ReplayBackend

__all__ = ["Backend", "BaselineBackend", "Generation", "ReplayBackend", "Request"]
