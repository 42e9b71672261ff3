"""Agreement of JSON fields."""

from __future__ import annotations

from collections.abc import Sequence

from evalayer import Completion, InvalidMetric, JSONValue, Metric, Score, Unscored, label_part
from evalayer_metrics._json import json_equal


class json_fields(Metric):  # noqa: N801 (called like the functions beside it)
    """In how many fields the answer's JSON object agrees with the gold's.

    Parts: `agreement`, the share of the fields that agree, and with declared fields `field.<field>`, 0 or 1 for
    each. A field agrees where both objects have an equal value, or neither has the field; text is compared without
    case and outer white space, everything else as JSON values. An answer that is not a JSON object agrees in nothing.
    Unscored where the gold is not a JSON object, or, without declared fields, an empty one.

    Args:
        fields: the top-level fields to compare; those of each row's gold by default.
        name: what it reports under.
        case_sensitive: compare text with its case.

    Raises:
        InvalidMetric: `fields` is empty, repeats a field, or holds something that is not text.

    >>> metric = json_fields(["class", "priority"])
    >>> metric.score(Completion("", '{"class": "Network", "priority": 1}', '{"class": "network", "priority": 2}'))
    {'agreement': 0.5, 'field.class': 1.0, 'field.priority': 0.0}
    """

    def __init__(
        self, fields: Sequence[str] | None = None, *, name: str = "json_fields", case_sensitive: bool = False
    ) -> None:
        if fields is not None and (
            isinstance(fields, str)
            or not fields
            or not all(isinstance(field, str) and field for field in fields)
            or len(set(fields)) != len(fields)
        ):
            raise InvalidMetric(f"{name}: fields must be a list of distinct field names: {fields!r}")
        self.fields = None if fields is None else tuple(fields)
        self.case_sensitive = case_sensitive
        super().__init__(name, parts=["agreement", *(label_part("field", field) for field in self.fields or ())])

    def score(self, completion: Completion) -> Score:
        """Score one completion."""
        gold = completion.gold_json
        if not isinstance(gold, dict):
            return Unscored("the gold is not a JSON object")
        fields = tuple(gold) if self.fields is None else self.fields
        if not fields:
            return Unscored("the gold is an empty JSON object")
        answer = completion.json
        if not isinstance(answer, dict):
            return dict.fromkeys(self.parts, 0.0)
        agreeing = [float(self._agree(field, answer, gold)) for field in fields]
        agreement = sum(agreeing) / len(fields)
        if self.fields is None:
            return {"agreement": agreement}
        return dict(zip(self.parts, (agreement, *agreeing), strict=True))

    def _agree(self, field: str, answer: dict[str, JSONValue], gold: dict[str, JSONValue]) -> bool:
        if field not in answer or field not in gold:
            return field not in answer and field not in gold
        given, expected = answer[field], gold[field]
        if isinstance(given, str) and isinstance(expected, str):
            given, expected = given.strip(), expected.strip()
            return given == expected or (not self.case_sensitive and given.casefold() == expected.casefold())
        return json_equal(given, expected)
