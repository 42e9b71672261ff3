"""One module per wire contract of the evaluation container; nothing else knows a wire format."""

from __future__ import annotations

from collections.abc import Mapping


def is_rft(event: object) -> bool:
    """Whether an event is of the contract `rft`: a list of rows, or an object that has one as its `body`."""
    return isinstance(event, list) or (
        isinstance(event, Mapping) and "body" in event and "process_type" not in event and "data" not in event
    )
