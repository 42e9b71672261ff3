"""Shared objects against the function's processor and Python, from their headers and names."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from evalayer_lab.function._artefact import PathEntry

_SHARED: Final = re.compile(r"\.(?:so(?:\.[0-9]+)*|dylib|pyd|dll)\Z")
_ABI: Final = re.compile(r"\.(?:cpython-3([0-9]+)(t?)|(abi3)|(pypy)[0-9]+)[^/]*\Z")
# e_machine, from the ELF gABI and its processor supplements
_ELF_MACHINES: Final = {
    3: "x86 (32 bit)",
    21: "ppc64",
    22: "s390x",
    40: "arm (32 bit)",
    62: "x86_64",
    183: "arm64",
    243: "riscv",
}
_MACH_O: Final = {
    b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xfe\xed\xfa\xcf", b"\xfe\xed\xfa\xce",
    b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf",
}  # fmt: skip
_DAMAGED: Final = "damaged"
_NO_BINARY: Final = "not a shared object, by what is in it"
_HEADER_BYTES: Final = 20


@dataclass(frozen=True, slots=True)
class SharedObject:
    """A compiled file.

    Attributes:
        name: its path from the entry.
        machine: the processor it is for; or `macOS`, `Windows`, or what is wrong with the file.
        minor: the Python 3 version it is for, None for any.
        flavour: what other Python or C library its name is for: `free-threaded`, `PyPy`, `musl`; else empty.
    """

    name: str
    machine: str
    minor: int | None
    flavour: str

    @property
    def is_readable(self) -> bool:
        """Whether its header says what it is for."""
        return self.machine not in {_DAMAGED, _NO_BINARY}

    def loads_on(self, machine: str, minor: int) -> bool:
        """Whether CPython 3.`minor` on that processor, with glibc, can load it."""
        return self.machine == machine and self.minor in {None, minor} and not self.flavour


def machine_of(head: bytes) -> str:
    """Say for what a compiled file is, from its first 20 bytes.

    `e_machine` is the two bytes at offset 18 of an ELF header, in the byte order of the byte at offset 5.
    """
    if head.startswith(b"\x7fELF"):
        if len(head) < _HEADER_BYTES or head[5] not in {1, 2}:
            return _DAMAGED
        (machine,) = struct.unpack_from("<H" if head[5] == 1 else ">H", head, 18)
        return _ELF_MACHINES.get(machine, f"the ELF machine {machine}")
    if head[:4] in _MACH_O:
        return "macOS"
    if head.startswith(b"MZ"):
        return "Windows"
    return _NO_BINARY


def shared_objects(entry: PathEntry) -> Iterator[SharedObject]:
    """Read the header of every shared object of an entry."""
    for name in entry.files:
        if not _SHARED.search(name):
            continue
        found = _ABI.search(name.rpartition("/")[2])
        flavour = "musl" if "-musl" in name.rpartition("/")[2] else ""
        if found and (found[2] or found[4]):
            flavour = "free-threaded" if found[2] else "PyPy"
        minor = int(found[1]) if found and found[1] else None
        yield SharedObject(name, machine_of(entry.read(name, _HEADER_BYTES)), minor, flavour)


def unloadable(entry: PathEntry, machine: str, minor: int) -> Iterator[SharedObject]:
    """Yield the shared objects that cannot be loaded, unless another build of the same module beside it can."""
    modules: dict[str, list[SharedObject]] = {}
    for shared in shared_objects(entry):
        folder, slash, file = shared.name.rpartition("/")
        modules.setdefault(folder + slash + file.partition(".")[0], []).append(shared)
    for builds in modules.values():
        if not any(shared.loads_on(machine, minor) for shared in builds):
            yield from builds
