"""The size that a synchronous Lambda invocation can carry."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final, Literal

from evalayer._errors import PayloadTooLarge

# AWS documentation, Lambda quotas: 6 MB each for the request and the response of a synchronous invocation.
MAX_PAYLOAD_BYTES: Final = 6 * 1024 * 1024
_MOST_BYTES_A_CHARACTER: Final = 6  # \u001f


def check_size(
    payload: Any,
    texts: Iterable[str | None] | None,
    what: Literal["event", "response"],
    remedy: str = "shorten the row",
) -> None:
    """Refuse a payload that Lambda would refuse.

    Args:
        payload: the JSON value that travels.
        texts: the texts in it that can be long; only where these are is the payload measured. None: it is
            measured in any case.
        what: `"event"`, which travels without blanks between its fields, or `"response"`, which the runtime writes
            with them.
        remedy: what the message says to do.

    Raises:
        PayloadTooLarge: its JSON in UTF-8 has more than 6 MiB.
    """
    if texts is not None and (sum(map(len, filter(None, texts))) * _MOST_BYTES_A_CHARACTER < MAX_PAYLOAD_BYTES // 2):
        return
    separators = (",", ":") if what == "event" else (", ", ": ")
    size = len(json.dumps(payload, ensure_ascii=False, separators=separators).encode("utf-8", "surrogatepass"))
    if size > MAX_PAYLOAD_BYTES:
        raise PayloadTooLarge(
            f"the {what} has {size:,} bytes of JSON; Lambda accepts at most {MAX_PAYLOAD_BYTES:,}: {remedy}"
        )
