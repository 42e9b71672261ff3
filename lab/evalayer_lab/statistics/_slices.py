"""Slices of the rows on which a metric fails, searched with control of false findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from evalayer_lab.statistics._arguments import check_level
from evalayer_lab.statistics._hypergeometric import benjamini_hochberg
from evalayer_lab.statistics._intervals import Estimate, mean_interval, score_interval, wilson_interval
from evalayer_lab.statistics._metadata import Condition, MetadataKey, check_keys, name_conditions
from evalayer_lab.statistics._slice_search import Counts, Losses, Slices, search

Rows: TypeAlias = NDArray[np.bool_]

_MOST_LISTED: Final = 20


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


@dataclass(frozen=True, slots=True)
class FailingSegment:
    """A conjunction of metadata values whose rows fail more often than the rest.

    Attributes:
        conditions: the keys with their values, all of which hold.
        n: its scored rows.
        estimate: the metric on them, with the interval of this slice alone.
        rest: the metric's mean on all other scored rows; None if there is none.
        shrunk: the estimate shrunk towards the whole, as far as slices differ by no more than chance.
        p_value: of the one-sided test against the rest.
        adjusted_p_value: corrected for all slices searched.
        share_of_errors: what share of all errors lies in it, an error being 1 - value (the value where lower is
            better); None for a metric with values outside [0, 1].
        share_explained: what share of all errors would be gone if it failed as often as the rest.
    """

    conditions: tuple[Condition, ...]
    n: int
    estimate: Estimate
    rest: float | None
    shrunk: float
    p_value: float
    adjusted_p_value: float
    share_of_errors: float | None
    share_explained: float | None


@dataclass(frozen=True, slots=True)
class FailingSegments:
    """What a search for failing slices found.

    Attributes:
        found: the slices to look at, the one that explains most errors first.
        whole: the metric on all scored rows.
        n_searched: slices tested.
        n_significant: slices that fail, those that listed ones explain among them.
        share_of_errors: what share of all errors lies in any of `found`; None for a metric outside [0, 1].
        share_of_rows: what share of the scored rows lies in any of `found`.
        method: the test: "hypergeometric" or "pearson-iii".
        false_discovery_rate: the share of false findings that the correction allows.
        min_rows: the fewest scored rows of a slice.
        max_conditions: the most conditions of a slice.
    """

    found: tuple[FailingSegment, ...]
    whole: Estimate
    n_searched: int
    n_significant: int
    share_of_errors: float | None
    share_of_rows: float
    method: str
    false_discovery_rate: float
    min_rows: int
    max_conditions: int


def find_failing_segments(
    values: NDArray[np.float64],
    scored: NDArray[np.bool_],
    keys: Sequence[MetadataKey],
    *,
    min_rows: int = 30,
    max_conditions: int = 3,
    higher_is_better: bool = True,
    false_discovery_rate: float = 0.05,
    level: float = 0.95,
) -> FailingSegments:
    """Find conjunctions of metadata values on which a row metric fails more than on the rest of the rows.

    Every conjunction of up to `max_conditions` values of different keys with `min_rows` scored rows is tested,
    one-sided, against the rest. Where every value is 0 or 1 the test is exact (Fisher's, hypergeometric). Otherwise it
    is the permutation test of the sum, its null distribution approximated by the Pearson type III (gamma) distribution
    with the exact mean, variance and skewness, or by the normal one where the skewness is not towards failure; where
    the tails are heavier than either's, the skewness is raised to match the kurtosis. The p-values are corrected for
    all slices tested (Benjamini and Hochberg), and those up to `false_discovery_rate` fail.

    Of the slices that fail, many hold the same errors: the parts of a bad segment, and what it is part of. They are
    taken in order of their p-values, and one is listed if it fails outside of the slices listed before it. Then
    one is dropped if others explain it: without the rows of those, it fails no more than the rest, or than the rest of
    a listed slice that it is part of. Here "fails" is a p-value up to `false_discovery_rate` over the number tested
    (Bonferroni), which holds however slices overlap: on metadata without any bearing on the metric, something
    is listed in at most a share `false_discovery_rate` of datasets. At most 20 are listed.

    `shrunk` is (n · mean + s · whole) / (n + s), with s = (1 - ρ) / ρ and ρ the share of the variance that lies
    between slices, by moments from all slices tested: for 0 and 1 the beta-binomial empirical Bayes estimate (J. C.
    Kleinman, 1973, "Proportions with extraneous variance", JASA 68). The slices listed are those that look worst,
    so their own estimates are too bad, and these less so.

    Args:
        values: shape (rows,); what stands where `scored` is false does not matter.
        scored: shape (rows,).
        keys: the metadata.
        min_rows: the fewest scored rows of a slice, at least 2.
        max_conditions: the most conditions of a slice, at least 1.
        higher_is_better: which way is good.
        false_discovery_rate: the share of false findings to allow.
        level: confidence level of the intervals shown.

    Raises:
        ValueError: shapes differ, a scored value is not finite, or an argument is outside its range.

    >>> import numpy as np
    >>> key = MetadataKey("domain", ("hr", "it"), np.repeat([0, 1], [40, 160]))
    >>> result = find_failing_segments(np.repeat([0.0, 1.0], [40, 160]), np.ones(200, dtype=bool), [key])
    >>> [(each.conditions, each.n, each.share_of_errors) for each in result.found]
    [((('domain', 'hr'),), 40, 1.0)]
    >>> result.n_searched, result.share_of_errors, result.share_of_rows
    (2, 1.0, 0.2)
    """
    if values.shape != scored.shape or values.ndim != 1:
        raise ValueError(f"values and scored must be vectors of one length, not {values.shape} and {scored.shape}")
    if min_rows < 2 or max_conditions < 1:
        raise ValueError(f"min_rows must be at least 2 and max_conditions at least 1, not {min_rows}, {max_conditions}")
    if not 0 < false_discovery_rate < 1:
        raise ValueError(f"false_discovery_rate must lie between 0 and 1, not {false_discovery_rate}")
    check_level(level)
    check_keys(keys, len(values))
    n_unscored = int(np.count_nonzero(~scored))
    if n_unscored:
        values = values[scored]
        keys = [MetadataKey(key.name, key.values, key.codes[scored]) for key in keys]
    losses = Losses.of(values, higher_is_better=higher_is_better)
    slices = search(losses, keys, min_rows, max_conditions)
    p_values, z = losses.tail_of_all(slices.n, slices.sums)
    tested = _Tested(values, losses, keys, slices, p_values, benjamini_hochberg(p_values), level)
    failing = np.flatnonzero(tested.adjusted <= false_discovery_rate)
    cut = false_discovery_rate / max(1, len(slices.n))
    candidates = not_explained_by_parents(losses, slices, failing, cut)
    in_turn = candidates[np.lexsort((-z[candidates], p_values[candidates]))].tolist()
    listed = peel(losses, slices, in_turn, keys, cut=cut, min_rows=min_rows, most=_MOST_LISTED)
    listed = prune(losses, slices, listed, cut=cut, min_rows=min_rows)
    covered = np.logical_or.reduce(list(listed.values())) if listed else np.zeros(len(values), dtype=np.bool_)
    found = (tested.describe(place, inside) for place, inside in listed.items())
    return FailingSegments(
        tuple(sorted(found, key=lambda each: (-(each.share_explained or 0.0), each.p_value, each.conditions))),
        score_interval(values, level=level, n_unscored=n_unscored),
        len(slices.n),
        len(failing),
        float(losses.numbers[covered].sum()) / tested.errors if tested.errors else None,
        float(covered.mean()) if len(covered) else 0.0,
        "hypergeometric" if losses.is_binary else "pearson-iii",
        false_discovery_rate,
        min_rows,
        max_conditions,
    )


@dataclass(frozen=True, slots=True)
class _Tested:
    """The slices that were tested, and what there is to say of each."""

    values: NDArray[np.float64]
    losses: Losses
    keys: Sequence[MetadataKey]
    slices: Slices
    p_values: NDArray[np.float64]
    adjusted: NDArray[np.float64]
    level: float

    @property
    def errors(self) -> float | None:
        return float(self.losses.numbers.sum()) if self.losses.in_range else None

    def describe(self, place: int, inside: Rows) -> FailingSegment:
        """Say what is known of a slice, given its rows."""
        values, losses, errors, n = self.values, self.losses, self.errors, int(self.slices.n[place])
        if losses.is_binary:
            estimate = wilson_interval(int(np.count_nonzero(values[inside])), n, level=self.level)
        else:
            estimate = mean_interval(values[inside], level=self.level)
        own, rest_loss = float(losses.numbers[inside].sum()), float(losses.numbers[~inside].sum())
        rest, overall = len(values) - n, float(values.mean())
        prior_rows = losses.prior_rows(self.slices.n, self.slices.sums)
        return FailingSegment(
            name_conditions(self.keys, *zip(*self.slices.conditions(place), strict=True)),
            n,
            estimate,
            float(values[~inside].mean()) if rest else None,
            overall + (float(values[inside].mean()) - overall) * n / (n + prior_rows),
            float(self.p_values[place]),
            float(self.adjusted[place]),
            own / errors if errors else None,
            max(0.0, own - n * rest_loss / rest) / errors if errors and rest else None,
        )
