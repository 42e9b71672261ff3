"""The payloads of the AWS SDK, as plain classes that accept and refuse what its pydantic models do."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, ClassVar, TypeAlias

from _evalayer_dropin._validation import (
    Fault,
    Reader,
    ValidationError,
    key,
    kind,
    metric_value,
    optional_text,
    status_code,
    text,
)

Fields: TypeAlias = Mapping[str, Reader]
Defaults: TypeAlias = Mapping[str, Any]
Dumped: TypeAlias = dict[str, Any]


class ProcessType(str, Enum):  # noqa: UP042 (StrEnum formats as the value, this one as ProcessType.PREPROCESS)
    """What an event asks for."""

    PREPROCESS = "preprocess"
    POSTPROCESS = "postprocess"


class Model:
    """A payload: its fields are keyword arguments, required unless they have a default; no others are taken.

    Raises:
        ValidationError: a field is missing, unknown, or of the wrong kind; the message names every such field.
    """

    _fields: ClassVar[Fields] = {}
    _defaults: ClassVar[Defaults] = {}

    def __init__(self, /, **values: Any) -> None:
        faults: list[Fault] = []
        for name, reader in self._fields.items():
            if name not in values:
                if name in self._defaults:
                    setattr(self, name, self._defaults[name])
                else:
                    faults.append(((name,), "is missing"))
                continue
            try:
                setattr(self, name, reader(values[name]))
            except ValidationError as error:
                faults += [((name, *path), fault) for path, fault in error.faults]
            except ValueError as error:
                faults.append(((name,), str(error)))
        faults += [((key(name),), "is not a known field") for name in values if name not in self._fields]
        if faults:
            raise ValidationError(type(self).__name__, faults)

    def model_dump(self) -> Dumped:
        """Give the payload as plain dictionaries, lists and values."""
        return {name: _dumped(getattr(self, name)) for name in self._fields}

    def dict(self) -> Dumped:
        """Give the payload as `model_dump` does."""
        return self.model_dump()

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self._fields)})"


def _dumped(value: Any) -> Any:
    if isinstance(value, Model):
        return value.model_dump()
    return [_dumped(item) for item in value] if isinstance(value, list) else value


def _nested(model: type[Model]) -> Reader:
    def read(value: Any) -> Model:
        if isinstance(value, model):
            return value
        if not isinstance(value, Mapping):
            raise ValueError(f"is {kind(value)}; it must be an object")
        if not all(isinstance(name, str) for name in value):
            raise ValueError("has a key that is not text")
        return model(**value)

    return read


def _list_of(model: type[Model]) -> Reader:
    read_item = _nested(model)

    def read(value: Any) -> list[Model]:
        if isinstance(value, str | bytes | bytearray | Mapping) or not _iterable(value):
            raise ValueError(f"is {kind(value)}; it must be a list")
        items: list[Model] = []
        faults: list[Fault] = []
        for position, item in enumerate(value):
            try:
                items.append(read_item(item))
            except ValidationError as error:
                faults += [((str(position), *path), fault) for path, fault in error.faults]
            except ValueError as error:
                faults.append(((str(position),), str(error)))
        if faults:
            raise ValidationError(model.__name__, faults)
        return items

    return read


def _iterable(value: Any) -> bool:
    try:
        iter(value)
    except TypeError:
        return False
    return True


def _only(expected: ProcessType) -> Reader:
    def read(value: Any) -> ProcessType:
        if text(value) != expected.value:
            raise ValueError(f'must be "{expected.value}"')
        return expected

    return read


class PreprocessingData(Model):
    """The row of a preprocess event."""

    system: str | None
    prompt: str
    gold: str
    _fields: ClassVar[Fields] = {"system": optional_text, "prompt": text, "gold": text}
    _defaults: ClassVar[Defaults] = {"system": None}


class PreprocessingPayload(Model):
    """A preprocess event."""

    process_type: ProcessType
    data: PreprocessingData
    _fields: ClassVar[Fields] = {"process_type": _only(ProcessType.PREPROCESS), "data": _nested(PreprocessingData)}


class PreprocessingResponseBody(Model):
    """The row that goes to the model."""

    system: str | None
    prompt: str
    gold: str
    _fields: ClassVar[Fields] = {"system": optional_text, "prompt": text, "gold": text}
    _defaults: ClassVar[Defaults] = {"system": None}


class PreprocessingResponse(Model):
    """The answer to a preprocess event."""

    statusCode: int  # noqa: N815 (the name on the wire)
    body: PreprocessingResponseBody
    _fields: ClassVar[Fields] = {"statusCode": status_code, "body": _nested(PreprocessingResponseBody)}


class PostprocessingDataItem(Model):
    """The row of a postprocess event, with what the model answered."""

    prompt: str
    inference_output: str
    gold: str
    _fields: ClassVar[Fields] = {"prompt": text, "inference_output": text, "gold": text}


class PostprocessingPayload(Model):
    """A postprocess event: one row, never a list."""

    process_type: ProcessType
    data: PostprocessingDataItem
    _fields: ClassVar[Fields] = {
        "process_type": _only(ProcessType.POSTPROCESS),
        "data": _nested(PostprocessingDataItem),
    }


class MetricResult(Model):
    """One number that a row is reported with."""

    metric: str
    value: float | int
    _fields: ClassVar[Fields] = {"metric": text, "value": metric_value}


class PostprocessingResponse(Model):
    """The answer to a postprocess event."""

    statusCode: int  # noqa: N815 (the name on the wire)
    body: list[MetricResult]
    _fields: ClassVar[Fields] = {"statusCode": status_code, "body": _list_of(MetricResult)}
