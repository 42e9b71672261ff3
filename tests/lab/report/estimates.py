"""Estimates of documents for tests."""

import math
from typing import Any

from evalayer_lab.report import Estimate


def share(successes: int, n: int, n_unscored: int = 0, level: float = 0.95) -> Estimate:
    """A proportion with its Wilson interval."""
    if n == 0:
        return Estimate(value=None, method="wilson", n=0, n_unscored=n_unscored)
    z, p = 1.959964, successes / n
    centre, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = 0.0 if successes == 0 else (centre - half) / scale
    high = 1.0 if successes == n else (centre + half) / scale
    return Estimate(value=p, low=low, high=high, level=level, method="wilson", n=n, n_unscored=n_unscored)


def about(value: float, n: int, half: float = 0.05, method: str = "bootstrap") -> Estimate:
    """A figure with an interval by resampling."""
    half = half * math.sqrt(218 / max(n, 1))
    drawn: dict[str, Any] = {"seed": 0, "resamples": 1000} if method == "bootstrap" else {}
    return Estimate(value=value, low=value - half, high=value + half, method=method, n=n, **drawn)
