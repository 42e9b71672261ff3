"""The functions and layers of a SAM or CloudFormation template."""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from evalayer_lab.doctor._intrinsics import TEMPLATE, Resolver, mapping, sequence
from evalayer_lab.inputs import InputError, Place
from evalayer_lab.inputs.yaml import Document, read_document

_FUNCTIONS: Final = {"AWS::Serverless::Function", "AWS::Lambda::Function"}
_LAYERS: Final = {"AWS::Serverless::LayerVersion", "AWS::Lambda::LayerVersion"}
_MAX_SAMCONFIG: Final = 1024 * 1024


@dataclass(frozen=True)
class Resource:
    """A function, layer or role of a template, its properties resolved as far as the template tells them.

    Attributes:
        name: its logical id.
        type: its type, such as `AWS::Serverless::Function`.
        properties: its properties, with those of `Globals` for a function.
        metadata: its metadata.
        deployed: whether its condition holds; None if that cannot be known.
        document: the template.
    """

    name: str
    type: str
    properties: Mapping[str, Any]
    metadata: Mapping[str, Any]
    deployed: bool | None
    document: Document

    def place(self, *keys: str) -> Place:
        """Where the resource, or one of its properties, stands, as `template.yaml:12: Function.Timeout`."""
        at = self.document.place(("Resources", self.name, *(("Properties", *keys) if keys else ())))
        return Place(at.path, at.line, ".".join((self.name, *keys)))

    @property
    def variables(self) -> Mapping[str, Any]:
        """The environment variables of a function, by name."""
        return mapping(mapping(self.properties.get("Environment")).get("Variables"))

    def text(self, name: str) -> str | None:
        """Return a property's value if it is text, with a `${…}` for what is not known."""
        value = self.properties.get(name)
        return value if isinstance(value, str) else None


@dataclass(frozen=True)
class Template:
    """A template.

    Attributes:
        document: what was read.
        functions: those that will be deployed, or may be.
        left_out: the functions whose condition does not hold.
        layers: its layers, by logical id.
        resources: all of its resources, by logical id.
        region: where `samconfig.toml` beside it deploys to.
    """

    document: Document
    functions: Sequence[Resource]
    left_out: Sequence[str]
    layers: Mapping[str, Resource]
    resources: Mapping[str, Resource]
    region: str | None


def read_template(path: Path, region: str | None = None) -> Template:
    """Read a template, with the parameter values and the region that `samconfig.toml` beside it gives.

    Args:
        path: the template.
        region: where it is deployed to, if `samconfig.toml` does not say.

    Raises:
        InputError: it, or `samconfig.toml`, cannot be read, or it has no resources.
    """
    document = read_document(str(path), TEMPLATE)
    overrides, configured = _samconfig(path.with_name("samconfig.toml"))
    region = configured or region
    resolver = Resolver(document.content, overrides, region)
    raw = document.content.get("Resources")
    if not isinstance(raw, Mapping) or not raw:
        raise InputError("has no Resources; is it a SAM or CloudFormation template?", path=path)
    shared = resolver.value(document.content.get("Globals", {}))
    resources = {name: _resource(name, body, document, resolver, shared) for name, body in raw.items()}
    functions = [resource for resource in resources.values() if resource.type in _FUNCTIONS]
    return Template(
        document=document,
        functions=[function for function in functions if function.deployed is not False],
        left_out=[function.name for function in functions if function.deployed is False],
        layers={name: resource for name, resource in resources.items() if resource.type in _LAYERS},
        resources=resources,
        region=region,
    )


def _resource(name: str, body: object, document: Document, resolver: Resolver, shared: object) -> Resource:
    body = mapping(body)
    kind = body.get("Type")
    properties = mapping(resolver.value(body.get("Properties", {})))
    if kind == "AWS::Serverless::Function":
        properties = _with_globals(mapping(mapping(shared).get("Function")), properties)
    condition = body.get("Condition")
    return Resource(
        name=name,
        type=kind if isinstance(kind, str) else "",
        properties=properties,
        metadata=mapping(resolver.value(body.get("Metadata", {}))),
        deployed=True if condition is None else resolver.condition(condition),
        document=document,
    )


def _with_globals(shared: Mapping[str, Any], own: Mapping[str, Any]) -> Mapping[str, Any]:
    """Merge as SAM does: the function's own values win, mappings are merged, layers are added to."""
    merged = {**shared, **own}
    merged["Layers"] = [*sequence(shared.get("Layers")), *sequence(own.get("Layers"))]
    variables = [mapping(mapping(values.get("Environment")).get("Variables")) for values in (shared, own)]
    merged["Environment"] = {"Variables": {**variables[0], **variables[1]}}
    return merged


def _samconfig(path: Path) -> tuple[dict[str, str], str | None]:
    """Read what `sam deploy` passes by default: parameter values, and the region."""
    try:
        with path.open("rb") as file:
            document = tomllib.loads(file.read(_MAX_SAMCONFIG).decode())
    except FileNotFoundError:
        return {}, None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"cannot be read: {error}", path=path) from error
    default = mapping(document.get("default"))
    overrides: dict[str, str] = {}
    region = None
    for command in ("global", "deploy"):
        parameters = mapping(mapping(default.get(command)).get("parameters"))
        given = parameters.get("parameter_overrides", [])
        try:
            pairs = shlex.split(given) if isinstance(given, str) else [str(item) for item in sequence(given)]
        except ValueError as error:
            raise InputError(f"parameter_overrides: {error}", path=path) from error
        overrides.update((key, value) for key, equals, value in (pair.partition("=") for pair in pairs) if equals)
        region = parameters.get("region", region)
    return overrides, region if isinstance(region, str) else None
