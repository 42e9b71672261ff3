"""Small changes to the text of a recipe, which leave every other character as it was."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from evalayer_lab.inputs import InputError
from evalayer_lab.inputs.yaml import Document, Keys, Span, parse_document

Scalar: TypeAlias = str | int | None
_PLAIN: Final = re.compile(r"[A-Za-z](?:[A-Za-z0-9_./@-]|:(?!$))*", re.ASCII)
_WORDS: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})  # no text in every YAML


@dataclass(frozen=True, slots=True)
class SetValue:
    """Write another value."""

    place: Keys
    value: Scalar


@dataclass(frozen=True, slots=True)
class Rename:
    """Write another key."""

    place: Keys
    name: str


@dataclass(frozen=True, slots=True)
class Insert:
    """Write a new field below the first of some others that is there, or at the top of its section."""

    place: Keys
    value: Scalar
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CommentOut:
    """Put a `#` before a field."""

    place: Keys


Edit: TypeAlias = SetValue | Rename | Insert | CommentOut


def apply(document: Document, edit: Edit) -> Document | None:
    """Make a change, and read the result again.

    Returns:
        The document after it; None if the change cannot be made without touching anything else, as in a field that
        shares its line with others.
    """
    text = _edited(document, edit)
    if text is None:
        return None
    try:
        after = parse_document(document.path, text)
    except InputError:
        return None
    return after if after.content == _expected(document.content, edit, edit.place) else None


def _edited(document: Document, edit: Edit) -> str | None:
    text = document.text
    if isinstance(edit, Insert):
        return _inserted(document, edit)
    span = document.spans[edit.place]
    if isinstance(edit, Rename):
        return _replaced(text, span.key, _like(text[slice(*span.key)], edit.name))
    if isinstance(edit, SetValue):
        old = text[slice(*span.value)]
        if not old:
            colon = text.index(":", span.key[1]) + 1
            return _replaced(text, (colon, colon), f" {written(edit.value)}")
        return None if "\n" in old else _replaced(text, span.value, _like(old, edit.value))
    start = _own_line(text, span)
    if start is None or "\n" in text[span.key[0] : span.value[1]]:
        return None
    return _replaced(text, (span.key[0], span.key[0]), "# ")


def _inserted(document: Document, edit: Insert) -> str | None:
    text, section = document.text, edit.place[:-1]
    siblings = [place for place in document.spans if place[:-1] == section]
    anchor = next(((*section, name) for name in edit.after if (*section, name) in document.spans), None)
    if not siblings:
        return None
    span = document.spans[anchor or siblings[0]]
    start = _own_line(text, span)
    if start is None:
        return None
    newline = "\r\n" if "\r\n" in text else "\n"
    line = f"{text[start : span.key[0]]}{edit.place[-1]}: {written(edit.value)}"
    if anchor is None:
        return _replaced(text, (start, start), f"{line}{newline}")
    end = text.find("\n", max(span.key[1], span.value[1] if text[slice(*span.value)] else 0))
    return f"{text}{newline}{line}" if end < 0 else _replaced(text, (end + 1, end + 1), f"{line}{newline}")


def _own_line(text: str, span: Span) -> int | None:
    """Return the start of the line of a field that nothing stands before."""
    start = text.rfind("\n", 0, span.key[0]) + 1
    return start if span.block and not text[start : span.key[0]].strip(" ") else None


def _replaced(text: str, where: tuple[int, int], new: str) -> str:
    return text[: where[0]] + new + text[where[1] :]


def _like(old: str, value: Scalar) -> str:
    """Write a value in the quotes of the one that it takes the place of."""
    if isinstance(value, str) and old[:1] in {'"', "'"}:
        return json.dumps(value, ensure_ascii=False) if old[0] == '"' else "'" + value.replace("'", "''") + "'"
    return written(value)


def written(value: Scalar) -> str:
    """Write a value in YAML, in quotes where it needs them."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)


def _expected(content: Mapping[str, object], edit: Edit, place: Keys) -> dict[str, object] | None:
    key, *rest = place
    if rest:
        section = content[str(key)]
        inner = _expected(section, edit, tuple(rest)) if isinstance(section, Mapping) else {}
        # Where the only field of a section is commented out, nothing is left of the section.
        return {**content, str(key): inner or None}
    if isinstance(edit, CommentOut):
        return {name: value for name, value in content.items() if name != key}
    if isinstance(edit, Rename):
        return {(edit.name if name == key else name): value for name, value in content.items()}
    return {**content, str(key): edit.value}
