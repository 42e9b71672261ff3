"""How many rows show a difference, and which difference rows can show."""

from __future__ import annotations

import math

from scipy.special import ndtri

from evalayer_lab.statistics._arguments import check_counts

_MAX_ROOT = 1e9  # the root of the most rows that are an answer


def sample_size(difference: float, sd: float, *, power: float = 0.8, alpha: float = 0.05) -> int:
    """Rows that a paired comparison of two runs needs to show a true difference.

    n = (z_{1-α/2} + z_power)² sd² / difference², rounded up: the two-sided test of a mean difference by the normal
    approximation, as E. Miller (2024), "Adding error bars to evals", section 5. With fewer than 30 rows as the
    answer, Student's t needs two or three more.

    Args:
        difference: the true difference of the means to be shown, not 0.
        sd: standard deviation of the row's difference between the runs, from a pilot or, for 0/1 metrics, from
            `sd_of_zero_one_differences`. For rows in clusters, that of the row times √(design effect).
        power: chance that the comparison calls the difference.
        alpha: chance that it calls one where there is none.

    Returns:
        The number of rows, at least 2.

    Raises:
        ValueError: an argument is outside its range.

    >>> sample_size(0.03, sd_of_zero_one_differences(0.1, 0.03))
    865
    """
    if not math.isfinite(difference) or difference == 0:
        raise ValueError(f"difference must be a finite number other than 0, not {difference}")
    root = _quantiles(power, alpha) * _checked_sd(sd) / abs(difference)
    if root > _MAX_ROOT:
        raise ValueError(f"difference={difference} is too small beside sd={sd}: no run has that many rows")
    return max(2, math.ceil(root**2))


def smallest_detectable_difference(n: int, sd: float, *, power: float = 0.8, alpha: float = 0.05) -> float:
    """The true difference that a paired comparison on n rows shows with the given power: the inverse of `sample_size`.

    (z_{1-α/2} + z_power) sd / √n, by the normal approximation.

    Args:
        n: rows, at least 1.
        sd: standard deviation of the row's difference between the runs.
        power: chance that the comparison calls the difference.
        alpha: chance that it calls one where there is none.

    Raises:
        ValueError: an argument is outside its range.

    >>> round(smallest_detectable_difference(865, sd_of_zero_one_differences(0.1, 0.03)), 4)
    0.03
    """
    check_counts(n=n)
    if n == 0:
        raise ValueError("n must be at least 1: no row shows no difference")
    return _quantiles(power, alpha) * _checked_sd(sd) / math.sqrt(n)


def sd_of_zero_one_differences(discordant: float, difference: float = 0.0) -> float:
    """Standard deviation of the row's difference of a 0/1 metric between two runs: √(discordant - difference²).

    Args:
        discordant: share of the rows on which the runs differ, from 0 to 1. Two runs that are right on shares p and
            q of the rows, independently of each other, differ on p + q - 2pq; runs of similar models on far fewer.
        difference: of the shares, at most `discordant` either way.

    Raises:
        ValueError: an argument is outside its range.

    >>> sd_of_zero_one_differences(0.25)
    0.5
    """
    if not 0 <= discordant <= 1:
        raise ValueError(f"discordant must be a share from 0 to 1, not {discordant}")
    if not abs(difference) <= discordant:
        raise ValueError(f"difference must be at most discordant={discordant} either way, not {difference}")
    return math.sqrt(discordant - difference * difference)


def _quantiles(power: float, alpha: float) -> float:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, not {alpha}")
    if not alpha < power < 1:
        raise ValueError(f"power must lie between alpha={alpha} and 1, not {power}")
    return float(ndtri(1 - alpha / 2) + ndtri(power))


def _checked_sd(sd: float) -> float:
    if not (math.isfinite(sd) and sd >= 0):
        raise ValueError(f"sd must be finite and not negative, not {sd}")
    return sd
