"""What can be added to a row's metadata, and how each value is found."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from evalayer_lab.dataset._domain import DomainSource
from evalayer_lab.dataset._features import difficulty, language, length_bucket, task_type
from evalayer_lab.dataset._findings import shown
from evalayer_lab.inputs import InputError, load_function

KEYS: Final = ("task", "difficulty", "domain", "length", "language")
_LONGEST: Final = 10_000
_LARGEST: Final = 2**63 - 1

Value: TypeAlias = str | int | float | bool | None
Texts: TypeAlias = Mapping[str, str]
RowFunction: TypeAlias = Callable[[Texts], Value]
Derive: TypeAlias = Callable[[Sequence[Texts]], Sequence[Value | Exception]]


def derivations(
    keys: Sequence[str], *, difficulty_of: RowFunction | None = None, domain: DomainSource | None = None
) -> Mapping[str, Derive]:
    """How to find the value of each key for some rows at a time.

    Args:
        keys: which of task, difficulty, domain, length and language to add.
        difficulty_of: given a row's texts (query, response, and system and metadata if it has them), its difficulty;
            None for the rule that `evalayer_lab.dataset` has. A difficulty is text of at most 10,000 characters, a
            finite number, or None for no difficulty.
        domain: how domains are found; needed for domain.

    Raises:
        InputError: a domain without a way to find it.
    """
    if "domain" in keys and domain is None:
        raise InputError("a domain needs labelled rows to learn from (--domain-from) or rules (--domain-rules)")
    known: dict[str, Derive] = {
        "task": _by_row(lambda row: task_type(row["query"], row["response"])),
        "difficulty": _by_row(difficulty_of or (lambda row: difficulty(row["query"]))),
        "length": _by_row(lambda row: length_bucket(row["query"])),
        "language": _by_row(lambda row: language(row["query"])),
    }
    if domain is not None:
        predict = domain.predict
        known["domain"] = lambda rows: predict([row["query"] for row in rows])
    return {key: known[key] for key in keys}


def load_row_function(spec: str) -> RowFunction:
    """Load `file.py:name` or `module:name`, a function of a row's texts.

    Raises:
        InputError: there is no such file or name, or importing it fails.
    """
    source, colon, name = spec.rpartition(":")
    if not colon or not name:
        raise InputError(f"{spec!r} does not name a function; write FILE.py:NAME or MODULE:NAME")
    return load_function(source, name)[1]


def _by_row(function: RowFunction) -> Derive:
    def derive(rows: Sequence[Texts]) -> Sequence[Value | Exception]:
        return [_called(function, row) for row in rows]

    return derive


def _called(function: RowFunction, row: Texts) -> Value | Exception:
    try:
        value = function(dict(row))  # a copy: what the function does to it does not change the row
    except Exception as error:  # noqa: BLE001 (a user's function; reported with the row)
        return error
    if _is_usable(value):
        return value
    return TypeError(f"it returned {shown(type(value).__name__)}, not text or a number that JSON can hold")


def _is_usable(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST and not any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, int):
        return abs(value) <= _LARGEST
    return value is None or (isinstance(value, float) and math.isfinite(value))
