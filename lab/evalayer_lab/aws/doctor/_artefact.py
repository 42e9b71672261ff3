"""Layers and functions as Lambda lays them out: what is importable, and what comes before what."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Literal

from evalayer_lab.aws.doctor._distributions import Distribution, find_distributions
from evalayer_lab.aws.doctor._runtime import Architecture, Runtime
from evalayer_lab.aws.doctor._tree import Tree

_OTHER_SITE: Final = re.compile(r"python/lib/python3\.[0-9]+/site-packages/")
_NOT_IMPORTED: Final = re.compile(r"(?:.*\.(?:dist-info|egg-info|data|libs|pth)|__pycache__|bin|include|share)\Z")


@dataclass(frozen=True)
class Artefact:
    """A layer, unzipped to /opt, or a function's code, unzipped to /var/task."""

    name: str
    role: Literal["layer", "function"]
    tree: Tree

    @property
    def size(self) -> int:
        """Its size in bytes, unzipped."""
        return sum(self.tree.files.values())


@dataclass(frozen=True)
class Entry:
    """A folder of an artefact that is on Python's search path.

    Attributes:
        artefact: whose folder it is.
        prefix: its path in the artefact, empty or with a slash at the end.
        files: the files under it by their path from it, with sizes in bytes.
    """

    artefact: Artefact
    prefix: str
    files: Mapping[str, int]

    def read(self, name: str, most: int) -> bytes:
        """Read a file's first `most` bytes."""
        return self.artefact.tree.read(self.prefix + name, most)

    @cached_property
    def packages(self) -> Mapping[str, Mapping[str, int]]:
        """By top-level import name, its files."""
        packages: dict[str, dict[str, int]] = {}
        for name, size in self.files.items():
            top, slash, _ = name.partition("/")
            if _NOT_IMPORTED.match(top):
                continue
            if not slash:
                if not top.endswith((".py", ".so", ".pyd")):
                    continue
                top = top.partition(".")[0]
            packages.setdefault(top, {})[name] = size
        return packages

    @cached_property
    def distributions(self) -> Sequence[Distribution]:
        """The distributions that are installed in it."""
        return find_distributions(self)

    def is_namespace(self, package: str) -> bool:
        """Whether a package is a folder without `__init__`, which shares its name with others."""
        return not any(
            name.startswith((f"{package}.", f"{package}/__init__.")) for name in self.packages.get(package, ())
        )


@dataclass(frozen=True)
class Target:
    """A function as it would run.

    Attributes:
        name: what the function is called here.
        runtime: its Python.
        architecture: its processor.
        function: its code; None if it was not built.
        layers: the layers that could be read, in merge order.
        unseen: the layers that could not, by ARN or name.
        handler: as the template has it, `app.lambda_handler`; None if it is not known.
        environment: the environment variables whose values the template tells.
        region: where it is to be deployed, if that is known.
    """

    name: str
    runtime: Runtime
    architecture: Architecture
    function: Artefact | None
    layers: Sequence[Artefact]
    unseen: Sequence[str] = ()
    handler: str | None = None
    environment: Mapping[str, str] | None = None
    region: str | None = None

    @property
    def artefacts(self) -> Sequence[Artefact]:
        """Everything that could be read."""
        return [*([self.function] if self.function else []), *self.layers]

    @cached_property
    def entries(self) -> Sequence[Entry]:
        """The search path, first match first.

        Lambda puts /var/task before /opt/python/lib/python3.N/site-packages, and that before /opt/python. Layers are
        unzipped over each other in order, so that the last one's files win.
        """
        entries = [] if self.function is None else [Entry(self.function, "", self.function.tree.files)]
        site = f"python/lib/{self.runtime.name}/site-packages/"
        for prefix in (site, "python/"):
            for layer in reversed(self.layers):
                files = {
                    name.removeprefix(prefix): size
                    for name, size in layer.tree.files.items()
                    if name.startswith(prefix) and (prefix == site or not _OTHER_SITE.match(name))
                }
                if files:
                    entries.append(Entry(layer, prefix, files))
        return entries


def artefact_name(path: Path) -> str:
    """Name an artefact by its folder or zip."""
    return path.resolve().name
