"""A reward: a declared weighting of what a task reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import fsum
from typing import Final

from evalayer._errors import InvalidMetric, InvalidTask, suggest
from evalayer._metric import checked_number

FAILED: Final = "row.failed"  # reported on every row beside the metrics: 1.0 where the row could not be scored at all


def check_reward(task: str, reward: Mapping[str, float], reported: Mapping[str, Sequence[str]]) -> None:
    """Refuse a reward that cannot be computed.

    Args:
        task: the task's name.
        reward: weights by reported name.
        reported: by metric, the names it reports on every row.

    Raises:
        InvalidTask: it is empty, weighs what no metric reports, or has a weight that is not a finite number.
    """
    if not reward:
        raise InvalidTask(f"{task}: the reward is empty; write reward={{name: weight}}, or leave it out")
    names = [name for names in reported.values() for name in names]
    if FAILED in names:
        raise InvalidTask(f"{task}: {FAILED} says in a reward which rows failed; rename the metric {FAILED[:3]}")
    for name, weight in reward.items():
        if name not in names:
            if name in reported:
                raise InvalidTask(
                    f"{task}: the reward weighs {name}, which is a metric of several numbers; weigh one or more of "
                    f"{', '.join(reported[name])}"
                )
            raise InvalidTask(f"{task}: the reward weighs {name!r}, which no metric reports{suggest(str(name), names)}")
        try:
            checked_number(weight)
        except InvalidMetric:
            raise InvalidTask(
                f"{task}: the reward's weight of {name} must be a finite number, not {weight!r}"
            ) from None


def weighted(reward: Mapping[str, float], values: Mapping[str, float]) -> float:
    """Return the sum of weight times value, rounded once; the weights need not sum to 1.

    Raises:
        InvalidMetric: the sum is too large for a number.
    """
    try:
        total = fsum(weight * values[name] for name, weight in reward.items())
    except (OverflowError, ValueError):  # a sum on the way, or infinities of both signs
        total = float("inf")
    if total - total != 0.0:
        raise InvalidMetric("the reward is not a finite number: a metric or its weight is too large")
    return total
