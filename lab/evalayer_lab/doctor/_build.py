"""What was built, against the function's processor, Python and C library, and against Lambda's limits of size."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Final

from evalayer_lab.doctor._report import file_place, package_place
from evalayer_lab.function import MACHINES, Artefact, SharedObject, Target, unloadable
from evalayer_lab.inputs import Finding, Place

_MAX_UNZIPPED: Final = 262_144_000
_MIB: Final = 1024 * 1024
_MAX_ZIPPED: Final = 50 * _MIB
_LARGEST: Final = 5
_CHUNK: Final = 1024 * 1024
# PEP 513, 571 and 599 name these by year; PEP 600 by glibc's version
_BY_YEAR: Final = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
_PLATFORM: Final = re.compile(r"(?:manylinux_([0-9]{1,3})_([0-9]{1,3})|(manylinux1|manylinux20[0-9]+)|linux)_(\w+)\Z")


def check_wheels(target: Target) -> Iterator[Finding]:
    """Compare each distribution's wheel tags with the function; the tag that fits best decides."""
    libc = "_".join(map(str, target.runtime.glibc))
    machine = MACHINES[target.architecture]
    fix = f"install a wheel for cp3{target.runtime.minor}, {machine} and at most manylinux_{libc}"
    for entry in target.entries:
        for distribution in entry.distributions:
            if not distribution.tags:
                continue
            problems = [_problems(tag, target) for tag in distribution.tags[:100]]
            for code, problem in min(problems, key=len):
                reason = f"its wheel is tagged {distribution.tags[0]}: {problem}"
                yield Finding(code, "error", package_place(entry, distribution), reason, fix)


def _problems(tag: str, target: Target) -> list[tuple[str, str]]:
    parts = tag.split("-")
    if len(parts) != 3:
        return []
    python, abi, platform = parts
    problems = []
    if not any(_python_fits(one, abi, target.runtime.minor) for one in python.split(".")):
        problems.append(("wheel-python", f"it is not for {target.runtime.name}"))
    reasons = [_platform_problem(one, target) for one in platform.split(".")]
    if None not in reasons and reasons[0] is not None:
        problems.append(reasons[0])
    return problems


def _python_fits(python: str, abi: str, minor: int) -> bool:
    if re.fullmatch(r"py3[0-9]{0,3}", python):
        return int(python[3:] or 0) <= minor
    found = re.fullmatch(r"cp3([0-9]{1,3})", python)
    if not found:
        return False
    if abi in {"abi3", "none"}:
        return int(found[1]) <= minor
    return int(found[1]) == minor and abi == f"cp3{minor}"


def _platform_problem(platform: str, target: Target) -> tuple[str, str] | None:
    if platform == "any":
        return None
    if platform.startswith("musllinux"):
        return "wheel-libc", f"musl is a C library that {target.runtime.system} does not have"
    found = _PLATFORM.match(platform)
    if found is None:
        return "wheel-system", "it is not for Linux"
    if found[4] != MACHINES[target.architecture]:
        return "wheel-architecture", f"{target.name} runs on {target.architecture}"
    wanted = (int(found[1]), int(found[2])) if found[1] else _BY_YEAR.get(found[3] or "", (0, 0))
    if wanted > target.runtime.glibc:
        has = ".".join(map(str, target.runtime.glibc))
        needs = ".".join(map(str, wanted))
        return "wheel-libc", f"it needs glibc {needs}, but {target.runtime.system} has {has}"
    return None


def check_unzipped(target: Target) -> Iterator[Finding]:
    """Compare the unzipped size of the function and all its layers with the limit of 262,144,000 bytes."""
    total = sum(artefact.size for artefact in target.artefacts)
    if total > _MAX_UNZIPPED:
        count = len(target.unseen)
        layers = "1 layer" if count == 1 else f"{count} layers"
        unseen = f", without {layers} that cannot be seen from here" if count else ""
        reason = (
            f"the function and its layers are {total:,} bytes unzipped{unseen}; Lambda accepts {_MAX_UNZIPPED:,}; "
            f"the largest packages are {_largest(target)}"
        )
        fix = "remove what the task does not import, or build the function as a container image"
        yield Finding("unzipped-size", "error", Place(field=target.name), reason, fix)


def check_zipped(artefact: Artefact) -> Iterator[Finding]:
    """Compare a zip, or a folder as it would be zipped, with the 50 MiB of a direct upload."""
    if artefact.tree.zipped is None and not _MAX_ZIPPED < artefact.size <= _MAX_UNZIPPED:
        return
    zipped = artefact.tree.zipped if artefact.tree.zipped is not None else _deflated(artefact)
    if zipped > _MAX_ZIPPED:
        reason = f"is {zipped / _MIB:.1f} MiB zipped; a direct upload takes at most 50 MiB"
        fix = "upload it through S3, as `sam deploy` does, or remove what the task does not import"
        yield Finding("zipped-size", "warning", Place(str(artefact.tree.path)), reason, fix)


def _largest(target: Target) -> str:
    sizes: Counter[str] = Counter()
    for entry in target.entries:
        for name, size in entry.files.items():
            sizes[f"{name.partition('/')[0]} of {entry.artefact.name}"] += size
    return ", ".join(f"{name} {size / _MIB:.1f} MiB" for name, size in sizes.most_common(_LARGEST))


def _deflated(artefact: Artefact) -> int:
    total = 0
    for name in artefact.tree.files:
        packer = zlib.compressobj()
        with artefact.tree.open(name) as file:
            while chunk := file.read(_CHUNK):
                total += len(packer.compress(chunk))
        total += len(packer.flush())
    return total


def check_binaries(target: Target) -> Iterator[Finding]:
    """Compare every shared object with the architecture and the runtime, one finding for each package and reason."""
    for entry in target.entries:
        grouped: dict[tuple[str, str, str], list[str]] = {}
        for shared in unloadable(entry, target.architecture, target.runtime.minor):
            top = shared.name.partition("/")[0].partition(".")[0]
            code, what = _binary_reason(shared, target)
            grouped.setdefault((top, code, what), []).append(shared.name)
        for (top, code, what), names in grouped.items():
            count = f"{len(names)} shared objects are" if len(names) > 1 else "a shared object is"
            reason = f"{top}: {count} {what}; {target.name} runs {target.runtime.name} on {target.architecture}"
            yield Finding(code, "error", file_place(entry, names[0]), reason, _binary_fix(target))


def _binary_reason(shared: SharedObject, target: Target) -> tuple[str, str]:
    if not shared.is_readable:
        return "elf-damaged", shared.machine
    if shared.machine in {"macOS", "Windows"}:
        return "elf-system", f"built for {shared.machine}"
    if shared.machine != target.architecture:
        return "elf-architecture", f"built for {shared.machine}"
    if shared.flavour == "musl":
        return "python-abi", f"built for musl, a C library that {target.runtime.system} does not have"
    if shared.flavour:
        return "python-abi", f"built for {shared.flavour} Python"
    return "python-abi", f"built for Python 3.{shared.minor}"


def _binary_fix(target: Target) -> str:
    machine = MACHINES[target.architecture]
    libc = "2_28" if target.runtime.glibc >= (2, 28) else "2_17"
    return (
        f"install its wheel for the function: pip install --platform manylinux_{libc}_{machine} --implementation cp "
        f"--python-version 3.{target.runtime.minor} --only-binary=:all: --target …/python"
    )
