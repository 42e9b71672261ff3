"""Rules about fields as such: their names, their types, what was never filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import BaseModel, ValidationError

from evalayer_lab.recipe._edit import Rename
from evalayer_lab.recipe._facts import model_for
from evalayer_lab.recipe._finding import Finding, error, warning
from evalayer_lab.recipe._models import AnyRecipe
from evalayer_lab.recipe._read import reason_of, section_of, shown, unknown_fields
from evalayer_lab.recipe._subject import Subject
from evalayer_lab.recipe._yaml import Place

_PLACEHOLDER: Final = re.compile(
    r"<[A-Za-z][^<>\n]{0,80}>|\$\{[^{}\n]{0,80}\}|\{\{[^{}\n]{0,80}\}\}|\{[a-z_]{1,40}\}"
    r"|\byour[-_](?:bucket|account|function|model|role)\b|\b(?:CHANGE_?ME|REPLACE_?ME|TODO)\b"
    r"|\bYOUR[-_][A-Z]+|\bREGION:ACCOUNT\b",
)
_EXAMPLE_ACCOUNT: Final = re.compile(r":(?:111122223333|123456789012|000000000000):")
_OTHER_WORDS: Final[Mapping[str, str]] = {"replica": "replicas"}


def has_placeholder(text: str) -> bool:
    """Whether a part of a text still has to be filled in."""
    return _PLACEHOLDER.search(text) is not None


def check_spelling(subject: Subject) -> Iterator[Finding]:
    """Check for known names in another spelling, such as `lambda-arn`."""
    yield from _spelling(subject.document.content, model_for(subject.kind), ())


def _spelling(content: object, model: type[BaseModel], place: Place) -> Iterator[Finding]:
    if not isinstance(content, Mapping):
        return
    known = {_letters(name): name for name in model.model_fields}
    for name, value in content.items():
        meant = _OTHER_WORDS.get(name) or known.get(_letters(name))
        if name not in model.model_fields and meant in model.model_fields:
            twice = meant in content
            reason = f"is not read; the field is {meant}" + (", which is there too" if twice else "")
            yield error("spelling", (*place, name), reason, None if twice else Rename((*place, name), meant))
        section = section_of(model.model_fields[name].annotation) if name in model.model_fields else None
        if section:
            yield from _spelling(value, section, (*place, name))


def _letters(name: str) -> str:
    return re.sub(r"[-_ ]", "", name).lower()


def check_placeholders(subject: Subject) -> Iterator[Finding]:
    """Check for what was never filled in."""
    yield from _placeholders(subject.document.content, ())


def _placeholders(value: object, place: Place) -> Iterator[Finding]:
    if isinstance(value, str):
        if found := _PLACEHOLDER.search(value):
            yield warning("placeholder", place, f"still has {shown(found[0])} in it; fill it in")
        elif found := _EXAMPLE_ACCOUNT.search(value):
            yield warning("placeholder", place, f"has {found[0][1:-1]}, the account of examples; write your own")
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _placeholders(item, (*place, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _placeholders(item, (*place, index))


def check_unknown(subject: Subject) -> Iterator[Finding]:
    """Check for fields that no recipe of this kind has."""
    for place, reason in unknown_fields(subject.document.content, model_for(subject.kind)):
        yield warning("unknown-field", place, reason)


def validate(subject: Subject) -> tuple[AnyRecipe | None, list[Finding]]:
    """Make a model of the recipe; where that fails, a finding for each field that is missing or of a wrong type."""
    try:
        return model_for(subject.kind).model_validate(subject.document.content), []
    except ValidationError as failure:
        return None, [
            error("missing-field" if details["type"] == "missing" else "value", details["loc"], reason_of(details))
            for details in failure.errors(include_url=False)
        ]
