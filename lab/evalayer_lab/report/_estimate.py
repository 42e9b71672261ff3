"""From the records of the statistics to those of a report."""

from __future__ import annotations

from dataclasses import asdict, replace

from evalayer_lab.report._document import Estimate
from evalayer_lab.statistics import Estimate as Computed


def estimate(computed: Computed) -> Estimate:
    """The same estimate, as a report writes it."""
    return Estimate(**asdict(computed))


def within_scores(computed: Computed) -> Estimate:
    """The same estimate of scores from 0 to 1, its interval cut to these; that takes nothing from what it covers."""
    if computed.low is None or computed.high is None:
        return estimate(computed)
    return estimate(replace(computed, low=max(0.0, computed.low), high=min(1.0, computed.high)))
