"""Metadata put into the text of a row, of which nothing else changes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_DECODER: Final = json.JSONDecoder()


def with_metadata(line: str, metadata: str | None, added: Mapping[str, object]) -> str:
    r"""Add keys to the metadata of a row.

    Args:
        line: the row, a JSON object.
        metadata: the row's metadata, text that holds a JSON object; None if it has none.
        added: keys that the metadata has not, and their values.

    >>> with_metadata('{"query": "q", "response": 1e3}', None, {"length": "short"})
    '{"query": "q", "response": 1e3, "metadata": "{\\"length\\": \\"short\\"}"}'
    """
    pairs = json.dumps(added, ensure_ascii=False)[1:-1]
    start, end = (metadata or "{}").strip()[:-1].rstrip(), "}"
    text = json.dumps(f"{start}{'' if start == '{' else ', '}{pairs}{end}", ensure_ascii=line.isascii())
    span = _value_span(line, "metadata")
    if span is not None:
        return line[: span[0]] + text + line[span[1] :]
    stripped = line.rstrip()[:-1].rstrip()
    return f'{stripped}{"" if stripped.lstrip() == "{" else ", "}"metadata": {text}}}'


def _value_span(line: str, key: str) -> tuple[int, int] | None:
    """Where the last value of a key stands in an object."""
    found = None
    at = _skip(line, _skip(line, 0) + 1)
    while line[at] != "}":
        name, at = _DECODER.raw_decode(line, at)
        start = _skip(line, _skip(line, at) + 1)
        _, end = _DECODER.raw_decode(line, start)
        if name == key:
            found = start, end
        at = _skip(line, end)
        if line[at] == ",":
            at = _skip(line, at + 1)
    return found


def _skip(line: str, at: int) -> int:
    match = _SPACE.match(line, at)
    return at if match is None else match.end()
