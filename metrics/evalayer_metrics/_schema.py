"""What a JSON Schema says, read without an engine: its references, requirements and kinds of violation."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from evalayer import InvalidMetric

Schema: TypeAlias = dict[str, object]
Path: TypeAlias = Sequence[str | int]

# Every keyword that can be violated, in the order in which violations of one place are ranked.
KEYWORDS: Final = (
    *("type", "enum", "const", "required", "additionalProperties", "unevaluatedProperties", "propertyNames"),
    *("minProperties", "maxProperties", "dependentRequired", "dependentSchemas", "dependencies"),
    *("minLength", "maxLength", "pattern"),
    *("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf"),
    *("minItems", "maxItems", "uniqueItems", "contains", "items", "additionalItems", "unevaluatedItems"),
    *("anyOf", "oneOf", "not"),
)
_CARRIERS: Final = ("patternProperties", "prefixItems", "allOf", "if", "$dynamicRef", "$recursiveRef")
# Violated as a whole: what fails inside of them is no violation by itself.
_OPAQUE: Final = frozenset(
    {
        *("anyOf", "oneOf", "not", "contains", "propertyNames", "dependencies", "dependentRequired"),
        *("dependentSchemas", "unevaluatedProperties", "unevaluatedItems"),
    }
)
_ALIASES: Final = {"minContains": "contains", "maxContains": "contains", "then": "if", "else": "if"}
_BY_NAME: Final = frozenset(
    {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"}
)
_NESTED: Final = frozenset(
    {
        *("allOf", "anyOf", "oneOf", "prefixItems", "items", "additionalItems", "contains", "additionalProperties"),
        *("propertyNames", "not", "if", "then", "else", "unevaluatedItems", "unevaluatedProperties"),
    }
)
_IN_PLACE: Final = frozenset(
    {"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies"}
)
_FALSE_IS_A_KIND: Final = frozenset(
    {
        *("items", "additionalItems", "additionalProperties", "unevaluatedItems", "unevaluatedProperties"),
        *("propertyNames", "contains", "not", "if"),
    }
)
_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")
_DRAFTS: Final = {
    "json-schema.org/draft-04/schema": 4,
    "json-schema.org/draft-06/schema": 6,
    "json-schema.org/draft-07/schema": 7,
    "json-schema.org/draft/2019-09/schema": 2019,
    "json-schema.org/draft/2020-12/schema": 2020,
}


class LocalSchema:
    """A schema that refers to nothing outside itself.

    Args:
        name: the metric's, for errors.
        declared: the schema as the user wrote it; copied.

    Attributes:
        root: the schema in an equivalent form: a root that only refers to a definition is that definition, and a
            subschema `false` under a name or in a list is `{"not": {}}`.
        declared: a copy of the schema as it was.
        targets: every subschema that is referred to.
        kinds: the keywords whose violation can be reported, ranked.
        required: the names the root requires.
        properties: the names the root describes.
        others: the root's remaining keywords that can be violated.

    Raises:
        InvalidMetric: it is not JSON, refers outside itself or to nothing, or refers to itself without end.
    """

    def __init__(self, name: str, declared: Mapping[str, object]) -> None:
        self._name = name
        self.declared = _copy(name, declared)
        self.draft = _draft(name, self.declared)
        self.root = _copy(name, declared)
        if self.draft > 4:
            for schema in _walk(self.root):
                _spell_out_false(schema)
        self._resolve_all()
        self._require_progress()
        self._flatten()
        self._resolve_all()
        self.kinds = self._kinds()
        required = self.root.get("required")
        self.required = tuple(required) if isinstance(required, list) else ()
        properties = self.root.get("properties")
        self.properties = tuple(properties) if isinstance(properties, dict) else ()
        self.others = tuple(key for key in (*KEYWORDS, *_CARRIERS) if key in self.root and key != "required")

    def everything(self) -> Iterator[Schema]:
        """Walk every subschema that an answer can be held against."""
        yield from _walk(self.root)
        for target in self.targets:
            yield from _walk(target)

    def _anchored(self) -> Mapping[str, object]:
        anchors: dict[str, object] = {}
        identifier = "id" if self.draft == 4 else "$id"
        for schema in _walk(self.root):
            for keyword in ("$anchor", "$dynamicAnchor"):
                if isinstance(schema.get(keyword), str):
                    anchors[str(schema[keyword])] = schema
            own = schema.get(identifier)
            if schema is self.root or not isinstance(own, str):
                continue
            if not own.startswith("#"):
                raise InvalidMetric(f"{self._name}: a subschema has an {identifier} of its own ({own}): remove it")
            anchors[own[1:]] = schema
        return anchors

    def _resolve_all(self) -> None:
        self._anchors = self._anchored()
        found: dict[int, Schema] = {}
        waiting: list[Schema] = [self.root]
        while waiting:
            for schema in _walk(waiting.pop()):
                for target in self._referred(schema):
                    if id(target) not in found:
                        found[id(target)] = target
                        waiting.append(target)
        self.targets: Sequence[Schema] = list(found.values())

    def _referred(self, schema: Schema) -> Iterator[Schema]:
        for keyword in _REFERENCES:
            reference = schema.get(keyword)
            if isinstance(reference, str):
                yield self._resolve(reference)

    def _resolve(self, reference: str) -> Schema:
        from urllib.parse import unquote

        if not reference.startswith("#"):
            raise InvalidMetric(
                f"{self._name}: {reference} refers outside the schema; nothing is fetched: copy it under $defs and "
                "refer to #/$defs/..."
            )
        pointer = unquote(reference[1:])
        at: object = self.root
        if pointer.startswith("/"):
            for token in pointer[1:].split("/"):
                key = token.replace("~1", "/").replace("~0", "~")
                if isinstance(at, list):
                    at = dict(zip(map(str, range(len(at))), at, strict=True))
                at = at.get(key) if isinstance(at, dict) else None
        elif pointer:
            at = self._anchors.get(pointer)
        if at is True:
            return {}
        if not isinstance(at, dict):
            raise InvalidMetric(f"{self._name}: {reference} refers to no subschema")
        return at

    def _require_progress(self) -> None:
        # A loop of references that never steps into the answer would never end.
        done: set[int] = set()
        for start in (self.root, *self.targets):
            open_: set[int] = set()
            stack: list[tuple[Schema, bool]] = [(start, False)]
            while stack:
                schema, is_left = stack.pop()
                if is_left:
                    open_.discard(id(schema))
                    done.add(id(schema))
                elif id(schema) in open_:
                    raise InvalidMetric(f"{self._name}: the schema refers to itself in a circle")
                elif id(schema) not in done:
                    open_.add(id(schema))
                    stack.append((schema, True))
                    below = (child for key, child in _children(schema) if key in _IN_PLACE)
                    stack.extend((child, False) for child in (*below, *self._referred(schema)))

    def _flatten(self) -> None:
        while isinstance(self.root.get("$ref"), str):
            own = {key: value for key, value in self.root.items() if key != "$ref"}
            if self.draft > 7 and any(key in own for key in ("properties", *KEYWORDS, *_CARRIERS)):
                all_of = own.get("allOf")
                own["allOf"] = [*(all_of if isinstance(all_of, list) else ()), {"$ref": self.root["$ref"]}]
                self.root = own
                return
            target = self._resolve(str(self.root["$ref"]))
            kept = {key: value for key, value in own.items() if key not in {"properties", *KEYWORDS, *_CARRIERS}}
            self.root = {**kept, **target}

    def _kinds(self) -> Sequence[str]:
        found: set[str] = set()
        seen: set[int] = set()
        waiting = [self.root]
        while waiting:
            schema = waiting.pop()
            if id(schema) in seen:
                continue
            seen.add(id(schema))
            for keyword, value in schema.items():
                if keyword in {"items", "additionalItems", "additionalProperties"}:
                    if value is False:
                        found.add(keyword)
                elif keyword in KEYWORDS:
                    found.add(keyword)
            unnamed = _OPAQUE | {"$defs", "definitions", "if"}
            waiting.extend(child for keyword, child in _children(schema) if keyword not in unnamed)
            waiting.extend(self._referred(schema))
        return [keyword for keyword in KEYWORDS if keyword in found]


def kind_of(path: Path) -> str:
    """Return the keyword that a violation is reported as, given the keywords and names evaluated on the way to it.

    >>> kind_of(["properties", "not", "type"]), kind_of(["anyOf", 0, "type"]), kind_of(["then", "required"])
    ('type', 'anyOf', 'required')
    """
    kind = ""
    tokens = iter(path)
    for token in tokens:
        if isinstance(token, int) or token in _REFERENCES:
            continue
        kind = _ALIASES.get(token, token)
        if kind in _OPAQUE:
            break
        if token in _BY_NAME:
            next(tokens, None)
    return kind


def requirement_of(path: Path) -> tuple[str, str]:
    """Return which requirement of the root a violation belongs to: a keyword, and for `properties` the name.

    >>> requirement_of(["properties", "class", "enum"]), requirement_of(["then", "required"])
    (('properties', 'class'), ('if', ''))
    """
    keyword = str(path[0]) if path else ""
    return _ALIASES.get(keyword, keyword), str(path[1]) if keyword == "properties" and len(path) > 1 else ""


def _copy(name: str, schema: Mapping[str, object]) -> Schema:
    try:
        copied: object = json.loads(json.dumps(schema, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidMetric(f"{name}: the schema is not JSON: {error}") from None
    if not isinstance(copied, dict):
        raise InvalidMetric(f"{name}: the schema is a {type(schema).__name__}: give a dict or a pydantic model")
    return copied


def _draft(name: str, schema: Schema) -> int:
    declared = schema.get("$schema", "https://json-schema.org/draft/2020-12/schema")
    draft = _DRAFTS.get(str(declared).rstrip("#").partition("://")[2])
    if draft is None:
        raise InvalidMetric(
            f"{name}: $schema is {declared!r}; known are {', '.join(f'http://{known}' for known in _DRAFTS)}"
        )
    return draft


def _children(schema: Schema) -> Iterator[tuple[str, Schema]]:
    for keyword, value in schema.items():
        inner: Collection[object] = ()
        if keyword in _BY_NAME and isinstance(value, dict):
            inner = value.values()
        elif keyword in _NESTED:
            inner = value if isinstance(value, list) else (value,)
        for child in inner:
            if isinstance(child, dict):
                yield keyword, child


def _walk(schema: Schema) -> Iterator[Schema]:
    waiting = [schema]
    while waiting:
        schema = waiting.pop()
        yield schema
        waiting.extend(child for _, child in _children(schema))


def _spell_out_false(schema: Schema) -> None:
    for keyword, value in schema.items():
        if keyword in _BY_NAME and isinstance(value, dict):
            schema[keyword] = {key: _nothing(child) for key, child in value.items()}
        elif keyword in _NESTED and isinstance(value, list):
            schema[keyword] = [_nothing(child) for child in value]
        elif keyword in _NESTED and keyword not in _FALSE_IS_A_KIND:
            schema[keyword] = _nothing(value)


def _nothing(child: object) -> object:
    return {"not": {}} if child is False else child
