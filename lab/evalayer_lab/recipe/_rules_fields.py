"""Rules about every field: its name, its type, and whether it was filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from evalayer_lab.inputs import near_match
from evalayer_lab.inputs.yaml import Keys
from evalayer_lab.recipe._edit import Rename
from evalayer_lab.recipe._facts import model_for
from evalayer_lab.recipe._models import AnyRecipe
from evalayer_lab.recipe._subject import Remark, Subject, shown

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


def check_names(subject: Subject) -> Iterator[Remark]:
    """Check for fields that no recipe of this kind has, among them known names in another spelling: `lambda-arn`."""
    yield from _names(subject, subject.document.content, model_for(subject.kind), ())


def _names(subject: Subject, content: object, model: type[BaseModel], place: Keys) -> Iterator[Remark]:
    if not isinstance(content, Mapping):
        return
    known = model.model_fields
    by_letters = {_letters(name): name for name in known}
    for name, value in content.items():
        meant = _OTHER_WORDS.get(name) or by_letters.get(_letters(name))
        if name in known:
            if section := _section(known[name].annotation):
                yield from _names(subject, value, section, (*place, name))
        elif meant in known:
            twice = meant in content
            reason = f"is not read; the field is {meant}" + (", which is set as well" if twice else "")
            yield subject.error("spelling", (*place, name), reason, None if twice else Rename((*place, name), meant))
        else:
            near = near_match(name, known)
            reason = "is unknown and has no effect here" + (f"; did you mean {near}?" if near else "")
            yield subject.warning("unknown-field", (*place, name), reason)


def _letters(name: str) -> str:
    return re.sub(r"[-_ ]", "", name).lower()


def check_placeholders(subject: Subject) -> Iterator[Remark]:
    """Check for what was never filled in."""
    yield from _placeholders(subject, subject.document.content, ())


def _placeholders(subject: Subject, value: object, place: Keys) -> Iterator[Remark]:
    if isinstance(value, str):
        if found := _PLACEHOLDER.search(value):
            yield subject.warning("placeholder", place, f"still has {shown(found[0])} in it; fill it in")
        elif found := _EXAMPLE_ACCOUNT.search(value):
            yield subject.warning(
                "placeholder", place, f"has {found[0][1:-1]}, the account number of AWS's examples; write your own"
            )
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _placeholders(subject, item, (*place, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _placeholders(subject, item, (*place, index))


def validate(subject: Subject) -> tuple[AnyRecipe | None, list[Remark]]:
    """Make a model of the recipe; where that fails, a finding for each field that is missing or of a wrong type."""
    try:
        return model_for(subject.kind).model_validate(subject.document.content), []
    except ValidationError as failure:
        return None, [
            subject.error(
                "missing-field" if details["type"] == "missing" else "value", details["loc"], _reason(details)
            )
            for details in failure.errors(include_url=False)
        ]


def _reason(details: ErrorDetails) -> str:
    """Say what a field is and what it should be."""
    kind, value, message = details["type"], details["input"], details["msg"]
    if kind == "missing":
        return "is missing"
    if kind == "model_type":
        return f"is {shown(value)}, should be a mapping"
    if kind == "folder_name":
        return message
    return f"is {shown(value)}, {message.removeprefix('Input ')}"


def _section(annotation: object) -> type[BaseModel] | None:
    """Return the model of a field that is a section."""
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None
