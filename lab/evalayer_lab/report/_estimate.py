"""From the records of the statistics to those of a report."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
from numpy.typing import NDArray

from evalayer_lab.report._document import Estimate
from evalayer_lab.statistics import Estimate as Computed


def estimate(computed: Computed) -> Estimate:
    """The same estimate, as a report writes it."""
    return Estimate(**asdict(computed))


def within_scores(computed: Computed, values: NDArray[np.float64]) -> Computed:
    """Cut an interval to where scores from 0 to 1 can be; that takes nothing from what it covers."""
    if computed.low is None or computed.high is None or np.any((values < 0) | (values > 1)):
        return computed
    return replace(computed, low=max(0.0, computed.low), high=min(1.0, computed.high))
