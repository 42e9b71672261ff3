"""All metrics, with their denominators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from evalayer_lab.report import write
from evalayer_lab.report._document import Document, Metric
from evalayer_lab.report.html._layout import Column, Columns, Links, Section, details, list_table
from evalayer_lab.report.html._markup import Html, join, user

_MOST: Final = 200
_VALUES: Final[Columns[tuple[str, float | None]]] = (
    ("Name", lambda item: user(item[0])),
    ("Value", lambda item: write.number(item[1])),
)


def draw(document: Document, _: Links) -> Section | None:
    """Show every metric, those that stand for a whole first, their parts on demand."""
    whole = [metric for metric in document.metrics if metric.part is None]
    parts = [metric for metric in document.metrics if metric.part is not None]
    if not (document.metrics or document.decoded):
        return None
    decoded = list_table(
        "Values decoded from the folded counters", _VALUES, document.decoded.items(), most=_MOST, what="values"
    )
    body = join(
        _table("Metrics, as means over the scored rows", whole, "metrics"),
        details(
            f"Parts and counters ({write.count(len(parts))})",
            _table("Parts of metrics, and counters of classifications as means over rows", parts, "parts"),
        ),
        details(f"Values over all rows ({write.count(len(document.decoded))})", decoded),
    )
    return Section("metrics", "Every metric", body, "metrics")


def _table(caption: str, metrics: Sequence[Metric], what: str) -> Html | None:
    if not metrics:
        return None
    columns: list[Columns[Metric]] = [
        [
            ("Metric", lambda each: user(each.name)),
            ("Mean", lambda each: (write.value(each.estimate), "value")),
            (f"{write.level(metrics[0].estimate.level)} interval", lambda each: write.interval(each.estimate)),
            ("Scored", lambda each: write.count(each.estimate.n)),
        ]
    ]
    if any(each.estimate.n_unscored for each in metrics[:_MOST]):
        columns.append(
            [
                ("Unscored", lambda each: write.count(each.estimate.n_unscored)),
                ("Worst case", lambda each: write.number(each.worst)),
                ("Best case", lambda each: write.number(each.best)),
            ]
        )
    columns.append([(Column("Better"), lambda each: write.better(higher=each.higher_is_better))])
    if any(each.reported is not None for each in metrics[:_MOST]):
        columns.append([("As the job reports it", lambda each: write.number(each.reported))])
    return list_table(caption, [each for part in columns for each in part], metrics, most=_MOST, what=what)
