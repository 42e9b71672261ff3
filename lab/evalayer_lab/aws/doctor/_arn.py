"""ARNs as templates write them."""

from __future__ import annotations

import re
from typing import Final

_COLON: Final = re.compile(r":(?![^{]*\})")  # none of those in ${AWS::Region}


def split_arn(arn: str) -> list[str]:
    """Split an ARN at its colons, and not within a `${…}`."""
    return _COLON.split(arn)


def may_be(pattern: str, text: str) -> bool:
    """Whether a text with a `${…}` for each unknown part may be another text."""
    literal = [re.escape(part) for part in re.split(r"\$\{[^{}]*\}", pattern)]
    return re.fullmatch(".*".join(literal), text, re.DOTALL) is not None
