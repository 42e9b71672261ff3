"""The rows of a dataset of any kind, checked one at a time."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from hashlib import blake2b
from os import PathLike, fspath
from pathlib import PurePath
from typing import Any, Final, NamedTuple

import orjson
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json

from evalayer_lab.dataset._findings import Code, OnFinding, Reporter, shown
from evalayer_lab.dataset._kinds import FACTS, Kind, KindFacts
from evalayer_lab.dataset._lines import read_lines
from evalayer_lab.dataset._models import RFTRow, explain

_FORBIDDEN: Final = {
    phrase: phrase.encode() for phrase in ("Bot:", "User:", "Assistant:", "[EOS]", "<image>", "<video>")
}
MAX_ODD_KEYS: Final = 8
BYTES_A_TOKEN: Final = 4
_CACHED_CHARACTERS: Final = 1000


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


class CheckedRow(NamedTuple):
    """A row without an error.

    Attributes:
        line: the line in the file, from 1.
        texts: the text of each text field that the row has.
        content: what makes the row the same as another: its texts, where one that is missing counts as empty.
        has_images: whether the row has images, which are not kept.
    """

    line: int
    texts: Mapping[str, str]
    content: bytes
    has_images: bool


class RowChecker:
    """Checks the lines of one kind of dataset.

    Args:
        kind: what the rows are.
        reporter: where findings go.
    """

    def __init__(self, kind: Kind, reporter: Reporter) -> None:
        self._kind: Kind = kind
        self._facts = FACTS[kind]
        self._reporter = reporter
        self._limit = self._facts.tokens or sys.maxsize
        self._shapes: set[tuple[str, ...]] = set()

    def check_name(self) -> None:
        """Warn if the container reads a file of another name."""
        names = self._facts.file_names
        name = PurePath(self._reporter.path).name
        if names and name not in names:
            reason = f"the container reads a file called {' or '.join(names)}; rename this one before a job"
            self._reporter.warning("file-name", None, None, reason)
        elif not names and not name.endswith(".jsonl"):
            reason = "the container reads a file whose name ends in .jsonl; rename this one"
            self._reporter.warning("file-name", None, None, reason)

    def rows(self, lines: Iterable[tuple[int, bytes]]) -> Iterator[CheckedRow]:
        """Yield the good rows among numbered lines.

        Raises:
            InputError: in strict mode for the first bad row.
        """
        for number, line in lines:
            row = self.check(number, line)
            if row is not None:
                yield row

    def check(self, number: int, line: bytes) -> CheckedRow | None:
        """Check one line; None for a bad row, whose errors are reported.

        Raises:
            InputError: in strict mode for a bad row.
        """
        texts, has_images = self._see_at_once(line), False
        if texts is None:
            model, wrong = self._read(line)
            for code, field, reason in wrong:  # not in an except block, so that no traceback carries the row's text
                self._reporter.error(code, number, field, reason)
            if model is None:
                return None
            self._look_at_fields(number, line, model)
            texts, has_images = _texts(model, self._facts), bool(getattr(model, "images", None))
        content = "\0".join([texts.get(field, "") for field in self._facts.texts]).encode()
        self._look_at_texts(number, texts, content)
        return CheckedRow(number, texts, content, has_images)

    def _see_at_once(self, line: bytes) -> Mapping[str, str] | None:
        """Return the texts of a row that has known fields only, all good; None if that takes a closer look.

        Nearly all rows of nearly all files are such rows. Of the others the kind's model says what is wrong.
        """
        try:
            row = orjson.loads(line)
            if type(row) is not dict or not self._has_known_shape(row) or "\0" in "".join(row.values()):
                return None
        except (orjson.JSONDecodeError, TypeError):  # TypeError: a value that is not text
            return None
        for field in self._facts.filled:
            if not row[field] or row[field].isspace():
                return None
        # Each key and each text stands between two quotes; a key that stands there twice makes for more of them.
        if b"\\\\" in line:
            line = line.replace(b"\\\\", b"")
        return row if line.count(b'"') - line.count(b'\\"') == 4 * len(row) else None

    def _has_known_shape(self, row: Mapping[str, object]) -> bool:
        shape = tuple(row)
        if shape not in self._shapes:
            if not self._facts.filled or not set(self._facts.required) <= row.keys() <= set(self._facts.texts):
                return False
            self._shapes.add(shape)
        return True

    def _read(self, line: bytes) -> tuple[BaseModel | None, list[tuple[Code, str | None, str]]]:
        try:
            return self._facts.model.model_validate_json(line.decode().rstrip("\r")), []
        except UnicodeDecodeError as error:
            return None, [("encoding", None, f"not UTF-8: byte {error.start + 1} of the line; save the file as UTF-8")]
        except ValidationError as error:
            example = self._facts.example
            return None, [explain(details, example) for details in error.errors(include_url=False)]

    def _look_at_fields(self, number: int, line: bytes, model: BaseModel) -> None:
        warn = self._reporter.warning
        self._look_at_keys(number, line)
        for field in self._facts.fields:
            if getattr(model, field) is None and field in model.model_fields_set and field != "reference_answer":
                warn("null", number, field, "is null; leave it out, the container is documented for text only")
        if self._kind == "gen_qa" and getattr(model, "images", None):
            warn("images", number, "images", "cannot be used together with a custom-metrics Lambda")
        if isinstance(model, RFTRow) and "reference_answer" not in model.model_fields_set:
            reason = "is missing, so the reward function has nothing to compare with"
            warn("missing-field", number, "reference_answer", reason)

    def _look_at_texts(self, number: int, texts: Mapping[str, str], content: bytes) -> None:
        warn = self._reporter.warning
        for phrase, encoded in _FORBIDDEN.items():
            for field in [field for field, text in texts.items() if phrase in text] if encoded in content else ():
                warn("phrase", number, field, f"holds {phrase!r}, which the service may refuse; rephrase it")
        if "metadata" in texts and metadata_object(texts["metadata"]) is None:
            warn("metadata", number, "metadata", "is not a JSON object, so results cannot be split by it")
        if len(content) >= BYTES_A_TOKEN * self._limit and (tokens := self._tokens(texts)) >= self._limit:
            others = " and ".join(field for field in self._facts.context if field != self._facts.filled[0])
            reason = f"is about {tokens:,} tokens long with {others}, at {BYTES_A_TOKEN} bytes a token"
            reason += f"; the documentation allows fewer than {self._limit:,}"
            warn("length", number, self._facts.filled[0], reason)

    def _look_at_keys(self, number: int, line: bytes) -> None:
        keys = Counter(_KEYS.decode(line.decode()))
        known = self._facts.fields
        odd = [key for key, count in keys.items() if count > 1 or key not in known]
        if self._facts.takes_more:  # then a field is unknown only if it looks like a slip of the pen
            odd = [key for key in odd if keys[key] > 1 or _near(key, tuple(known), 0.85)]
        for key in odd[:MAX_ODD_KEYS]:
            if keys[key] > 1:
                reason = "is given more than once in this row; the last one counts"
                self._reporter.warning("repeated-field", number, shown(key), reason)
            if key not in known:
                near = _near(key, tuple(known), 0.6)
                hint = f"did you mean {near}?" if near else f"a row has {', '.join(known)}"
                self._reporter.warning("unknown-field", number, shown(key), f"is unknown; {hint}")

    def _tokens(self, texts: Mapping[str, str]) -> int:
        return sum(len(texts.get(field, "").encode()) for field in self._facts.context) // BYTES_A_TOKEN


def read_gen_qa(path: str | PathLike[str], *, on_finding: OnFinding, strict: bool = False) -> Iterator[Row]:
    """Read the rows of a `gen_qa` dataset, one at a time.

    Memory does not grow with the file. Rows with an error are reported and left out. Of one row, at most 8 unknown or
    repeated fields and the first bad image are reported.

    Args:
        path: a JSON Lines file in UTF-8.
        on_finding: is called with every finding, in order of line.
        strict: raise the first error instead of reporting it.

    Raises:
        InputError: the file cannot be read or has no rows; in strict mode also for the first bad row.
    """
    reporter = Reporter(fspath(path), on_finding, strict=strict)
    checker = RowChecker("gen_qa", reporter)
    checker.check_name()
    for row in checker.rows(read_lines(reporter)):
        texts = row.texts
        yield Row(
            row.line, texts["query"], texts["response"], texts.get("system"), texts.get("metadata"), row.has_images
        )


def value_text(value: object) -> str:
    """A value of JSON as text: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else to_json(value).decode()


def metadata_object(metadata: str) -> Mapping[str, object] | None:
    """Return the JSON object that a metadata text holds; None if it holds something else."""
    return _cached_object(metadata) if len(metadata) <= _CACHED_CHARACTERS else _object(metadata)


def _object(metadata: str) -> Mapping[str, object] | None:
    try:
        value = from_json(metadata)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


_cached_object: Final = lru_cache(maxsize=4096)(_object)


def _texts(model: BaseModel, facts: KindFacts) -> Mapping[str, str]:
    if isinstance(model, RFTRow):
        texts = {message.role: message.text for message in model.messages}
        if "reference_answer" in model.model_fields_set:
            texts["reference_answer"] = value_text(model.reference_answer)
        return texts
    values = vars(model)
    return {field: text for field in facts.texts if (text := values[field]) is not None}


@lru_cache(maxsize=256)
def _near(key: str, known: tuple[str, ...], cutoff: float) -> str | None:
    by_lower = {name.lower(): name for name in known}
    near = get_close_matches(key.lower(), by_lower, n=1, cutoff=cutoff) if len(key) < 40 else []
    return by_lower[near[0]] if near else None


def _keys(pairs: list[tuple[str, Any]]) -> list[str]:
    return [key for key, _ in pairs]


_KEYS: Final = json.JSONDecoder(object_pairs_hook=_keys)
