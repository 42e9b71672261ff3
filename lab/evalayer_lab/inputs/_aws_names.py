"""S3 URIs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from evalayer_lab.inputs._errors import InputError

_URI: Final = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<key>.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class S3Uri:
    """A place in S3.

    Attributes:
        bucket: its bucket.
        key: its key or prefix, without a slash at either end; empty for the whole bucket.
    """

    bucket: str
    key: str

    @classmethod
    def parse(cls, text: str, what: str) -> S3Uri:
        """Read `s3://bucket/key`.

        Args:
            text: the URI.
            what: where it was given, for the message.

        Raises:
            InputError: it is no such URI.
        """
        match = _URI.fullmatch(text)
        key = (match["key"] or "").strip("/") if match else ""
        if match is None or not (key.isprintable() and "//" not in key):
            why = "" if match or not text.startswith("s3://") else "; a bucket has 3 to 63 of a-z, 0-9, dot and hyphen"
            raise InputError(f"is {text!r}; it takes s3://BUCKET/PREFIX{why}", field=what)
        return cls(match["bucket"], key)

    def __truediv__(self, name: str) -> S3Uri:
        return S3Uri(self.bucket, f"{self.key}/{name}" if self.key else name)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}".rstrip("/")


_COLON: Final = re.compile(r":(?![^{]*\})")  # none of those in ${AWS::Region}


def split_arn(arn: str) -> list[str]:
    """Split an ARN at its colons, and not within a `${…}`."""
    return _COLON.split(arn)


def may_be(pattern: str, text: str) -> bool:
    """Whether a text with a `${…}` for each unknown part may be another text."""
    literal = [re.escape(part) for part in re.split(r"\$\{[^{}]*\}", pattern)]
    return re.fullmatch(".*".join(literal), text, re.DOTALL) is not None
