"""Sizes, against Lambda's limits."""

from __future__ import annotations

import zlib
from collections import Counter
from typing import Final

from evalayer_lab.aws.doctor._artefact import Artefact, Target
from evalayer_lab.aws.doctor._report import Results, error, warning

MAX_UNZIPPED: Final = 262_144_000
MAX_ZIPPED: Final = 50 * 1024 * 1024
_MIB: Final = 1024 * 1024
_LARGEST: Final = 5
_CHUNK: Final = 1024 * 1024


def check_unzipped(target: Target) -> Results:
    """Compare the unzipped size of the function and all its layers with the limit of 262,144,000 bytes."""
    total = sum(artefact.size for artefact in target.artefacts)
    if total > MAX_UNZIPPED:
        count = len(target.unseen)
        layers = "1 layer" if count == 1 else f"{count} layers"
        unseen = f", without {layers} that cannot be seen from here" if count else ""
        yield error(
            "unzipped-size",
            target.name,
            f"the function and its layers are {total:,} bytes unzipped{unseen}; Lambda accepts {MAX_UNZIPPED:,}. "
            f"The largest: {largest(target)}",
            "drop what the task does not import, or build the function as a container image",
        )


def check_zipped(artefact: Artefact) -> Results:
    """Compare a zip, or what a folder would be as a zip, with the 50 MiB of a direct upload."""
    if artefact.tree.zipped is None and not MAX_ZIPPED < artefact.size <= MAX_UNZIPPED:
        return
    zipped = artefact.tree.zipped if artefact.tree.zipped is not None else _deflated(artefact)
    if zipped > MAX_ZIPPED:
        yield warning(
            "zipped-size",
            artefact.name,
            f"{zipped / _MIB:.1f} MiB zipped; a direct upload takes 50 MiB",
            "upload it through S3, as `sam deploy` does, or drop what the task does not import",
        )


def largest(target: Target) -> str:
    """Name the largest packages of a function and its layers."""
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
