"""Single rows of a run, and the rows that two runs share."""

from __future__ import annotations

from collections.abc import Sequence
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


def read_labels(results: Results, rows: Sequence[int]) -> dict[int, tuple[str, str | None, str | None]]:
    """For rows by their indices: an id, the label of the gold and that of the answer, None where there is none.

    The id is the beginning of the digest of prompt and gold, with the ordinal among rows of the same.
    """
    found = results.connection.execute(_ROWS, [list(rows)]).fetchall() if rows else []
    return {
        row: (f"{key[:12]}-{ordinal}" if ordinal else key[:12], gold, predicted)
        for row, key, ordinal, gold, predicted in found
    }


def pair_rows(this: Results, other: Results) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The rows that both runs have, by content and ordinal: their indices in each, shape (pairs,)."""
    places = {name: row for row, name in enumerate(_identities(other))}
    pairs = [(row, places[name]) for row, name in enumerate(_identities(this)) if name in places]
    matched = np.array(pairs, dtype=np.intp).reshape(-1, 2)
    return matched[:, 0], matched[:, 1]


def _identities(results: Results) -> list[tuple[str, int]]:
    columns: Any = results.connection.execute(_IDENTITY).fetchnumpy()
    return list(zip(columns["key"].tolist(), columns["ordinal"].tolist(), strict=True))
