"""What to read, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from evalayer_lab.results._tree import Tree

Progress: TypeAlias = Callable[[int, int], object]

WORK: Final = "work"  # the folder, in that of the table, of what is needed on the way there


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
        workers: how many processes to use; None for as many as there are cores, if it is worth it.
    """

    tree: Tree
    files: Mapping[str, tuple[int, int]]
    field: str | None
    labels: tuple[str, ...] | None
    dataset: Path | None
    partial: bool
    on_progress: Progress | None
    workers: int | None = None
