"""The engines that hold an answer against a schema: jsonschema, the reference, and jsonschema-rs, the fast one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn, Protocol

from evalayer import InvalidMetric, JSONValue
from evalayer_metrics._schema import LocalSchema, Path

_EXACT = 2**53


class Engine(Protocol):
    """A compiled schema."""

    def is_valid(self, instance: JSONValue) -> bool:
        """Return the verdict."""
        ...

    def violations(self, instance: JSONValue) -> Iterator[tuple[Path, Path]]:
        """Yield, for each violation, where in the answer it is and through which keywords it was found."""
        ...


class Reference:
    """A schema compiled by jsonschema.

    Raises:
        InvalidMetric: the schema is broken.
        ImportError: jsonschema is not installed.
    """

    def __init__(self, name: str, schema: LocalSchema) -> None:
        from jsonschema import Draft202012Validator, SchemaError
        from jsonschema.validators import validator_for
        from referencing import Registry

        dialect = validator_for(schema.declared, default=Draft202012Validator)
        try:
            for part in (schema.declared, schema.root, *schema.targets):
                dialect.check_schema(part)
        except SchemaError as error:
            raise InvalidMetric(f"{name}: broken schema at {error.json_path}: {error.message}") from None
        except RecursionError:
            raise InvalidMetric(f"{name}: the schema is nested too deep") from None
        self._validator = dialect(schema.root, registry=Registry())

    def is_valid(self, instance: JSONValue) -> bool:
        """Return the verdict."""
        return self._validator.is_valid(instance)

    def violations(self, instance: JSONValue) -> Iterator[tuple[Path, Path]]:
        """Yield the place and the keywords of each violation."""
        for error in self._validator.iter_errors(instance):
            yield tuple(error.absolute_path), tuple(error.absolute_schema_path)


class Fast:
    """A schema compiled by jsonschema-rs.

    Raises:
        InvalidMetric: the schema is broken.
        ImportError: jsonschema-rs is not installed.
    """

    def __init__(self, name: str, schema: LocalSchema) -> None:
        import jsonschema_rs

        try:
            self._validator = jsonschema_rs.validator_for(schema.root, validate_formats=False, retriever=_fetch_nothing)
        except (ValueError, jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
            raise InvalidMetric(f"{name}: broken schema: {error}") from None
        self.is_valid = self._validator.is_valid

    def violations(self, instance: JSONValue) -> Iterator[tuple[Path, Path]]:
        """Yield the place and the keywords of each violation."""
        for error in self._validator.iter_errors(instance):
            place, keywords = error.instance_path, error.evaluation_path
            # jsonschema speaks of the array, not of each item too many.
            yield tuple(place[:-1] if keywords[-1] == "items" else place), tuple(keywords)


def compiled(name: str, schema: LocalSchema) -> tuple[Engine, Fast | None]:
    """Compile a schema: for the engine that decides, and for the one that is believed when it says valid.

    jsonschema decides where it is installed. A verdict of valid by jsonschema-rs is taken from schemas on which the
    two cannot differ: not those with regular expressions, whose dialects differ, with fractions in `multipleOf`, or
    with numbers beyond 2**53.

    Raises:
        InvalidMetric: the schema is broken, or neither engine is installed.
    """
    try:
        reference = Reference(name, schema)
    except ImportError:
        try:
            return Fast(name, schema), None
        except ImportError:
            raise InvalidMetric(
                f'{name} needs jsonschema, which is not installed: pip install "evalayer[metrics]"'
            ) from None
    if not _is_common_ground(schema):
        return reference, None
    try:
        return reference, Fast(name, schema)
    except (ImportError, InvalidMetric):
        return reference, None


def _is_common_ground(schema: LocalSchema) -> bool:
    for part in schema.everything():
        if "pattern" in part or "patternProperties" in part or isinstance(part.get("multipleOf"), float):
            return False
        if not all(_is_exact(value) for value in part.values()):
            return False
    return True


def _is_exact(value: object) -> bool:
    if isinstance(value, list):
        return all(map(_is_exact, value))
    if isinstance(value, dict):
        return all(map(_is_exact, value.values()))
    return not isinstance(value, int | float) or abs(value) < _EXACT


def _fetch_nothing(uri: str) -> NoReturn:
    raise ValueError(f"{uri} is outside the schema, and nothing is fetched")
