"""Classification, exact for the whole dataset."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from evalayer import Completion, CorpusMetric, InvalidMetric, JSONValue, Score, Unscored, label_part
from evalayer_metrics._json import text_of

_SNAP: Final = 1e-6


class classification(CorpusMetric):  # noqa: N801 (called like the functions beside it)
    """Accuracy, precision, recall, F1, MCC and kappa of a label, exact for the whole dataset.

    Every row reports `correct`, and `tp.<label>`, `fp.<label>`, `fn.<label>` for every label, each 0 or 1. From
    their folded totals `decode` computes

    - `accuracy`; `balanced_accuracy`, the mean recall of the labels that have gold rows;
    - `precision_`, `recall_` and `f1_` with `micro`, `macro` (the mean over all declared labels) and `weighted` (by
      gold rows), and `precision.<label>`, `recall.<label>`, `f1.<label>`;
    - `mcc`, Matthews' correlation for several classes (Gorodkin 2004), and `kappa` (Cohen 1960), both from the
      number of gold rows, predictions and hits of each label.

    All equal scikit-learn's, given `labels=` and, for MCC and kappa, with every invalid prediction as one more
    class. A quotient whose denominator is zero is 0.0. With no scored row there is no value at all.

    A prediction that is missing, is not in the JSON, or is not one of the labels is wrong: a false negative of its
    gold label and a false positive of none. A row whose gold is not one of the labels is unscored. Labels are compared
    without case and outer white space; a number or truth value in the JSON counts as its JSON spelling.

    Args:
        field: the field of the JSON object that holds the label, in the answer and in the gold; without it, the
            label is the whole text of each.
        labels: every label there is.
        name: what it reports under; the field, or `classification`.
        case_sensitive: compare labels with their case.

    Raises:
        InvalidMetric: labels that are missing, blank, not printable, or the same once compared.

    >>> metric = classification(field="class", labels=["network", "access"])
    >>> row = metric.score(Completion("", '{"class": "Access"}', '{"class": "network"}'))
    >>> {part: value for part, value in row.items() if value}
    {'fp.access': 1.0, 'fn.network': 1.0}
    >>> metric.decode({**row, "unscored": 0.0}, rows=1)["accuracy"]
    0.0
    """

    def __init__(
        self,
        field: str | None = None,
        *,
        labels: Sequence[str],
        name: str | None = None,
        case_sensitive: bool = False,
    ) -> None:
        name = name or field or "classification"
        self.field = field
        self.case_sensitive = case_sensitive
        if isinstance(labels, str) or not labels:
            raise InvalidMetric(f"{name}: labels={labels!r}: give the list of every label")
        self._known: dict[str, str] = {}
        for label in labels:
            if not isinstance(label, str) or not label.strip() or not label.isprintable():
                raise InvalidMetric(f"{name}: {label!r} is not a label: use printable text")
            key = self._key(label)
            if key in self._known:
                raise InvalidMetric(f"{name}: the labels {self._known[key]!r} and {label!r} are compared as the same")
            self._known[key] = label
        self.labels = tuple(labels)
        self._tp, self._fp, self._fn = (
            {label: label_part(part, label) for label in labels} for part in ("tp", "fp", "fn")
        )
        super().__init__(name, parts=["correct", *self._tp.values(), *self._fp.values(), *self._fn.values()])
        self._nothing = dict.fromkeys(self.parts, 0.0)

    def score(self, completion: Completion) -> Score:
        """Count one completion: which label was hit, claimed wrongly, or missed."""
        gold = self._label(completion.gold if self.field is None else completion.gold_json)
        if gold is None:
            return Unscored("the gold is not one of the labels")
        predicted = self._label(completion.text if self.field is None else completion.json)
        row = self._nothing.copy()
        if predicted == gold:
            row["correct"] = row[self._tp[gold]] = 1.0
            return row
        row[self._fn[gold]] = 1.0
        if predicted is not None:
            row[self._fp[predicted]] = 1.0
        return row

    def decode(self, totals: Mapping[str, float], rows: int) -> Mapping[str, float]:
        """Compute the values of the class docstring from folded counters; empty where no row was scored."""
        totals = _counts(totals, rows)
        tp = [totals[self._tp[label]] for label in self.labels]
        predicted = [hits + totals[self._fp[label]] for label, hits in zip(self.labels, tp, strict=True)]
        gold = [hits + totals[self._fn[label]] for label, hits in zip(self.labels, tp, strict=True)]
        n = sum(gold)
        if not n:
            return {}
        precision = [_ratio(*pair) for pair in zip(tp, predicted, strict=True)]
        recall = [_ratio(*pair) for pair in zip(tp, gold, strict=True)]
        f1 = [_ratio(2 * hits, p + g) for hits, p, g in zip(tp, predicted, gold, strict=True)]
        hits = sum(tp)
        values = {
            "accuracy": hits / n,
            "balanced_accuracy": math.fsum(recall) / sum(1 for rows_of_label in gold if rows_of_label),
            "precision_micro": _ratio(hits, sum(predicted)),
            "recall_micro": hits / n,
            "f1_micro": _ratio(2 * hits, sum(predicted) + n),
        }
        for part, by_label in (("precision", precision), ("recall", recall), ("f1", f1)):
            values[f"{part}_macro"] = math.fsum(by_label) / len(by_label)
            values[f"{part}_weighted"] = math.fsum(v * g for v, g in zip(by_label, gold, strict=True)) / n
            for label, value in zip(self.labels, by_label, strict=True):
                values[label_part(part, label)] = value
        invalid = n - sum(predicted)
        by_chance = sum(p * g for p, g in zip(predicted, gold, strict=True))
        spread_predicted = n * n - sum(p * p for p in predicted) - invalid * invalid
        spread_gold = n * n - sum(g * g for g in gold)
        values["mcc"] = _ratio(hits * n - by_chance, math.sqrt(max(0.0, spread_predicted * spread_gold)))
        values["kappa"] = _ratio(hits * n - by_chance, n * n - by_chance)
        return values

    def _label(self, value: JSONValue) -> str | None:
        if self.field is not None:
            value = value.get(self.field) if isinstance(value, dict) else None
        text = text_of(value)
        return None if text is None else self._known.get(self._key(text))

    def _key(self, text: str) -> str:
        text = text.strip()
        return text if self.case_sensitive else text.casefold()


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else 0.0


def _counts(totals: Mapping[str, float], rows: int) -> Mapping[str, float]:
    # Averages times rows are whole numbers but for rounding: restoring them makes the degenerate cases exact, where
    # a difference of products must be zero. Totals that are no counts of these rows stay as they are.
    folded = sum(value for part, value in totals.items() if part == "unscored" or part.startswith(("tp.", "fn.")))
    if not folded:
        return totals
    counts = {part: value * rows / folded for part, value in totals.items()}
    whole = {part: round(value) for part, value in counts.items()}
    return whole if all(abs(counts[part] - whole[part]) <= _SNAP for part in counts) else totals
