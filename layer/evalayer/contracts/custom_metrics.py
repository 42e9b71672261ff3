"""The contract of `lambda_type: custom_metrics`: one record an event, two process types.

Source: AWS documentation, SageMaker developer guide, "Nova model evaluation", bring your own metrics.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

from evalayer._errors import InvalidEvent, PreprocessFailed
from evalayer._payload import check_size
from evalayer._records import Completion, Sample

ProcessType: TypeAlias = Literal["preprocess", "postprocess"]
Event: TypeAlias = Mapping[str, Any]
Response: TypeAlias = dict[str, Any]

_FIELDS: Final[dict[ProcessType, str]] = {
    "preprocess": "data.system (optional), data.prompt and data.gold",
    "postprocess": "data.prompt, data.inference_output and data.gold",
}
_NAME_LENGTH: Final = 60


def process_type(event: object) -> ProcessType | None:
    """Tell which of the two process types an event is of; None if it is of another.

    Raises:
        InvalidEvent: the event is not an object.
    """
    if not isinstance(event, Mapping):
        raise InvalidEvent(
            f"the event is {kind_of(event)}; a custom_metrics event is an object of process_type and data"
        )
    value = event.get("process_type")
    if value == "preprocess":
        return "preprocess"
    return "postprocess" if value == "postprocess" else None


def read_sample(event: Event) -> Sample:
    """Read a preprocess event.

    Raises:
        InvalidEvent: it breaks the contract.
        PayloadTooLarge: it has more than Lambda carries.
    """
    data = _data(event, "preprocess", allowed={"system", "prompt", "gold"})
    system = data.get("system")
    if system is not None and not isinstance(system, str):
        raise InvalidEvent(f"data.system is {kind_of(system)}; it is text, null or left out")
    sample = Sample(_text(data, "prompt", "preprocess"), _text(data, "gold", "preprocess"), system)
    check_size(event, (sample.prompt, sample.gold, sample.system), "event")
    return sample


def read_completion(event: Event) -> Completion:
    """Read a postprocess event.

    Raises:
        InvalidEvent: it breaks the contract.
        PayloadTooLarge: it has more than Lambda carries.
    """
    data = _data(event, "postprocess", allowed={"prompt", "inference_output", "gold"})
    completion = Completion(
        _text(data, "prompt", "postprocess"),
        _text(data, "inference_output", "postprocess"),
        _text(data, "gold", "postprocess"),
    )
    check_size(event, (completion.prompt, completion.inference_output, completion.gold), "event")
    return completion


def write_sample(sample: Sample) -> Response:
    """Write the response to a preprocess event.

    Raises:
        PreprocessFailed: a text holds half of a surrogate pair, which no UTF-8 response can carry.
        PayloadTooLarge: it has more than Lambda carries.
    """
    body = {"system": sample.system, "prompt": sample.prompt, "gold": sample.gold}
    for field, text in body.items():
        try:
            (text or "").encode()
        except UnicodeEncodeError:
            raise PreprocessFailed(f"{field} holds half of a surrogate pair, which is not Unicode text") from None
    response = {"statusCode": 200, "body": body}
    check_size(response, body.values(), "response")
    return response


def write_scores(scores: Mapping[str, float]) -> Response:
    """Write the response to a postprocess event."""
    return {"statusCode": 200, "body": [{"metric": name, "value": value} for name, value in scores.items()]}


def write_unsupported(event: Event) -> Response:
    """Write the response to an event of an unknown process type."""
    value = event.get("process_type")
    name = value if isinstance(value, str) else kind_of(value)
    return {"statusCode": 400, "body": {"error": f"Unsupported process_type: {_shown(name)}"}}


def _data(event: Event, expected: ProcessType, allowed: set[str]) -> Mapping[str, Any]:
    for key in event:
        if key not in {"process_type", "data"}:
            raise InvalidEvent(f"{_shown(key)} is not part of an event; a {expected} event has process_type and data")
    if "data" not in event:
        raise InvalidEvent(f"data is missing; a {expected} event has {_FIELDS[expected]}")
    data = event["data"]
    if not isinstance(data, Mapping):
        raise InvalidEvent(f"data is {kind_of(data)}; an event carries one record, an object with {_FIELDS[expected]}")
    for key in data:
        if key not in allowed:
            raise InvalidEvent(f"data.{_shown(key)} is unknown; a {expected} event has {_FIELDS[expected]}")
    return data


def _text(data: Mapping[str, Any], field: str, expected: ProcessType) -> str:
    try:
        value = data[field]
    except KeyError:
        raise InvalidEvent(f"data.{field} is missing; a {expected} event has {_FIELDS[expected]}") from None
    if not isinstance(value, str):
        raise InvalidEvent(f"data.{field} is {kind_of(value)}; it must be text")
    return value


def kind_of(value: object) -> str:
    """Say what a JSON value is, with its article and without the value."""
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    return "text" if isinstance(value, str) else f"a {type(value).__name__}"


def _shown(name: object) -> str:
    text = name if isinstance(name, str) else repr(name)
    text = text.encode("ascii", "backslashreplace").decode()
    return text if len(text) <= _NAME_LENGTH else text[:_NAME_LENGTH] + "…"
