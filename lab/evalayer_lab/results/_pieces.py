"""The pieces of work that processes share: what to read, what was read, and how both are written down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from pathlib import Path
from typing import Any, Final, TypeAlias

from evalayer_lab.output import Tree

MAX_PROBLEMS: Final = 20
WORK: Final = "work"  # the folder, in that of the table, of what is needed on the way there
Progress: TypeAlias = Callable[[int, int], object]


@dataclass(frozen=True, slots=True)
class Piece:
    """Some row groups of a details file, or some bytes of an `inference_output.jsonl`.

    Attributes:
        file: the file.
        name: its path below the run's folder.
        out: the beginning of the paths of the files to write.
        groups: the row groups to read.
        first: the row, from 0, that the row groups begin with; of inferences, the first byte.
        end: of inferences, the byte after the last one.
        share: of every `shares` batches of these row groups, the one to read, from 0.
        shares: how many pieces share the row groups.
        field: the field of the answer's label.
        labels: the labels.
        partial: leave out what cannot be read, and say so.
    """

    file: str
    name: str
    out: str
    groups: tuple[int, ...] = ()
    first: int = 0
    end: int = 0
    share: int = 0
    shares: int = 1
    field: str | None = None
    labels: tuple[str, ...] = ()
    partial: bool = False

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Piece:
        """Restore a piece from what `dataclasses.asdict` and JSON made of it."""
        lists = {name: tuple(document[name]) for name in ("groups", "labels")}
        return cls(**{**document, **lists})


@dataclass(slots=True)
class Outcome:
    """What became of a piece.

    Attributes:
        rows: rows that were read.
        files: the parquet files that hold them.
        names: every name that they report.
        unread: rows that could not be read.
        problems: what could not be read and why, as sentences, of which the first few.
    """

    rows: int = 0
    files: list[str] = dataclass_field(default_factory=list)
    names: list[str] = dataclass_field(default_factory=list)
    unread: int = 0
    problems: list[str] = dataclass_field(default_factory=list)

    def add_problem(self, reason: str, rows: int) -> None:
        """Note what could not be read."""
        self.unread += rows
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(reason)


def escaped(name: str) -> str:
    """A name for a column that no other name gets, also where columns are told apart without case.

    >>> escaped("rougeL")
    'rouge^l'
    """
    if name.islower() and "^" not in name:
        return name
    return "".join(f"^{letter.lower()}" if "A" <= letter <= "Z" or letter == "^" else letter for letter in name)


@dataclass(frozen=True, slots=True)
class Request:
    """What to read, and how.

    Attributes:
        tree: the run's files.
        files: the size in bytes and the time of change in nanoseconds of each file of the run, by name.
        field: the field of the label, if it is given.
        labels: the labels, if they are given.
        dataset: the dataset, if it is given.
        partial: leave out what cannot be read, and note it.
        on_progress: is called with the number of rows read so far, and of all rows.
    """

    tree: Tree
    files: Mapping[str, tuple[int, int]]
    field: str | None
    labels: tuple[str, ...] | None
    dataset: Path | None
    partial: bool
    on_progress: Progress | None
