"""What the rows of every kind of dataset have to look like."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag
from pydantic_core import ErrorDetails, PydanticCustomError

from evalayer.contracts.custom_metrics import kind_of
from evalayer_lab.dataset._findings import Code, shown

_MODEL_TURNS: Final = ("assistant", "nova_assistant")


def _text(value: str) -> str:
    if "\0" in value:
        raise PydanticCustomError("nul", "holds a NUL character (\\u0000)")
    return value


def _not_blank(value: str) -> str:
    if not value or value.isspace():
        raise PydanticCustomError("blank", "is blank")
    return _text(value)


def _data_uri(value: str) -> str:
    start, comma, data = value[:100].partition(",")
    start = start.lower()
    if start.startswith("s3://"):
        raise PydanticCustomError(
            "s3", "is an S3 URI, which is not read; write the image itself: data:image/png;base64,…"
        )
    if not (start.startswith("data:image/") and start.endswith(";base64") and comma and data):
        raise PydanticCustomError("data_uri", "is not image data; write data:image/png;base64,…")
    return value


def _role(value: str) -> str:
    if value in _MODEL_TURNS:
        raise PydanticCustomError("turn", "is the model's turn, which the evaluation adds; rows have one user turn")
    if value not in {"system", "user"}:
        raise PydanticCustomError("role", "is neither system nor user")
    return value


def _turns(messages: list[Message]) -> list[Message]:
    roles = [message.role for message in messages]
    if roles.count("user") != 1:
        turns = {"turns": roles.count("user")}
        raise PydanticCustomError("users", "has {turns} user turns; an evaluation has exactly one", turns)
    if "system" in roles[1:]:
        raise PydanticCustomError("system", "has a system message that is not the first message")
    return messages


Text = Annotated[str, AfterValidator(_text)]
FilledText = Annotated[str, AfterValidator(_not_blank)]


class _Row(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


class Image(_Row):
    """One image of a row.

    Attributes:
        data: a data URI with base64 content.
    """

    data: Annotated[str, AfterValidator(_data_uri)]


class GenQARow(_Row):
    """A line of `gen_qa.jsonl`, as the container reads it. Unknown fields are ignored.

    Attributes:
        query: the user's text.
        response: the expected answer.
        system: the system prompt.
        images: images that belong to the query.
        metadata: text; where it holds a JSON object, results can be split by its keys.
    """

    query: FilledText
    response: FilledText
    system: Text | None = None
    images: list[Image] | None = Field(default=None, fail_fast=True)
    metadata: Text | None = None


class JudgeRow(_Row):
    """A line of `llm_judge.jsonl`: two answers to one prompt, for the judges with and without a rubric.

    Attributes:
        prompt: what was asked.
        response_A: the baseline's answer.
        response_B: the challenger's answer.
    """

    prompt: FilledText
    response_A: Text  # noqa: N815 (the container's name)
    response_B: Text  # noqa: N815


class MultimodalJudgeRow(JudgeRow):
    """A line for the multimodal judge.

    Attributes:
        prompt: what was asked.
        response_A: the baseline's answer.
        response_B: the challenger's answer.
        images: what the prompt is about, at least one.
    """

    images: list[Image] = Field(min_length=1, fail_fast=True)


class TextPart(_Row):
    """A part of a message's content.

    Attributes:
        type: always `text`; other parts are not read.
        text: the text.
    """

    type: Literal["text"]
    text: Text


def _shape(content: object) -> str:
    return "<parts>" if isinstance(content, list) else "<text>"


class Message(_Row):
    """One message of a conversation.

    Attributes:
        role: `system` or `user`.
        content: text, or a list of text parts.
    """

    role: Annotated[str, AfterValidator(_role)]
    content: Annotated[
        Annotated[FilledText, Tag("<text>")]
        | Annotated[list[TextPart], Field(min_length=1, fail_fast=True), Tag("<parts>")],
        Discriminator(_shape),
    ]

    @property
    def text(self) -> str:
        """The content as one text."""
        return self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)


class RFTRow(_Row):
    """A line of an `rft_eval` dataset. Other fields are handed on to the reward function.

    Attributes:
        messages: a user turn, and a system message before it if there is one.
        reference_answer: anything that the reward function compares with.
    """

    messages: Annotated[list[Message], AfterValidator(_turns)] = Field(fail_fast=True)
    reference_answer: Any = None


_SHAPES: Final = {
    "images": ("image", '{"data": "data:image/png;base64,…"}'),
    "messages": ("message", '{"role": "user", "content": …}'),
    "content": ("part", '{"type": "text", "text": …}'),
}


def explain(details: ErrorDetails, example: str) -> tuple[Code, str | None, str]:
    """Return the code, the field and the reason of a validation error, quoting nothing of the row's values.

    Args:
        details: the error, as pydantic gives it.
        example: what a row looks like.
    """
    kind = details["type"]
    if kind == "json_invalid":
        message = details.get("ctx", {})["error"].replace(" line 1 column ", " column ")
        is_half = "surrogate" in message or "hex escape" in message
        halves = "\\ud800 to \\udfff are halves of a character, valid in pairs only"
        return "json", None, f"not JSON: {message}; {halves if is_half else 'a row is one object on one line'}"
    path = [part for part in details["loc"] if not str(part).startswith("<")]  # without the tags of a union
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
    value = details["input"]
    parent = next((str(part) for part in reversed(path[:-1]) if isinstance(part, str)), "")
    if kind == "missing":
        keys = ", ".join(shown(key) for key in list(value)[:8]) or "nothing"
        return "missing-field", field, f"is missing; this {_SHAPES.get(parent, ('row', ''))[0]} has {keys}"
    if kind == "model_type":
        own = next((str(part) for part in reversed(path) if isinstance(part, str)), "")
        return "type", field or None, f"is {kind_of(value)}, not an object {_SHAPES.get(own, ('', example))[1]}"
    if kind == "list_type":
        return "type", field, f"is {kind_of(value)}, not a list"
    if kind == "too_short":
        return "value", field, "is an empty list"
    if kind == "literal_error":
        return "value", field, "is not 'text'; only text can be read"
    if kind == "string_type":
        is_object = field == "metadata" and isinstance(value, dict | list)
        way_out = "; write it with json.dumps(metadata)" if is_object else ""
        return "type", field, f"is {kind_of(value)}, not text{way_out}"
    return "value", field, details["msg"]
