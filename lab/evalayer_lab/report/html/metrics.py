"""All metrics, with their denominators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from evalayer_lab.report import write
from evalayer_lab.report._document import Document, Metric
from evalayer_lab.report.html._layout import Cell, Column, Links, Section, details, left_out, table
from evalayer_lab.report.html._markup import Html, few, join, user

_MOST: Final = 200


def draw(document: Document, _: Links) -> Section | None:
    """Show every metric, those that stand for a whole first, their parts on demand."""
    whole = [metric for metric in document.metrics if metric.part is None]
    parts = [metric for metric in document.metrics if metric.part is not None]
    if not (document.metrics or document.decoded):
        return None
    shown, left = few(whole, _MOST)
    body = [
        _table("Metrics, as means over the scored rows", shown) if shown else None,
        left_out(left, "metrics"),
        _parts(parts),
        _decoded(document.decoded),
    ]
    return Section("metrics", "Every metric", join(*body), "metrics")


def _table(caption: str, shown: Sequence[Metric]) -> Html:
    reported = any(metric.reported is not None for metric in shown)
    bounded = any(metric.estimate.n_unscored for metric in shown)
    columns: list[str | Column] = ["Metric", "Mean", f"{write.level(shown[0].estimate.level)} interval", "Scored"]
    columns += ["Unscored", "Worst case", "Best case"] if bounded else []
    columns += [Column("Better", None)]
    columns += ["As the job reports it"] if reported else []
    rows = [_row(metric, reported=reported, bounded=bounded) for metric in shown]
    return table(caption, columns, rows)


def _row(metric: Metric, *, reported: bool, bounded: bool) -> list[Cell]:
    estimate = metric.estimate
    cells: list[Cell] = [user(metric.name), (write.value(estimate), "value")]
    cells += [write.interval(estimate), write.count(estimate.n)]
    cells += (
        [write.count(estimate.n_unscored), write.number(metric.worst), write.number(metric.best)] if bounded else []
    )
    cells += [write.better(higher=metric.higher_is_better)]
    return cells + ([write.number(metric.reported)] if reported else [])


def _parts(parts: Sequence[Metric]) -> Html | None:
    if not parts:
        return None
    shown, left = few(parts, _MOST)
    inner = _table("Parts of metrics, and counters of classifications as means over rows", shown)
    return details(f"Parts and counters ({write.count(len(parts))})", inner, left_out(left, "parts"))


def _decoded(decoded: dict[str, float | None]) -> Html | None:
    if not decoded:
        return None
    shown, left = few(decoded.items(), _MOST)
    columns = ("Name", "Value")
    rows = [(user(name), write.number(value)) for name, value in shown]
    inner = table("Values decoded from the folded counters", columns, rows)
    return details(f"Values over all rows ({write.count(len(decoded))})", inner, left_out(left, "values"))
