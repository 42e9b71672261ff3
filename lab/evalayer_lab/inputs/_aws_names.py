"""Names of AWS: S3 URIs, ARNs of roles and functions."""

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


_ROLE: Final = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):iam::(?P<account>\d{12}):role/(?:[\x21-\x2e\x30-\x7e]+/)*(?P<name>[\w+=,.@-]{1,64})",
    re.ASCII,
)
_FUNCTION_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_FUNCTION: Final = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):lambda:(?P<region>[a-z]{2}[a-z0-9-]*-\d):(?P<account>\d{12}):function:"
    r"(?P<name>[A-Za-z0-9_-]{1,64})(?::(?P<qualifier>[A-Za-z0-9$_-]{1,128}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Role:
    """A role of IAM.

    Attributes:
        arn: its ARN.
        partition: the partition of AWS, mostly `aws`.
        account: the account, twelve digits.
        name: its name.
    """

    arn: str
    partition: str
    account: str
    name: str

    @classmethod
    def parse(cls, arn: str) -> Role | None:
        """Read a role's ARN; None if it is something else."""
        match = _ROLE.fullmatch(arn)
        return cls(arn, match["partition"], match["account"], match["name"]) if match else None


@dataclass(frozen=True, slots=True)
class Function:
    """A Lambda function.

    Attributes:
        arn: its ARN.
        partition: the partition of AWS, mostly `aws`.
        region: its region.
        name: its name.
        qualifier: a version or an alias; None for the latest version.
    """

    arn: str
    partition: str
    region: str
    name: str
    qualifier: str | None

    @classmethod
    def parse(cls, arn: str) -> Function | None:
        """Read a function's ARN; None if it is something else."""
        match = _FUNCTION.fullmatch(arn)
        return cls(arn, match["partition"], match["region"], match["name"], match["qualifier"]) if match else None

    @classmethod
    def named(cls, given: str, role: Role, region: str) -> Function | None:
        """Read a function's ARN, or its name in the account of a role; None if it is neither."""
        is_name = _FUNCTION_NAME.fullmatch(given) is not None
        return cls.parse(f"arn:{role.partition}:lambda:{region}:{role.account}:function:{given}" if is_name else given)


_COLON: Final = re.compile(r":(?![^{]*\})")  # none of those in ${AWS::Region}


def split_arn(arn: str) -> list[str]:
    """Split an ARN at its colons, and not within a `${…}`."""
    return _COLON.split(arn)


def may_be(pattern: str, text: str) -> bool:
    """Whether a text with a `${…}` for each unknown part may be another text."""
    literal = [re.escape(part) for part in re.split(r"\$\{[^{}]*\}", pattern)]
    return re.fullmatch(".*".join(literal), text, re.DOTALL) is not None
