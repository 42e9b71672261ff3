"""The intrinsic functions of a template: read as records, and their values as far as the template tells them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from evalayer_lab.inputs.yaml import Dialect


@dataclass(frozen=True, slots=True)
class Intrinsic:
    """An intrinsic function as it stands in a template: `!Ref Name` is `Intrinsic("Ref", "Name")`."""

    name: str
    argument: object


def _construct(tag: str, value: object) -> object:
    """Make a record of `!Sub …` and of its long form, `{"Fn::Sub": …}`; nothing is executed."""
    if isinstance(value, dict) and len(value) == 1:
        [(key, argument)] = value.items()
        if key == "Ref" or key.startswith("Fn::"):
            value = Intrinsic(key.removeprefix("Fn::"), argument)
    if not tag.startswith("!") or tag == "!":
        return value
    return Intrinsic(tag[1:], value.split(".", 1) if tag == "!GetAtt" and isinstance(value, str) else value)


TEMPLATE: Final = Dialect(
    sections="a template has a section Resources", max_bytes=256 * 1024, max_depth=40, construct=_construct
)
_HOLE: Final = re.compile(r"\$\{([^!{}][^{}]*)\}")
_MAX_HOLES: Final = 100
_MAX_VALUE: Final = 4096  # CloudFormation's own limit for a parameter
_ABSENT: Final = Intrinsic("Ref", "AWS::NoValue")


def mapping(value: object) -> Mapping[str, Any]:
    """Return a value if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def sequence(value: object) -> Sequence[Any]:
    """Return a value if it is a list, else an empty one; a single text is a list of one."""
    if isinstance(value, str | Intrinsic):
        return [value]
    return value if isinstance(value, list) else []


class Resolver:
    """Gives intrinsic functions their values.

    What the template does not tell, such as a resource, an account or an unknown region, stays as it is:
    an `Intrinsic`, or a `${…}` within a text.

    Args:
        template: the template's content.
        overrides: values of parameters that replace their defaults.
        region: the value of `AWS::Region`, if it is known.
    """

    def __init__(self, template: Mapping[str, object], overrides: Mapping[str, str], region: str | None) -> None:
        self._conditions = mapping(template.get("Conditions"))
        self._mappings = mapping(template.get("Mappings"))
        self._known: dict[str, object] = {} if region is None else {"AWS::Region": region}
        for name, parameter in mapping(template.get("Parameters")).items():
            value = _parameter(parameter, overrides.get(name))
            if value is not None:
                self._known[name] = value

    def value(self, value: object) -> object:
        """Resolve a value and all that is in it; what is `AWS::NoValue` is left out of lists and mappings."""
        if isinstance(value, Mapping):
            resolved = {key: self.value(item) for key, item in value.items()}
            return {key: item for key, item in resolved.items() if item != _ABSENT}
        if isinstance(value, list):
            return [item for item in map(self.value, value) if item != _ABSENT]
        if isinstance(value, Intrinsic):
            return self._intrinsic(value)
        return value

    def condition(self, name: object) -> bool | None:
        """Whether a condition of the template holds; None if that cannot be known."""
        return self._holds(Intrinsic("Condition", name), frozenset())

    def _intrinsic(self, intrinsic: Intrinsic) -> object:
        argument = intrinsic.argument
        match intrinsic.name, argument:
            case "Ref", str(name):
                return self._known.get(name, intrinsic)
            case "Sub", str(text):
                return self._filled(text, {})
            case "Sub", [str(text), Mapping() as names]:
                return self._filled(text, names)
            case "If", [name, yes, no]:
                holds = self.condition(name)
                return intrinsic if holds is None else self.value(yes if holds else no)
            case "Join", [str(separator), list(parts)]:
                return separator.join(_text(self.value(part)) for part in parts)
            case "FindInMap", [table, first, second]:
                found: object = self._mappings
                for key in (table, first, second):
                    found = found.get(_text(self.value(key))) if isinstance(found, Mapping) else None
                return intrinsic if found is None else found
        return intrinsic

    def _filled(self, text: str, names: Mapping[str, object]) -> str:
        if text.count("${") > _MAX_HOLES:
            return text

        def fill(hole: re.Match[str]) -> str:
            name = hole[1].strip()
            value = self.value(names[name]) if name in names else self._known.get(name)
            return hole[0] if value is None or isinstance(value, Intrinsic) else _text(value)

        return _HOLE.sub(fill, text).replace("${!", "${")

    def _holds(self, condition: object, seen: frozenset[str]) -> bool | None:
        if isinstance(condition, Mapping) and condition.keys() == {"Condition"}:
            condition = Intrinsic("Condition", condition["Condition"])
        if not isinstance(condition, Intrinsic):
            return None
        match condition.name, condition.argument:
            case "Condition", str(name) if name in self._conditions and name not in seen:
                return self._holds(self._conditions[name], seen | {name})
            case "Equals", [left, right]:
                left, right = self.value(left), self.value(right)
                if not _is_known(left) or not _is_known(right):
                    return None
                return _text(left) == _text(right)
            case "Not", [one]:
                holds = self._holds(one, seen)
                return None if holds is None else not holds
            case ("And" | "Or") as name, [*several]:
                return _joined([self._holds(one, seen) for one in several], all_of=name == "And")
        return None


def _joined(several: list[bool | None], *, all_of: bool) -> bool | None:
    if (not all_of) in several:
        return not all_of
    return None if None in several else all_of


def _parameter(parameter: object, override: str | None) -> object:
    if not isinstance(parameter, Mapping):
        return None
    kind = parameter.get("Type")
    value = override if override is not None else parameter.get("Default")
    # the value of an SSM parameter is in AWS; what stands here is its name
    if value is None or not isinstance(kind, str) or kind.startswith("AWS::SSM") or parameter.get("NoEcho") is True:
        return None
    text = _text(value)
    if len(text) > _MAX_VALUE:
        return None
    return [part.strip() for part in text.split(",")] if kind == "CommaDelimitedList" else text


def _is_known(value: object) -> bool:
    return not isinstance(value, Intrinsic | Mapping | list) and "${" not in str(value)


def _text(value: object) -> str:
    """Write a value as CloudFormation would, in JSON's spelling; what is not known as a `${…}`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Intrinsic):
        name = value.argument if isinstance(value.argument, str) else value.name
        return f"${{{name}}}"
    if isinstance(value, list):
        return ",".join(_text(item) for item in value)
    return "" if value is None else str(value)
