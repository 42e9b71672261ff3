"""Single rows of a run, and the rows that two runs share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evalayer_lab.results import Results

_ROWS: Final = """
    SELECT * FROM (SELECT row_number() OVER () - 1 AS row, key, ordinal, gold_label, predicted_label FROM rows)
    WHERE row IN (SELECT unnest(?::BIGINT[]))
"""
_IDENTITY: Final = "SELECT key, ordinal FROM rows"


UNREADABLE: Final = ("empty", "only_reasoning", "not_json", "cut_off", "not_an_object")
"""Kinds of answers that are not the JSON object asked for."""


@dataclass(frozen=True, slots=True)
class RowNames:
    """What a row is called, and its labels.

    Attributes:
        id: the beginning of the digest of prompt and gold, and the ordinal among rows of the same.
        gold: the label of the gold; None if it has none.
        predicted: the label of the answer; None if it has none.
    """

    id: str
    gold: str | None
    predicted: str | None


def unreadable(results: Results) -> NDArray[np.bool_]:
    """Which rows have an answer that is not the JSON object asked for, shape (rows,)."""
    codes, kinds = results.codes("answer_kind")
    return np.isin(codes, [code for code, kind in enumerate(kinds) if kind in UNREADABLE])


def read_names(results: Results, rows: Sequence[int]) -> list[RowNames]:
    """What the rows of these indices are called."""
    if not rows:
        return []
    found = {
        row: RowNames(f"{key[:12]}-{ordinal}" if ordinal else key[:12], gold, predicted)
        for row, key, ordinal, gold, predicted in results.connection.execute(_ROWS, [list(rows)]).fetchall()
    }
    return [found[row] for row in rows]


def pair_rows(this: Results, other: Results) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The rows that both runs have, by content and ordinal: their indices in each, shape (pairs,)."""
    places = {name: row for row, name in enumerate(_identities(other))}
    pairs = [(row, places[name]) for row, name in enumerate(_identities(this)) if name in places]
    matched = np.array(pairs, dtype=np.intp).reshape(-1, 2)
    return matched[:, 0], matched[:, 1]


def _identities(results: Results) -> list[tuple[str, int]]:
    columns: Any = results.connection.execute(_IDENTITY).fetchnumpy()
    return list(zip(columns["key"].tolist(), columns["ordinal"].tolist(), strict=True))
