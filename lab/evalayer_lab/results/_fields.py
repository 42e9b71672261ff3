"""Which field of the answers holds the label, and which labels there are, where nobody said so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from pathlib import Path
from typing import Final

import orjson

from evalayer_lab.inputs import InputError
from evalayer_lab.output import MetricInfo
from evalayer_lab.results._cells import parse_gold
from evalayer_lab.results._details_file import DetailsFile

MAX_LABEL: Final = 200  # characters; what is longer is not a label
_MAX_LABELS: Final = 100
_MAX_FIELDS: Final = 64
_USUAL: Final = ("class", "label", "category")


@dataclass(frozen=True, slots=True)
class Labelling:
    """Where the label is.

    Attributes:
        field: the field of the JSON object in answers and golds; None for the whole text.
        labels: the labels; empty where they are not known, or the texts are free.
        notes: how this was inferred, as sentences.
    """

    field: str | None
    labels: tuple[str, ...]
    notes: tuple[str, ...] = ()


def find_labelling(
    details: Sequence[Path], metrics: Sequence[MetricInfo], *, field: str | None, labels: Sequence[str] | None
) -> Labelling:
    """Find the field and the labels that were not given.

    The field of a classification has its name where a gold object has such a field. Else it is one that all gold
    objects have: `class`, `label` or `category`, or the one with the fewest different texts. Labels are those that
    the classification counts, or the different golds, if they are few. This depends on what the rows hold, and not
    on their order.

    Args:
        details: the details files.
        metrics: the metrics of the run.
        field: the field, if it is given.
        labels: the labels, if they are given.
    """
    counted = {metric.name: metric.class_labels for metric in metrics if metric.class_labels}
    if field is None:
        name = _first_field(details, tuple(counted))
        if name is not None:
            return Labelling(
                name,
                tuple(counted[name] if labels is None else labels),
                (f"The label is taken from the field {name!r}, which is the name of a metric.",),
            )
    elif labels is not None or field in counted:
        return Labelling(field, tuple(counted[field] if labels is None else labels))
    golds = _Golds()
    for gold in _read_golds(details):
        golds.add(gold)
    notes = []
    if field is None:
        field = golds.common_field()
        if field is not None:
            notes.append(f"The label is taken from the field {field!r}, which every gold has.")
    if labels is None:
        seen = golds.labels(field)
        labels = next((known for known in counted.values() if _covers(known, seen)), seen)
        if field is None and labels:
            notes.append("The label is the whole text of the answer.")
        if labels and labels not in counted.values():
            notes.append(f"The {len(labels)} labels are the different golds.")
    return Labelling(field, tuple(labels), tuple(notes))


@dataclass(slots=True)
class _Golds:
    """The different texts under each field of the golds, up to a number that no set of labels reaches."""

    rows: int = 0
    objects: int = 0
    texts: set[str] = dataclass_field(default_factory=set)
    rows_by_field: dict[str, int] = dataclass_field(default_factory=dict)
    texts_by_field: dict[str, set[str]] = dataclass_field(default_factory=dict)

    def add(self, gold: str) -> None:
        self.rows += 1
        value = _object(gold)
        if value is None:
            if len(self.texts) <= _MAX_LABELS:
                self.texts.add(gold.strip()[: MAX_LABEL + 1])
            return
        self.objects += 1
        for field, text in value.items():
            if not isinstance(text, str) or (
                field not in self.rows_by_field and len(self.rows_by_field) >= _MAX_FIELDS
            ):
                continue
            self.rows_by_field[field] = self.rows_by_field.get(field, 0) + 1
            texts = self.texts_by_field.setdefault(field, set())
            if len(texts) <= _MAX_LABELS:
                texts.add(text.strip()[: MAX_LABEL + 1])

    def common_field(self) -> str | None:
        if not self.objects:
            return None
        common = sorted(field for field, rows in self.rows_by_field.items() if rows == self.objects)
        usual = [field for field in _USUAL if field in common]
        few = sorted(common, key=lambda field: (len(self.texts_by_field[field]), field))
        return next(iter(usual), next((field for field in few if self._are_labels(self.texts_by_field[field])), None))

    def labels(self, field: str | None) -> tuple[str, ...]:
        texts = self.texts if field is None else self.texts_by_field.get(field, set())
        return tuple(sorted(texts)) if self._are_labels(texts) else ()

    def _are_labels(self, texts: set[str]) -> bool:
        few = 0 < len(texts) <= min(_MAX_LABELS, max(2, self.rows // 2))
        return few and all(len(text) <= MAX_LABEL for text in texts)


def _covers(labels: Sequence[str], seen: Sequence[str]) -> bool:
    known = {label.casefold() for label in labels}
    return bool(seen) and all(label.casefold() in known for label in seen)


def _first_field(details: Sequence[Path], names: Sequence[str]) -> str | None:
    """The first of the names that is a field of any gold."""
    found: set[str] = set()
    for gold in _read_golds(details) if names else ():
        found.update((_object(gold) or {}).keys() & names)
        if names[0] in found:
            break
    return next((name for name in names if name in found), None)


def _read_golds(details: Sequence[Path]) -> Iterator[str]:
    """Every gold that can be read; what is damaged is reported by whoever reads the rows."""
    for path in details:
        try:
            with DetailsFile(path) as file:
                for batch in file.batches(range(len(file.group_rows)), roles=("gold",)):
                    yield from (
                        gold for cell in batch.columns.get("gold", ()) if (gold := parse_gold(cell)) is not None
                    )
        except InputError:
            continue


def _object(gold: str) -> Mapping[str, object] | None:
    if not gold.lstrip().startswith("{"):
        return None
    try:
        value = orjson.loads(gold)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
