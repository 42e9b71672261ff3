"""One row's outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row's outcome. A journal holds its values in this order, which therefore stays as it is.

    Attributes:
        line: the row's line in the dataset.
        system: the system prompt after preprocessing.
        prompt: the user's text after preprocessing.
        gold: the expected answer after preprocessing.
        metadata: the row's metadata.
        inference: the model's answer; None where there is none.
        logprobs: the answer's token log probabilities.
        scores: the reported numbers; None if the row failed, or if postprocessing is off.
        unscored: for each metric that did not score the row, why, as far as the handler tells.
        failure: the stage at which the row failed and the kind of error, `"postprocess: KeyError"`.
    """

    line: int
    system: str | None
    prompt: str
    gold: str
    metadata: str | None
    inference: str | None
    logprobs: Any
    scores: Mapping[str, float] | None
    unscored: Mapping[str, str] | None
    failure: str | None

    def to_json(self) -> tuple[Any, ...]:
        """The values in the order of the fields."""
        values: tuple[Any, ...] = _VALUES(self)
        return values

    @classmethod
    def from_json(cls, values: list[Any]) -> Entry:
        """The entry that `to_json` gave.

        Raises:
            ValueError: there are too many values, or too few.
        """
        return cls(**dict(zip(_NAMES, values, strict=True)))


_NAMES: Final = tuple(field.name for field in fields(Entry))
_VALUES: Final = attrgetter(*_NAMES)
