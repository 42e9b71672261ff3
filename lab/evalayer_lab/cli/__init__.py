"""The command line."""

from evalayer_lab.cli._main import main

__all__ = ["main"]
