"""S3 URIs and ARNs."""

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
            raise InputError(f"is {text!r}; it must be s3://BUCKET/PREFIX{why}", field=what)
        return cls(match["bucket"], key)

    def __truediv__(self, name: str) -> S3Uri:
        return S3Uri(self.bucket, f"{self.key}/{name}" if self.key else name)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}".rstrip("/")


_COLON: Final = re.compile(r":(?![^{]*\})")  # none of those in ${AWS::Region}
_FUNCTION: Final = re.compile(
    r"arn:aws[a-z-]*:lambda:[a-z]{2}[a-z0-9-]*-\d:\d{12}:function:[A-Za-z0-9_-]{1,64}(?::[A-Za-z0-9$_-]{1,128})?",
    re.ASCII,
)
_ROLE: Final = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/(?:[\x21-\x2e\x30-\x7e]+/)*[\w+=,.@-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Arn:
    """An ARN. In one that stands in a template, any part may still hold a `${…}`.

    Attributes:
        text: all of it.
        partition: `aws`, or that of China or of GovCloud.
        service: such as `lambda`.
        region: its region; empty where the service has none.
        account: its account.
        resource: what follows, split at the colons: `("function", NAME, ALIAS)`, or `("role/NAME",)`.
    """

    text: str
    partition: str
    service: str
    region: str
    account: str
    resource: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Arn | None:
        """Read an ARN; None if the text is not one.

        >>> arn = Arn.parse("arn:aws:lambda:us-east-1:111122223333:function:SageMaker-tickets:live")
        >>> arn.region, arn.name, arn.qualifier, arn.is_function
        ('us-east-1', 'SageMaker-tickets', 'live', True)
        """
        match _COLON.split(text):
            case ["arn", partition, service, region, account, *resource] if resource:
                return cls(text, partition, service, region, account, tuple(resource))
        return None

    @property
    def name(self) -> str:
        """The name of the function, layer or role."""
        first, *rest = self.resource
        return rest[0] if rest else first.rpartition("/")[2]

    @property
    def qualifier(self) -> str | None:
        """The version or alias of the function or layer; None if it has none."""
        return self.resource[2] if len(self.resource) > 2 else None

    @property
    def is_function(self) -> bool:
        """Whether it is the ARN of a Lambda function, with nothing left open."""
        return _FUNCTION.fullmatch(self.text) is not None

    @property
    def is_role(self) -> bool:
        """Whether it is the ARN of an IAM role, with nothing left open."""
        return _ROLE.fullmatch(self.text) is not None

    def __str__(self) -> str:
        return self.text
