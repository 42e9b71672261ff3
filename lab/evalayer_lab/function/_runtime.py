"""Lambda's Python runtimes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from evalayer_lab.inputs import InputError, suggest

Architecture: TypeAlias = Literal["arm64", "x86_64"]
ARCHITECTURES: Final[tuple[Architecture, ...]] = ("arm64", "x86_64")
MACHINES: Final = {"arm64": "aarch64", "x86_64": "x86_64"}  # as wheels and uname call them
_ON_THIS_SYSTEM: Final = {"aarch64": "arm64", "AMD64": "x86_64"}
RUNTIME_PACKAGES: Final = frozenset(
    {"awslambdaric", "boto3", "botocore", "s3transfer", "snapshot_restore_py", "urllib3"}
)  # there without a layer


@dataclass(frozen=True, slots=True)
class Runtime:
    """A Python runtime of Lambda, `python3.<minor>`."""

    minor: int

    @property
    def name(self) -> str:
        """As templates write it."""
        return f"python3.{self.minor}"

    @property
    def glibc(self) -> tuple[int, int]:
        """The version of its C library: Amazon Linux 2023 from python3.12 on, Amazon Linux 2 before."""
        return (2, 34) if self.minor >= 12 else (2, 26)

    @property
    def system(self) -> str:
        """Its operating system."""
        return "Amazon Linux 2023" if self.minor >= 12 else "Amazon Linux 2"


def architecture_of(machine: str) -> str:
    """What Lambda calls a machine; its own name if Lambda has no such machine."""
    return _ON_THIS_SYSTEM.get(machine, machine)


def parse_runtime(name: object) -> Runtime | None:
    """Read `python3.13`; None for anything else."""
    found = re.fullmatch(r"python3\.([0-9]{1,2})", name) if isinstance(name, str) else None
    return Runtime(int(found[1])) if found else None


def read_runtime(name: str) -> Runtime:
    """Read the runtime that the user named.

    Raises:
        InputError: it is not a Python runtime of Lambda.
    """
    runtime = parse_runtime(name)
    if runtime is None:
        raise InputError(f"{name!r} is not a Python runtime of Lambda; write it as python3.13", field="--runtime")
    return runtime


def read_architecture(name: str) -> Architecture:
    """Read the architecture that the user named.

    Raises:
        InputError: Lambda has no such architecture.
    """
    for known in ARCHITECTURES:
        if name == known:
            return known
    raise InputError(
        f"{name!r} is not an architecture of Lambda; {suggest(name, ARCHITECTURES)}", field="--architecture"
    )
