"""Which of the slices that fail to list, so that no two tell of the same errors."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from evalayer_lab.statistics._metadata import MetadataKey
from evalayer_lab.statistics._slice_search import Counts, Losses, Slices

Rows: TypeAlias = NDArray[np.bool_]


def not_explained_by_parents(losses: Losses, slices: Slices, failing: Counts, cut: float) -> Counts:
    """Keep the failing slices that fail within every failing slice they are part of, with a p-value up to `cut`."""
    named = {slices.conditions(place): place for place in failing.tolist()}
    links = [
        (place, named[parent])
        for conditions, place in named.items()
        for size in range(1, len(conditions))
        for parent in combinations(conditions, size)
        if parent in named
    ]
    if not links:
        return failing
    child, parent = np.array(links).T
    p_values, _ = losses.tail(slices.n[child], slices.sums[child], slices.n[parent], slices.sums[parent])
    return np.setdiff1d(failing, child[p_values > cut])


def peel(
    losses: Losses,
    slices: Slices,
    candidates: Sequence[int],
    keys: Sequence[MetadataKey],
    *,
    cut: float,
    min_rows: int,
    most: int,
) -> dict[int, Rows]:
    """Take slices in turn, and list those whose rows outside of the ones listed before still fail.

    Returns:
        The rows of each slice listed, at most `most`.
    """
    listed: dict[int, Rows] = {}
    free = np.ones(len(losses.numbers), dtype=np.bool_)
    for place in candidates:
        if len(listed) == most:
            break
        rows = slices.rows(place, keys)
        left = rows & free
        if np.count_nonzero(left) >= min_rows and losses.p_value(left, free) <= cut:
            listed[place] = rows
            free &= ~rows
    return listed


def prune(losses: Losses, slices: Slices, listed: dict[int, Rows], *, cut: float, min_rows: int) -> dict[int, Rows]:
    """Drop listed slices that others explain, the most specific first.

    A slice stays if, without the rows of the other slices listed that it is not part of, it fails among all rows and
    within each slice listed that it is part of.
    """
    kept = dict(listed)
    for place in sorted(listed, key=lambda place: -len(slices.conditions(place))):
        own = set(slices.conditions(place))
        others = [(set(slices.conditions(other)) < own, rows) for other, rows in kept.items() if other != place]
        free = ~np.logical_or.reduce([rows for is_parent, rows in others if not is_parent], axis=0, initial=False)
        left = listed[place] & free
        worlds = [rows & free for is_parent, rows in others if is_parent] or [free & np.ones_like(left)]
        if np.count_nonzero(left) < min_rows or max(losses.p_value(left, world) for world in worlds) > cut * len(
            listed
        ):
            del kept[place]
    return kept
