"""Checks that the public functions share. Each error names the argument."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Clusters: TypeAlias = Sequence[str] | Sequence[int] | NDArray[np.generic]


def finite_vector(values: ArrayLike, name: str = "values") -> NDArray[np.float64]:
    """Turn values into a vector, or say what is wrong with them."""
    vector = np.asarray(values, dtype=np.float64)
    if vector.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, not of shape {vector.shape}")
    if not np.all(np.isfinite(vector)):
        raise ValueError(f"{name} must be finite; leave unscored rows out and count them in n_unscored")
    return vector


def finite_pair(a: ArrayLike, b: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Turn the scores of two runs on the same rows into vectors of one length."""
    first, second = finite_vector(a, "a"), finite_vector(b, "b")
    if len(first) != len(second):
        raise ValueError(
            f"a and b must have one score for each row of the same rows, not {len(first)} and {len(second)}"
        )
    return first, second


def exact_mean(vector: NDArray[np.float64]) -> float:
    """The mean of the exact sum, rounded once."""
    try:
        return math.fsum(vector) / len(vector)
    except OverflowError:
        scale = 2.0 ** len(vector).bit_length()  # a power of two loses no digit
        return math.fsum(vector / scale) / len(vector) * scale


def check_level(level: float) -> None:
    """A confidence level is a share, not a percentage."""
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")


def check_counts(*, n: int, n_unscored: int = 0) -> None:
    """Numbers of rows are not negative."""
    if n < 0 or n_unscored < 0:
        raise ValueError(f"counts must not be negative: n={n}, n_unscored={n_unscored}")


def check_resampling(*, resamples: int, seed: int) -> None:
    """Resampling needs at least one resample and a seed that PCG64 takes."""
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, not {resamples}")
    if seed < 0:
        raise ValueError(f"seed must not be negative, not {seed}")


def cluster_codes(clusters: Clusters, rows: int) -> tuple[NDArray[np.intp], int]:
    """Number the clusters of the rows from 0, and count them.

    Args:
        clusters: the cluster of each row, text or integers.
        rows: how many rows there are.

    Raises:
        ValueError: there is not one cluster for each row, or a row has none.
    """
    if (isinstance(clusters, np.ndarray) and clusters.ndim != 1) or len(clusters) != rows:
        raise ValueError(f"clusters must name one cluster for each of the {rows} rows, not {len(clusters)}")
    if isinstance(clusters, np.ndarray) and clusters.dtype.kind in "iu":
        names, codes = np.unique(clusters, return_inverse=True)
        return codes.astype(np.intp), len(names)
    numbers: dict[object, int] = {}
    found = np.fromiter((numbers.setdefault(name, len(numbers)) for name in clusters), dtype=np.intp, count=rows)
    for name in numbers:
        if not isinstance(name, str | int | np.integer):
            row = int(np.flatnonzero(found == numbers[name])[0])
            raise ValueError(f"clusters[{row}] is {name!r}: name the cluster of every row, as text or a whole number")
    return found, len(numbers)
