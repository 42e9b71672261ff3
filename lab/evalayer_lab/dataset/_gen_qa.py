"""Rows of `gen_qa.jsonl`: questions with their expected answers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from hashlib import blake2b
from os import PathLike, fspath
from pathlib import PurePath
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError, from_json

from evalayer_lab.dataset._lines import read_lines
from evalayer_lab.dataset._problem import Problem, Reporter, shown

FILE_NAME: Final = "gen_qa.jsonl"
FORBIDDEN: Final = ("Bot:", "User:", "Assistant:", "[EOS]", "<image>", "<video>")
MAX_ODD_KEYS: Final = 8


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
    if not (start.startswith("data:image/") and start.endswith(";base64") and comma and data):
        raise PydanticCustomError("data_uri", "is no image data; write data:image/png;base64,…")
    return value


Text = Annotated[str, AfterValidator(_text)]
FilledText = Annotated[str, AfterValidator(_not_blank)]


class Image(BaseModel):
    """One image of a row.

    Attributes:
        data: a data URI with base64 content.
    """

    model_config = ConfigDict(strict=True, frozen=True)

    data: Annotated[str, AfterValidator(_data_uri)]


class GenQARow(BaseModel):
    """A line of `gen_qa.jsonl`, as the container reads it. Unknown fields are ignored.

    Attributes:
        query: the user's text.
        response: the expected answer.
        system: the system prompt.
        images: images that belong to the query.
        metadata: text; where it holds a JSON object, results can be split by its keys.
    """

    model_config = ConfigDict(strict=True, frozen=True)

    query: FilledText
    response: FilledText
    system: Text | None = None
    images: list[Image] | None = Field(default=None, fail_fast=True)
    metadata: Text | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A checked row, and where it stands.

    Attributes:
        line: the line in the file, from 1.
        query: the user's text.
        response: the expected answer.
        system: the system prompt, if any.
        metadata: the metadata text, if any.
        has_images: whether the row has images, which are not kept.
    """

    line: int
    query: str
    response: str
    system: str | None
    metadata: str | None
    has_images: bool

    @property
    def key(self) -> str:
        """A digest of the row's text: 32 hexadecimal digits, the same for the same content on any line."""
        digest = blake2b(digest_size=16)
        for part in (self.system, self.query, self.response, self.metadata):
            if part is None:
                digest.update(b"-")
            else:
                content = part.encode()
                digest.update(b"%d:%b" % (len(content), content))
        return digest.hexdigest()


def read_gen_qa(
    path: str | PathLike[str], *, on_problem: Callable[[Problem], object], strict: bool = False
) -> Iterator[Row]:
    """Read the rows of a `gen_qa` dataset, one at a time.

    Memory does not grow with the file. Rows with an error are reported and left out. Of one row, at most 8 unknown or
    repeated fields and the first bad image are reported.

    Args:
        path: a JSON Lines file in UTF-8.
        on_problem: is called with every problem, in order of line.
        strict: raise the first error instead of reporting it.

    Raises:
        InputError: the file cannot be read or has no rows; in strict mode also for the first bad row.
    """
    reporter = Reporter(fspath(path), on_problem, strict=strict)
    if PurePath(reporter.path).name != FILE_NAME:
        reporter.warning(None, None, f"the container reads a file called {FILE_NAME}; rename this one before a job")
    for number, text in read_lines(reporter):
        try:
            model = GenQARow.model_validate_json(text)
        except ValidationError as error:
            wrong = [_explain(details) for details in error.errors(include_url=False)]
        else:
            _warn(model, number, text, reporter)
            yield Row(number, model.query, model.response, model.system, model.metadata, bool(model.images))
            continue
        for field, reason in wrong:  # here, so that no traceback of an error carries the row's text
            reporter.error(number, field, reason)


def _explain(details: ErrorDetails) -> tuple[str | None, str]:
    """Return the field and the reason of a validation error, quoting nothing of the row's values."""
    kind = details["type"]
    if kind == "json_invalid":
        message = details.get("ctx", {})["error"].replace(" line 1 column ", " column ")
        if "surrogate" in message or "hex escape" in message:
            return None, f"not JSON: {message}; \\ud800 to \\udfff are halves of a character, valid in pairs only"
        return None, f"not JSON: {message}; a row is one object on one line"
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in details["loc"]).removeprefix(".")
    value = details["input"]
    if kind == "missing":
        keys = ", ".join(shown(key) for key in list(value)[:8]) or "nothing"
        return field, f"is missing; this {'row' if len(details['loc']) == 1 else 'image'} has {keys}"
    if kind == "model_type":
        expected = "{query, response, …}" if not field else '{"data": "data:image/png;base64,…"}'
        return field or None, f"is {_kind(value)}, not an object {expected}"
    if kind == "list_type":
        return field, f"is {_kind(value)}, not a list"
    if kind == "string_type":
        if field == "metadata" and isinstance(value, dict | list):
            return field, f"is {_kind(value)}, not text; write it with json.dumps(metadata)"
        return field, f"is {_kind(value)}, not text"
    return field, details["msg"]


def _warn(model: GenQARow, number: int, text: str, reporter: Reporter) -> None:
    keys = _KEYS.decode(text)
    if not _FIELDS.issuperset(keys) or len(set(keys)) != len(keys):
        counts = Counter(keys)
        odd = [key for key in counts if counts[key] > 1 or key not in _FIELDS]
        for key in odd[:MAX_ODD_KEYS]:
            if counts[key] > 1:
                reporter.warning(number, shown(key), "stands in this row more than once; the last one counts")
            if key not in _FIELDS:
                reporter.warning(number, shown(key), _unknown_field(key))
    for field in ("system", "images", "metadata"):
        if getattr(model, field) is None and field in model.model_fields_set:
            reporter.warning(number, field, "is null; leave it out, the container is documented for text only")
    system, metadata = model.system or "", model.metadata
    joined = f"{model.query}\n{model.response}\n{system}\n{metadata}"
    for phrase in FORBIDDEN:
        if phrase in joined:
            _warn_of_phrase(model, phrase, number, reporter)
    if metadata is not None and metadata_object(metadata) is None:
        reporter.warning(number, "metadata", "is not a JSON object, so results cannot be split by it")
    if model.images:
        reporter.warning(number, "images", "cannot be used together with a custom-metrics Lambda")


def _warn_of_phrase(model: GenQARow, phrase: str, number: int, reporter: Reporter) -> None:
    for field in ("query", "response", "system", "metadata"):
        if phrase in (getattr(model, field) or ""):
            reporter.warning(number, field, f"holds {phrase!r}, which the service may refuse; rephrase it")


@lru_cache(maxsize=256)
def _unknown_field(key: str) -> str:
    near = get_close_matches(key.lower(), _FIELDS, n=1) if len(key) < 40 else []
    return "is unknown" + (f"; did you mean {near[0]}?" if near else f"; a row has {', '.join(GenQARow.model_fields)}")


def metadata_object(metadata: str) -> dict[str, object] | None:
    """Return the JSON object that a metadata text holds; None if it holds something else."""
    try:
        value = from_json(metadata)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _kind(value: object) -> str:
    kinds = {dict: "an object", list: "a list", str: "text", bool: "a boolean", type(None): "null"}
    return kinds.get(type(value), "a number")


def _keys(pairs: list[tuple[str, Any]]) -> list[str]:
    return [key for key, _ in pairs]


_FIELDS: Final = frozenset(GenQARow.model_fields)
_KEYS: Final = json.JSONDecoder(object_pairs_hook=_keys)
