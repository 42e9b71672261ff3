"""Metrics by name, from the installed distributions."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from evalayer._errors import ConflictingMetrics, InvalidMetric, UnknownMetric, suggest
from evalayer._metric import Metric, as_metric

GROUP: Final = "evalayer.metrics"


def installed_metrics() -> Mapping[str, EntryPoint]:
    """Return the entry points of the group `evalayer.metrics` by name, in order of name.

    Raises:
        ConflictingMetrics: two distributions offer one name.
    """
    found: dict[str, EntryPoint] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        other = found.setdefault(entry.name, entry)
        if (_distribution(other), other.value) != (_distribution(entry), entry.value):
            raise ConflictingMetrics(
                f"metric {entry.name} is offered by both {_distribution(other)} ({other.value}) "
                f"and {_distribution(entry)} ({entry.value}); uninstall one, or pass the object instead of the name"
            )
    return found


def metric_by_name(name: str) -> Metric:
    """Look up an installed metric.

    Raises:
        UnknownMetric: no installed distribution offers it.
        InvalidMetric: it cannot be loaded, or needs arguments.
    """
    installed = installed_metrics()
    if name not in installed:
        raise UnknownMetric(f"unknown metric {name!r}{suggest(name, installed)}")
    entry = installed[name]
    loaded = load(entry)
    try:
        return as_metric(loaded)
    except InvalidMetric:
        if not callable(loaded):
            raise
    try:
        made = loaded()
    except TypeError as error:
        module, _, attribute = entry.value.partition(":")
        raise InvalidMetric(
            f"metric {name!r} has settings and cannot be used by name alone ({error}): "
            f"from {module} import {attribute}, and write {attribute}(…)"
        ) from error
    return as_metric(made)


def load(entry: EntryPoint) -> object:
    """Import what an entry point names.

    Raises:
        InvalidMetric: the import fails.
    """
    try:
        return entry.load()
    except Exception as error:
        raise InvalidMetric(
            f"metric {entry.name!r} of {_distribution(entry)} cannot be imported ({entry.value}): "
            f"{type(error).__name__}: {error}"
        ) from error


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else "an unnamed distribution"
