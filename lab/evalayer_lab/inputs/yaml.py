"""YAML from strangers: plain data, the line of every field, and no work beyond the size of the text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from evalayer_lab.inputs._errors import InputError, Place

MAX_BYTES: Final = 64 * 1024  # 30 times the longest known recipe, and under two seconds at worst
MAX_DEPTH: Final = 20
_TAG: Final = "tag:yaml.org,2002:"
_TAGS: Final = frozenset(_TAG + kind for kind in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp"))

Keys = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """Where a field of a mapping stands in the text, by character.

    Attributes:
        key: start and end of the key.
        value: start and end of the value; the same twice where nothing is written.
        block: whether the field has lines of its own, rather than standing within braces.
    """

    key: tuple[int, int]
    value: tuple[int, int]
    block: bool


@dataclass(frozen=True, slots=True)
class Document:
    """A mapping read from a file.

    Attributes:
        path: the file.
        content: the mapping.
        lines: by place (keys and list positions from the top), the line, from 1.
        text: what was read, without a byte order mark.
        spans: by place, where each field of a mapping stands in the text.
    """

    path: str
    content: Mapping[str, object]
    lines: Mapping[Keys, int]
    text: str
    spans: Mapping[Keys, Span]

    def place(self, keys: Keys) -> Place:
        """Where a field stands; one that is not there has the line of what it is missing from."""
        known = keys
        while known not in self.lines:
            known = known[:-1]
        return Place(self.path, self.lines[known], ".".join(map(str, keys)) or None)

    def error(self, keys: Keys, reason: str) -> InputError:
        """An error about a field."""
        place = self.place(keys)
        return InputError(reason, path=place.path, line=place.line, field=place.field)


def read_document(path: str) -> Document:
    """Read a YAML file that holds one mapping of plain values.

    Aliases, tags other than the plain ones, directives, duplicate keys, nesting beyond 20 levels and files larger
    than 64 KiB are refused. A date is kept as text.

    Raises:
        InputError: the file cannot be read, or is not such a document.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a path that no file can have
        raise InputError(f"cannot be read: {getattr(error, 'strerror', None) or error}", path=path) from error
    if len(content) > MAX_BYTES:
        raise InputError(f"is larger than {MAX_BYTES // 1024} KiB; recipes are never that large", path=path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError("not UTF-8; save the file as UTF-8", path=path, line=line) from error
    return parse_document(path, text)


def parse_document(path: str, text: str) -> Document:
    """Read the text of a file, as `read_document` does.

    Raises:
        InputError: it is not such a document.
    """
    return _Reader(path).read(text)


class _Reader:
    def __init__(self, path: str) -> None:
        self._path = path
        self._yaml = YAML(typ="safe", pure=True)
        self._lines: dict[Keys, int] = {}
        self._spans: dict[Keys, Span] = {}

    def read(self, text: str) -> Document:
        try:
            self._check_events(text)
            root = self._yaml.compose(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            reason = f"not YAML: {error.problem or error.context}"
            raise self._error(reason, None if mark is None else mark.line) from error
        except YAMLError as error:
            raise self._error(f"not YAML: {getattr(error, 'reason', error)}") from error
        if root is None:
            raise self._error("is empty")
        if not isinstance(root, MappingNode):
            raise self._error("is not a mapping; a recipe has the sections run, evaluation, inference and processor")
        return Document(self._path, self._mapping(root, ()), self._lines, text, self._spans)

    def _check_events(self, text: str) -> None:
        depth = 0
        for event in self._yaml.parse(text):
            line = event.start_mark.line
            if isinstance(event, AliasEvent) or (isinstance(event, NodeEvent) and event.anchor is not None):
                raise self._error("anchors and aliases are not supported; write the value out", line)
            if isinstance(event, DocumentStartEvent) and (event.version or event.tags):
                raise self._error("directives (%YAML, %TAG) are not supported", line)
            if isinstance(event, MappingStartEvent | SequenceStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    raise self._error(f"nested deeper than {MAX_DEPTH} levels", line)
            elif isinstance(event, MappingEndEvent | SequenceEndEvent):
                depth -= 1

    def _value(self, node: Node, place: Keys) -> object:
        if isinstance(node, MappingNode):
            return self._mapping(node, place)
        self._lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, SequenceNode):
            self._check_tag(node, place)
            return [self._value(item, (*place, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, place)

    def _mapping(self, node: MappingNode, place: Keys) -> dict[str, object]:
        self._lines.setdefault(place, node.start_mark.line + 1)
        self._check_tag(node, place)
        values: dict[str, object] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line
            key = self._scalar(key_node, place) if isinstance(key_node, ScalarNode) else None
            if not isinstance(key, str):
                raise self._error("a key is not text; quote it", line, place)
            if key in values:
                first = self._lines[(*place, key)]
                raise self._error(f"is written twice; the first time on line {first}", line, (*place, key))
            self._lines[(*place, key)] = line + 1
            self._spans[(*place, key)] = Span(
                (key_node.start_mark.index, key_node.end_mark.index),
                (value_node.start_mark.index, value_node.end_mark.index),
                block=not node.flow_style,
            )
            values[key] = self._value(value_node, (*place, key))
        return values

    def _scalar(self, node: Node, place: Keys) -> object:
        self._check_tag(node, place)
        kind = str(node.tag).removeprefix(_TAG)
        if kind == "timestamp":
            return node.value
        try:
            return self._yaml.constructor.construct_object(node)
        except (ValueError, LookupError, YAMLError) as error:
            reason = f"is not of the type {kind}; quote it if it is text"
            raise self._error(reason, node.start_mark.line, place) from error

    def _check_tag(self, node: Node, place: Keys) -> None:
        if node.tag not in _TAGS:
            raise self._error(f"the tag {node.tag} is not supported", node.start_mark.line, place)

    def _error(self, reason: str, line: int | None = None, place: Keys = ()) -> InputError:
        field = ".".join(map(str, place)) or None
        return InputError(reason, path=self._path, line=None if line is None else line + 1, field=field)
