"""Confidence and correctness: their checks, and their sums in bins of confidence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evalayer_lab.statistics._arguments import check_counts, check_level
from evalayer_lab.statistics._intervals import Estimate

Scheme: TypeAlias = Literal["width", "mass"]
Floats: TypeAlias = NDArray[np.float64]
Counts: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class BinSums:
    """What the rows of each bin add up to, wrong rows at index 0 and correct ones at 1 of the second-to-last axis.

    Attributes:
        low: where each bin begins, shape (bins,): the open end of (low, high], or the least confidence of a mass bin.
        high: where it ends, or the greatest confidence.
        n: rows, shape (…, 2, bins).
        confidence: sum of the rows' confidence, the same shape.
        spread: variance of the confidence among the rows of one entry, shape (2, bins).
    """

    low: Floats
    high: Floats
    n: Counts
    confidence: Floats
    spread: Floats

    @property
    def rows(self) -> Counts:
        """Rows of each bin, shape (…, bins)."""
        return np.asarray(self.n.sum(axis=-2))

    @property
    def gap(self) -> Floats:
        """Sum of confidence minus correct rows of each bin, shape (…, bins)."""
        return np.asarray(self.confidence.sum(axis=-2) - self.n[..., 1, :])


def confidence_and_correct(confidence: ArrayLike, correct: ArrayLike) -> tuple[Floats, NDArray[np.bool_]]:
    """Turn both into vectors of one length.

    Raises:
        ValueError: a confidence outside [0, 1] or NaN, a `correct` that is neither 0 nor 1, or lengths that differ.
    """
    probability = np.asarray(confidence, dtype=np.float64)
    outcome = np.asarray(correct)
    if probability.ndim != 1 or probability.shape != outcome.shape:
        raise ValueError(
            f"confidence and correct must be vectors of one length, not {probability.shape} and {outcome.shape}"
        )
    if probability.size and not (probability.min() >= 0 and probability.max() <= 1):
        row = int(np.flatnonzero(~((probability >= 0) & (probability <= 1)))[0])
        raise ValueError(
            f"confidence must lie in [0, 1], and row {row} has {probability[row]}: leave rows without a confidence "
            "out and count them in n_unscored"
        )
    if outcome.dtype != np.bool_:
        wrong = np.flatnonzero(~((outcome == 0) | (outcome == 1)))
        if wrong.size:
            raise ValueError(
                f"correct must be 0 or 1, and row {wrong[0]} has {outcome[wrong[0]]}: leave rows without a verdict "
                "out and count them in n_unscored"
            )
        outcome = outcome.astype(np.bool_)
    return probability, outcome


def bin_sums(confidence: Floats, correct: NDArray[np.bool_], bins: int, scheme: Scheme, *, spread: bool) -> BinSums:
    """Add the rows up by bin; the spread is left at 0 unless asked for.

    Raises:
        ValueError: fewer than one bin, or an unknown scheme.
    """
    if bins < 1:
        raise ValueError(f"bins must be at least 1, not {bins}")
    if scheme == "width":
        edges = np.arange(bins + 1) / bins
        low, high = edges[:-1], edges[1:]
        index = np.ceil(confidence * bins).astype(np.intp)
        index -= 1
        np.maximum(index, 0, out=index)
    elif scheme == "mass":
        order = np.argsort(confidence, kind="stable")
        confidence, correct = confidence[order], correct[order]
        parts = [part for part in np.array_split(np.arange(len(order)), bins) if len(part)]
        bins = len(parts)
        low, high = (confidence[[part[end] for part in parts]] if parts else confidence for end in (0, -1))
        index = np.repeat(np.arange(bins), [len(part) for part in parts])
    else:
        raise ValueError(f"scheme must be 'width' or 'mass', not {scheme!r}")
    index += correct * bins
    n = np.bincount(index, minlength=2 * bins)
    total = np.asarray(np.bincount(index, weights=confidence, minlength=2 * bins), dtype=np.float64)
    if spread:
        off = confidence - (total / np.maximum(n, 1))[index]
        variance = np.bincount(index, weights=off * off, minlength=2 * bins) / np.maximum(n, 1)
    else:
        variance = np.zeros(2 * bins)
    shape = (2, bins)
    return BinSums(low, high, n.reshape(shape), total.reshape(shape), variance.reshape(shape))


def resample_bins(sums: BinSums, *, resamples: int, seed: int) -> BinSums:
    """Draw as many rows as there are, with replacement, `resamples` times, at a cost that does not grow with them.

    The counts of bin and correctness are multinomial, which is exact with the bins held where they are. The sum of
    the confidences of N rows drawn from one entry is drawn from the normal distribution with its mean and variance.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    counts = sums.n.ravel()
    drawn = generator.multinomial(counts.sum(), counts / counts.sum(), size=resamples)
    mean = sums.confidence.ravel() / np.maximum(counts, 1)
    noise = generator.standard_normal(drawn.shape) * np.sqrt(drawn * sums.spread.ravel())
    shape = (resamples, *sums.n.shape)
    return BinSums(sums.low, sums.high, drawn.reshape(shape), (drawn * mean + noise).reshape(shape), sums.spread)


def estimate_of_bins(
    statistic: Callable[[BinSums], Floats],
    confidence: ArrayLike,
    correct: ArrayLike,
    bins: int,
    scheme: Scheme,
    *,
    level: float,
    n_unscored: int,
    resamples: int = 0,
    seed: int = 0,
    truth: Callable[[BinSums], Floats] | None = None,
) -> Estimate:
    """Estimate a statistic of bins. `truth` is its true value where the rows at hand are the whole world."""
    check_counts(n=0, n_unscored=n_unscored)
    check_level(level)
    if resamples < 0 or seed < 0:
        raise ValueError(f"resamples and seed must not be negative: {resamples}, {seed}")
    probability, outcome = confidence_and_correct(confidence, correct)
    sums = bin_sums(probability, outcome, bins, scheme, spread=resamples > 0)
    n = len(probability)
    value = float(statistic(sums)) if n else None
    if value is None or n == 1 or not resamples:
        return Estimate(value, None, None, level, "none", n, n_unscored)
    drawn = statistic(resample_bins(sums, resamples=resamples, seed=seed))
    off = np.quantile(drawn, [(1 + level) / 2, (1 - level) / 2]) - float((truth or statistic)(sums))
    low, high = np.clip(value - off, 0.0, 1.0).tolist()
    return Estimate(value, low, high, level, "basic-bootstrap", n, n_unscored, seed, resamples)
