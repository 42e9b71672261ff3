"""One row's outcome."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Entry(NamedTuple):
    """One row's outcome.

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
