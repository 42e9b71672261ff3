"""A CloudFormation template as plain data: its intrinsic functions are records, and nothing is executed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    MappingEndEvent,
    MappingStartEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from evalayer_lab.inputs import InputError

MAX_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 40
_MAX_VALUES: Final = 100_000
_TAG: Final = "tag:yaml.org,2002:"
_PLAIN: Final = frozenset(_TAG + kind for kind in ("int", "float", "bool", "null"))

Place: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Intrinsic:
    """An intrinsic function as it stands in a template: `!Ref Name` is `Intrinsic("Ref", "Name")`."""

    name: str
    argument: object


@dataclass(frozen=True, slots=True)
class Document:
    """A template.

    Attributes:
        path: the file.
        content: the mapping that it holds.
        lines: by place (keys and list positions from the top), the line, from 1.
    """

    path: Path
    content: Mapping[str, object]
    lines: Mapping[Place, int]

    def subject(self, *place: str) -> str:
        """Name a place for a finding, as `template.yaml:12 Function.Timeout`."""
        known = place
        while known not in self.lines:
            known = known[:-1]
        shown = ".".join(part for part in place if part not in {"Resources", "Properties"})
        return f"{self.path}:{self.lines[known]} {shown}"


def read_document(path: Path) -> Document:
    """Read a template, YAML or JSON.

    Raises:
        InputError: it cannot be read, is larger than 256 KiB, nested deeper than 40 levels, larger than 100,000 values
            with its aliases written out, has a key twice, or is no mapping.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read: {getattr(error, 'strerror', None) or error}", path=path) from error
    if len(content) > MAX_BYTES:
        raise InputError(f"is larger than {MAX_BYTES // 1024} KiB; the doctor reads no such template", path=path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("not UTF-8; save the file as UTF-8", path=path) from error
    return _Reader(path).read(text)


class _Reader:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._yaml = YAML(typ="safe", pure=True)
        self._lines: dict[Place, int] = {}
        self._values = 0

    def read(self, text: str) -> Document:
        try:
            self._check_events(text)
            root = self._yaml.compose(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = None if mark is None else mark.line
            raise self._error(f"not YAML: {error.problem or error.context}", line) from error
        except (YAMLError, ValueError) as error:
            raise self._error(f"not YAML: {getattr(error, 'reason', error)}") from error
        if not isinstance(root, MappingNode) or not str(root.tag).startswith(_TAG):
            raise self._error("is no template; a template is a mapping with the section Resources")
        return Document(self._path, self._mapping(root, ()), self._lines)

    def _check_events(self, text: str) -> None:
        depth = 0
        for event in self._yaml.parse(text):
            if isinstance(event, MappingStartEvent | SequenceStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    raise self._error(f"nested deeper than {MAX_DEPTH} levels", event.start_mark.line)
            elif isinstance(event, MappingEndEvent | SequenceEndEvent):
                depth -= 1

    def _value(self, node: Node, place: Place) -> object:
        self._values += 1
        if self._values > _MAX_VALUES or len(place) > MAX_DEPTH:
            raise self._error("too large, or without an end, once its aliases are written out", node.start_mark.line)
        tag = str(node.tag)
        if not tag.startswith("!") or tag == "!":
            return self._plain(node, place)
        return Intrinsic(tag[1:], self._dotted(tag, self._plain(node, place)))

    @staticmethod
    def _dotted(tag: str, argument: object) -> object:
        if tag == "!GetAtt" and isinstance(argument, str):
            return argument.split(".", 1)
        return argument

    def _plain(self, node: Node, place: Place) -> object:
        self._lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, MappingNode):
            return _long_form(self._mapping(node, place))
        if isinstance(node, SequenceNode):
            return [self._value(item, (*place, index)) for index, item in enumerate(node.value)]
        if node.tag not in _PLAIN:
            return node.value
        try:
            return self._yaml.constructor.construct_object(node)
        except (ValueError, LookupError, YAMLError):
            return node.value

    def _mapping(self, node: MappingNode, place: Place) -> dict[str, object]:
        self._lines.setdefault(place, node.start_mark.line + 1)
        values: dict[str, object] = {}
        merged: list[object] = []
        for key_node, value_node in node.value:
            line = key_node.start_mark.line
            if not isinstance(key_node, ScalarNode):
                raise self._error("a key is not text", line)
            key = key_node.value
            if key == "<<":
                value = self._value(value_node, place)
                merged += value if isinstance(value, list) else [value]
                continue
            if key in values:
                raise self._error(f"{key} stands here for the second time", line)
            self._lines[(*place, key)] = line + 1
            values[key] = self._value(value_node, (*place, key))
        for other in merged:
            if isinstance(other, dict):
                values = {**other, **values}
        return values

    def _error(self, reason: str, line: int | None = None) -> InputError:
        return InputError(reason, path=self._path, line=None if line is None else line + 1)


def _long_form(mapping: dict[str, object]) -> object:
    """Read `{"Ref": …}` and `{"Fn::Sub": …}`, the long form of the tags."""
    if len(mapping) == 1:
        [(key, value)] = mapping.items()
        if key == "Ref" or key.startswith("Fn::"):
            return Intrinsic(key.removeprefix("Fn::"), value)
    return mapping
