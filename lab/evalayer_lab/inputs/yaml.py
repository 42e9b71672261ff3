"""YAML from strangers: plain data, the line of every field, and no work beyond the size of the text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

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

from evalayer_lab.inputs._errors import InputError, Place, reading

_MAX_VALUES: Final = 100_000
_TAG: Final = "tag:yaml.org,2002:"
_TAGS: Final = frozenset(_TAG + kind for kind in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp"))
_CONVERTED: Final = frozenset(_TAG + kind for kind in ("int", "float", "bool", "null"))

Keys: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a kind of document may hold.

    Attributes:
        sections: what its mapping has, for a message about something else.
        max_bytes: the largest file.
        max_depth: how deep lists and mappings may be nested.
        construct: makes the value of a node from its tag and its plain content. With it, a document may have aliases,
            merge keys, directives and any tags, keys that are numbers are read as text, and so are values that are
            not of the type of their tag. Without it, all of these are refused.
    """

    sections: str
    max_bytes: int
    max_depth: int
    construct: Callable[[str, object], object] | None = None


RECIPE: Final = Dialect(
    sections="a recipe has the sections run, evaluation, inference and processor",
    max_bytes=64 * 1024,  # 30 times the longest known recipe, and under two seconds at worst
    max_depth=20,
)


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
        lines: by keys and list positions from the top, the line, from 1.
        text: what was read, without a byte order mark.
        spans: by keys from the top, where each field of a mapping stands in the text.
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
        return self.place(keys).error(reason)


def read_document(path: str, dialect: Dialect = RECIPE) -> Document:
    """Read a YAML file that holds one mapping.

    Duplicate keys, more than 100,000 values (each alias counts as what it stands for) and whatever the dialect does not
    allow are refused. A date is kept as text.

    Raises:
        InputError: the file cannot be read, or is not such a document.
    """
    with reading(path), Path(path).open("rb") as file:
        content = file.read(dialect.max_bytes + 1)
    if len(content) > dialect.max_bytes:
        raise InputError(f"is larger than {dialect.max_bytes // 1024} KiB, the most that is read", path=path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError("not UTF-8; save the file as UTF-8", path=path, line=line) from error
    return parse_document(path, text, dialect)


def parse_document(path: str, text: str, dialect: Dialect = RECIPE) -> Document:
    """Read the text of a file, as `read_document` does.

    Raises:
        InputError: it is not such a document.
    """
    return _Reader(path, dialect).read(text)


class _Reader:
    def __init__(self, path: str, dialect: Dialect) -> None:
        self._path = path
        self._dialect = dialect
        self._yaml = YAML(typ="safe", pure=True)
        self._lines: dict[Keys, int] = {}
        self._spans: dict[Keys, Span] = {}
        self._count = 0

    def read(self, text: str) -> Document:
        try:
            self._check_events(text)
            root = self._yaml.compose(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            reason = f"not YAML: {error.problem or error.context}"
            raise self._error(reason, None if mark is None else mark.line) from error
        except (YAMLError, ValueError, OverflowError) as error:
            raise self._error(f"not YAML: {getattr(error, 'reason', error)}") from error
        if root is None:
            raise self._error("is empty")
        if not isinstance(root, MappingNode) or not str(root.tag).startswith(_TAG):
            raise self._error(f"is not a mapping; {self._dialect.sections}")
        return Document(self._path, self._mapping(root, ()), self._lines, text, self._spans)

    def _check_events(self, text: str) -> None:
        depth = 0
        for event in self._yaml.parse(text):
            line = event.start_mark.line
            if self._dialect.construct is None:
                if isinstance(event, AliasEvent) or (isinstance(event, NodeEvent) and event.anchor is not None):
                    raise self._error("anchors and aliases are not supported; write the value out", line)
                if isinstance(event, DocumentStartEvent) and (event.version or event.tags):
                    raise self._error("directives (%YAML, %TAG) are not supported", line)
            if isinstance(event, MappingStartEvent | SequenceStartEvent):
                depth += 1
                if depth > self._dialect.max_depth:
                    raise self._error(f"is nested deeper than {self._dialect.max_depth} levels", line)
            elif isinstance(event, MappingEndEvent | SequenceEndEvent):
                depth -= 1

    def _value(self, node: Node, keys: Keys) -> object:
        self._count += 1
        if self._count > _MAX_VALUES or len(keys) > self._dialect.max_depth:
            reason = "is too large, or without an end, once its aliases are written out"
            raise self._error(reason, node.start_mark.line)
        plain: object
        if isinstance(node, MappingNode):
            plain = self._mapping(node, keys)
        else:
            self._lines.setdefault(keys, node.start_mark.line + 1)
            if isinstance(node, SequenceNode):
                self._check_tag(node, keys)
                plain = [self._value(item, (*keys, index)) for index, item in enumerate(node.value)]
            else:
                plain = self._scalar(node, keys)
        return plain if self._dialect.construct is None else self._dialect.construct(str(node.tag), plain)

    def _mapping(self, node: MappingNode, keys: Keys) -> dict[str, object]:
        self._lines.setdefault(keys, node.start_mark.line + 1)
        self._check_tag(node, keys)
        values: dict[str, object] = {}
        merged: list[object] = []
        for key_node, value_node in node.value:
            line = key_node.start_mark.line
            key = self._key(key_node, keys)
            if key == "<<" and self._dialect.construct is not None:
                value = self._value(value_node, keys)
                merged += value if isinstance(value, list) else [value]
                continue
            if key in values:
                first = self._lines[(*keys, key)]
                raise self._error(f"is given twice; the first time is on line {first}", line, (*keys, key))
            self._lines[(*keys, key)] = line + 1
            self._spans[(*keys, key)] = Span(
                (key_node.start_mark.index, key_node.end_mark.index),
                (value_node.start_mark.index, value_node.end_mark.index),
                block=not node.flow_style,
            )
            values[key] = self._value(value_node, (*keys, key))
        for other in merged:
            if isinstance(other, dict):
                values = {**other, **values}
        return values

    def _key(self, node: Node, keys: Keys) -> str:
        is_scalar = isinstance(node, ScalarNode)
        if not is_scalar or (self._dialect.construct is None and not isinstance(self._scalar(node, keys), str)):
            raise self._error("a key is not text; quote it", node.start_mark.line, keys)
        return str(node.value)

    def _scalar(self, node: Node, keys: Keys) -> object:
        self._check_tag(node, keys)
        if node.tag not in _CONVERTED:
            return node.value
        try:
            return self._yaml.constructor.construct_object(node)
        except (ValueError, LookupError, YAMLError) as error:
            if self._dialect.construct is not None:
                return node.value
            reason = f"is not of the type {str(node.tag).removeprefix(_TAG)}; quote it if it is text"
            raise self._error(reason, node.start_mark.line, keys) from error

    def _check_tag(self, node: Node, keys: Keys) -> None:
        if self._dialect.construct is None and node.tag not in _TAGS:
            raise self._error(f"the tag {node.tag} is not supported", node.start_mark.line, keys)

    def _error(self, reason: str, line: int | None = None, keys: Keys = ()) -> InputError:
        field = ".".join(map(str, keys)) or None
        return InputError(reason, path=self._path, line=None if line is None else line + 1, field=field)
