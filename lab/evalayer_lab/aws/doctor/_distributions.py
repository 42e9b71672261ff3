"""The installed distributions of an artefact, from their dist-info folders."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from configparser import ConfigParser
from configparser import Error as ConfigError
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from evalayer_lab.aws.doctor._runtime import MACHINES, Architecture, Runtime

if TYPE_CHECKING:
    from evalayer_lab.aws.doctor._artefact import Entry

_MAX_TEXT: Final = 1024 * 1024
_MAX_RECORD: Final = 16 * 1024 * 1024
_MAX_REQUIREMENTS: Final = 1000
_FOLDER: Final = re.compile(r"([^/]{1,200})\.dist-info/")


@dataclass(frozen=True)
class Distribution:
    """A distribution that a dist-info folder describes.

    Attributes:
        entry: where it is on the search path.
        folder: the name of its dist-info folder.
    """

    entry: Entry
    folder: str

    @property
    def name(self) -> str:
        """Its name, in the normal form: lower case, with hyphens."""
        return canonicalize_name(self._headers.get("name", [self.folder.split("-")[0]])[0])

    @property
    def version(self) -> Version | None:
        """Its version, if that can be read."""
        declared = self._headers.get("version", [self.folder.removesuffix(".dist-info").partition("-")[2]])[0]
        try:
            return Version(declared)
        except InvalidVersion:
            return None

    @cached_property
    def requirements(self) -> Sequence[Requirement]:
        """What it requires; a requirement that cannot be read is left out."""
        found = []
        for text in self._headers.get("requires-dist", [])[:_MAX_REQUIREMENTS]:
            try:
                found.append(Requirement(text))
            except (InvalidRequirement, RecursionError):
                continue
        return found

    @cached_property
    def tags(self) -> Sequence[str]:
        """The tags of the wheel it was installed from, such as `cp313-cp313-manylinux_2_17_aarch64`."""
        return _headers(self.text("WHEEL")).get("tag", [])

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
    def _headers(self) -> Mapping[str, list[str]]:
        return _headers(self.text("METADATA"))

    def __str__(self) -> str:
        return f"{self.name} {self.version}" if self.version else self.name


def find_distributions(entry: Entry) -> Sequence[Distribution]:
    """List the distributions of a folder on the search path."""
    folders = dict.fromkeys(found[0].rstrip("/") for name in entry.files if (found := _FOLDER.match(name)))
    return [Distribution(entry, folder) for folder in folders]


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


def _headers(text: str) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    for line in text.splitlines():
        if not line.strip():
            break
        key, colon, value = line.partition(":")
        if colon:
            headers.setdefault(key.strip().lower(), []).append(value.strip())
    return headers
