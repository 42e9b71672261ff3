"""The kinds of datasets: what is particular to each, and how each is recognised."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import PurePath
from typing import Any, Final, Literal, TypeAlias, get_args

from pydantic import BaseModel

from evalayer_lab.dataset._findings import Reporter, shown
from evalayer_lab.dataset._lines import LineReader, refuse_empty, refuse_unrepeatable
from evalayer_lab.dataset._models import GenQARow, JudgeRow, MultimodalJudgeRow, RFTRow
from evalayer_lab.inputs import InputError

Kind: TypeAlias = Literal["gen_qa", "llm_judge", "rubric_llm_judge", "mm_llm_judge", "rft_eval"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
_LOOKED_AT: Final = 100


@dataclass(frozen=True, slots=True)
class KindFacts:
    """What is particular to a kind.

    Attributes:
        model: what a row has to look like.
        file_names: the names that the container reads; none where any will do.
        filled: the text fields that must be there and not blank.
        texts: all text fields.
        context: the fields that go to the model together.
        tokens: how many tokens of these are documented to be read; None where no number is.
        takes_more: whether other fields are handed on instead of being ignored.
        parts: the fields that a table can have in place of `messages`.
    """

    model: type[BaseModel]
    file_names: tuple[str, ...]
    filled: tuple[str, ...]
    texts: tuple[str, ...]
    context: tuple[str, ...] = ()
    tokens: int | None = None
    takes_more: bool = False
    parts: tuple[str, ...] = ()

    @property
    def fields(self) -> Mapping[str, object]:
        """All fields that a row of the kind has."""
        return self.model.model_fields

    @property
    def required(self) -> tuple[str, ...]:
        """The fields that every row has."""
        return tuple(name for name, field in self.model.model_fields.items() if field.is_required())

    @property
    def example(self) -> str:
        """What a row looks like, in brief."""
        return f"{{{', '.join(self.required)}, …}}"


_PARTS: Final = ("system", "user")
_JUDGED: Final = ("prompt", "response_A", "response_B")
_JUDGE: Final = KindFacts(JudgeRow, ("llm_judge.jsonl",), ("prompt",), _JUDGED, _JUDGED, 12_000)
FACTS: Final[Mapping[Kind, KindFacts]] = {
    "gen_qa": KindFacts(
        GenQARow,
        ("gen_qa.jsonl",),
        ("query", "response"),
        ("query", "response", "system", "metadata"),
        ("system", "query"),
        3_500,
    ),
    "llm_judge": _JUDGE,
    "rubric_llm_judge": _JUDGE,
    "mm_llm_judge": KindFacts(
        MultimodalJudgeRow, ("mm_llm_judge.jsonl", "llm_judge.jsonl"), ("prompt",), _JUDGED, _JUDGED, 12_000
    ),
    "rft_eval": KindFacts(RFTRow, (), (), (*_PARTS, "reference_answer"), takes_more=True, parts=_PARTS),
}


def detect_kind(path: str | PathLike[str]) -> Kind:
    """Find out what kind of dataset a file is, by its name or else by the fields of its first rows.

    `llm_judge` stands for the judge with a rubric too: their rows are the same.

    Raises:
        InputError: the file cannot be read, has no rows, or could be of several kinds or none.
    """
    name = fspath(path)
    if PurePath(name).name == "gen_qa.jsonl":
        return "gen_qa"
    refuse_unrepeatable(name, f"give the kind (--kind): {', '.join(KINDS)}")
    row = _first_object(name)
    if PurePath(name).name in FACTS["mm_llm_judge"].file_names:
        return "mm_llm_judge" if "images" in row or PurePath(name).name.startswith("mm_") else "llm_judge"
    found = _of_fields(row)
    if len(found) == 1:
        return found[0]
    has = ", ".join(shown(key) for key in list(row)[:8]) or "no fields"
    several = "could be of several kinds" if found else "is not of a known kind"
    kinds = "; ".join(f"{kind} for {', '.join(FACTS[kind].required)}" for kind in found or KINDS)
    raise InputError(f"{several}: its first row has {has}; give the kind (--kind): {kinds}", path=name)


def _of_fields(row: Mapping[str, Any]) -> list[Kind]:
    found: list[Kind] = []
    if row.keys() & {"query", "response"}:
        found.append("gen_qa")
    if row.keys() & {"response_A", "response_B"}:
        found.append("mm_llm_judge" if "images" in row else "llm_judge")
    if "messages" in row:
        found.append("rft_eval")
    return found


def _first_object(path: str) -> Mapping[str, Any]:
    reader = LineReader(Reporter(path))
    for _, line in reader:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, dict):
            return row
        if reader.rows >= _LOOKED_AT:
            break
    refuse_empty(reader.rows, path)
    return {}
