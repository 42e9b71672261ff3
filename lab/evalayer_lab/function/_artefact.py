"""Layers and functions as Lambda lays them out: what is importable, and what comes before what."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from configparser import ConfigParser
from configparser import Error as ConfigError
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from functools import cached_property
from typing import Final, Literal

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from evalayer_lab.function._runtime import MACHINES, Architecture, Runtime
from evalayer_lab.function._tree import Tree

_read_headers: Final = HeaderParser().parsestr
_MAX_TEXT: Final = 1024 * 1024
_MAX_RECORD: Final = 16 * 1024 * 1024
_MAX_REQUIREMENTS: Final = 1000
_FOLDER: Final = re.compile(r"([^/]{1,200})\.dist-info/")
_OTHER_SITE: Final = re.compile(r"python/lib/python3\.[0-9]+/site-packages/")
_NOT_IMPORTED: Final = re.compile(r"(?:.*\.(?:dist-info|egg-info|data|libs|pth)|__pycache__|bin|include|share)\Z")


@dataclass(frozen=True)
class Distribution:
    """A distribution that a dist-info folder describes.

    Attributes:
        entry: where it is on the search path.
        folder: the name of its dist-info folder.
    """

    entry: PathEntry
    folder: str

    @property
    def name(self) -> str:
        """Its name, in the normal form: lower case, with hyphens."""
        return canonicalize_name(self._headers.get("name", self.folder.split("-")[0]))

    @property
    def version(self) -> Version | None:
        """Its version, if that can be read."""
        declared = self._headers.get("version", self.folder.removesuffix(".dist-info").partition("-")[2])
        try:
            return Version(declared)
        except InvalidVersion:
            return None

    @cached_property
    def requirements(self) -> Sequence[Requirement]:
        """What it requires; a requirement that cannot be read is left out."""
        found = []
        for text in self._headers.get_all("requires-dist", [])[:_MAX_REQUIREMENTS]:
            try:
                found.append(Requirement(text))
            except (InvalidRequirement, RecursionError):
                continue
        return found

    @cached_property
    def tags(self) -> Sequence[str]:
        """The tags of the wheel it was installed from, such as `cp313-cp313-manylinux_2_17_aarch64`."""
        return _read_headers(self.text("WHEEL")).get_all("tag", [])

    @cached_property
    def recorded(self) -> Sequence[str] | None:
        """The files that its RECORD lists, from the folder that holds the dist-info; None without a RECORD."""
        if f"{self.folder}/RECORD" not in self.entry.files:
            return None
        try:
            return [row[0] for row in csv.reader(self.text("RECORD", _MAX_RECORD).splitlines()) if row]
        except csv.Error:
            return None

    @cached_property
    def entry_points(self) -> Mapping[str, Mapping[str, str]]:
        """By group, what each name refers to."""
        parser = ConfigParser(delimiters=("=",), interpolation=None, strict=False)
        parser.optionxform = str  # type: ignore[assignment, method-assign]  # names keep their case
        try:
            parser.read_string(self.text("entry_points.txt"))
        except ConfigError:
            return {}
        return {group: dict(parser.items(group)) for group in parser.sections()}

    def text(self, name: str, most: int = _MAX_TEXT) -> str:
        """Read a file of the dist-info folder; empty if there is none."""
        path = f"{self.folder}/{name}"
        return self.entry.read(path, most).decode("utf-8", "replace") if path in self.entry.files else ""

    @cached_property
    def _headers(self) -> Message:
        return _read_headers(self.text("METADATA"))

    def __str__(self) -> str:
        return f"{self.name} {self.version}" if self.version else self.name


def marker_environment(runtime: Runtime, architecture: Architecture) -> dict[str, str]:
    """Return what environment markers see on Lambda."""
    version = f"3.{runtime.minor}"
    return {
        "extra": "",
        "implementation_name": "cpython",
        "implementation_version": f"{version}.0",
        "os_name": "posix",
        "platform_machine": MACHINES[architecture],
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{version}.0",
        "python_version": version,
        "sys_platform": "linux",
    }


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
class PathEntry:
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
        folders = dict.fromkeys(found[0].rstrip("/") for name in self.files if (found := _FOLDER.match(name)))
        return [Distribution(self, folder) for folder in folders]

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
    def entries(self) -> Sequence[PathEntry]:
        """The search path, first match first.

        Lambda puts /var/task before /opt/python/lib/python3.N/site-packages, and that before /opt/python. Layers are
        unzipped over each other in order, so that the last one's files win.
        """
        entries = [] if self.function is None else [PathEntry(self.function, "", self.function.tree.files)]
        site = f"python/lib/{self.runtime.name}/site-packages/"
        for prefix in (site, "python/"):
            for layer in reversed(self.layers):
                files = {
                    name.removeprefix(prefix): size
                    for name, size in layer.tree.files.items()
                    if name.startswith(prefix) and (prefix == site or not _OTHER_SITE.match(name))
                }
                if files:
                    entries.append(PathEntry(layer, prefix, files))
        return entries
