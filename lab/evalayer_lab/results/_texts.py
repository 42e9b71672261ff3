"""The texts of rows, read from the files of the run when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evalayer_lab.inputs import InputError
from evalayer_lab.results._store import read_signature


@dataclass(frozen=True, slots=True)
class RowTexts:
    """The texts of a row.

    Attributes:
        prompt: the user's text, after preprocessing.
        answer: the answer as received.
        gold: the expected answer.
        positions: for each token of the answer, the natural log probabilities of the likeliest tokens by their text;
            empty where there are none.
    """

    prompt: str | None
    answer: str | None
    gold: str | None
    positions: Sequence[Mapping[str, float]]


def read_texts(
    folder: Path, places: Sequence[tuple[str, int]], signatures: Mapping[str, tuple[int, int]]
) -> list[RowTexts]:
    """Read the texts of rows.

    Args:
        folder: the run's folder.
        places: the file below the folder, and the row in it from 0, of each row.
        signatures: the size in bytes and the time of change in nanoseconds of each file when it was read.

    Raises:
        InputError: a file was changed since, or is gone.
    """
    wanted: dict[str, set[int]] = {}
    for name, row in places:
        wanted.setdefault(name, set()).add(row)
    found: dict[tuple[str, int], RowTexts] = {}
    for name, rows in wanted.items():
        path = folder / name
        if read_signature(path) != signatures[name]:
            raise InputError("has changed since it was read; read the results again", path=path)
        found |= {(name, row): texts for row, texts in _read_rows(path, rows)}
    return [found[place] for place in places]


def _read_rows(path: Path, rows: set[int]) -> Iterable[tuple[int, RowTexts]]:
    # Here, so that reading a table that is kept imports neither.
    from evalayer_lab.results._cells import parse_answer, parse_gold, parse_positions, parse_prompt
    from evalayer_lab.results._details_file import DetailsFile

    with DetailsFile(path) as file:
        first = 0
        for group, count in enumerate(file.group_rows):
            left = {row for row in rows if first <= row < first + count}
            batches = file.batches([group], first=first, roles=("prompt", "gold", "predictions", "logprobs"))
            while left:
                batch = next(batches)
                for row in [row for row in left if row < batch.first + batch.rows]:
                    left.discard(row)
                    cells = {role: column[row - batch.first] for role, column in batch.columns.items()}
                    yield (
                        row,
                        RowTexts(
                            prompt=parse_prompt(cells.get("prompt")),
                            answer=parse_answer(cells.get("predictions")),
                            gold=parse_gold(cells.get("gold")),
                            positions=parse_positions(cells.get("logprobs")),
                        ),
                    )
            first += count
