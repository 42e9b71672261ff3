"""Metrics by name, from the installed distributions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from evalayer._errors import ConflictingMetrics, InvalidMetric, UnknownMetric, suggest
from evalayer._metric import Metric, as_metric, is_metric

GROUP: Final = "evalayer.metrics"


def installed_metrics() -> Mapping[str, Sequence[EntryPoint]]:
    """Return what is offered under each name of the group `evalayer.metrics`, in order of name.

    A name that more than one distribution offers has several entry points.
    """
    offers: dict[str, dict[tuple[str, str], EntryPoint]] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        offers.setdefault(entry.name, {}).setdefault((distribution(entry), entry.value), entry)
    return {name: tuple(entries.values()) for name, entries in offers.items()}


def metric_by_name(name: str) -> Metric:
    """Look up an installed metric.

    Raises:
        UnknownMetric: no installed distribution offers it.
        ConflictingMetrics: several do.
        InvalidMetric: it cannot be loaded, needs arguments, or is not a metric.
    """
    installed = installed_metrics()
    if name not in installed:
        raise UnknownMetric(f"unknown metric {name!r}{suggest(name, installed)}")
    entry, *others = installed[name]
    if others:
        offers = " and ".join(f"{distribution(offer)} ({offer.value})" for offer in (entry, *others))
        raise ConflictingMetrics(
            f"metric {name!r} is offered by {offers}; uninstall one, or pass the object instead of the name"
        )
    loaded = load(entry)
    if callable(loaded) and not is_metric(loaded):
        try:
            loaded = loaded()
        except TypeError as error:
            module, _, attribute = entry.value.partition(":")
            raise InvalidMetric(
                f"metric {name!r} of {distribution(entry)} is not marked with @metric and cannot be made without "
                f"arguments ({error}); if it has settings, from {module} import {attribute}, and write {attribute}(…)"
            ) from error
    if not is_metric(loaded):
        raise InvalidMetric(
            f"metric {name!r} of {distribution(entry)} ({entry.value}) is not a metric: "
            f"it is of the type {type(loaded).__name__}"
        )
    return as_metric(loaded)


def load(entry: EntryPoint) -> object:
    """Import what an entry point names.

    Raises:
        InvalidMetric: the import fails.
    """
    try:
        return entry.load()
    except Exception as error:
        raise InvalidMetric(
            f"metric {entry.name!r} of {distribution(entry)} cannot be imported ({entry.value}): "
            f"{type(error).__name__}: {error}"
        ) from error


def distribution(entry: EntryPoint) -> str:
    """Name the distribution that offers an entry point."""
    return entry.dist.name if entry.dist is not None else "an unnamed distribution"
