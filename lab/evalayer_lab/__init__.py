"""The lab: prepare data, rehearse evaluation jobs on your machine, and read what they found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evalayer_lab._notebook import Run, load

__all__ = ["Run", "load"]


def __getattr__(name: str) -> Any:
    if name in __all__:  # on first use, so that importing a room of the lab imports no other
        from evalayer_lab import _notebook

        return getattr(_notebook, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
