"""What the run pipeline asks of a source of answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

BACKENDS: Final = ("baseline", "replay")  # the modules of this room, by the names of what they hold


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a model.

    Attributes:
        query: the dataset's query, before preprocessing.
        system: the system prompt after preprocessing.
        prompt: the user's text after preprocessing.
        occurrence: how many rows before this one have the same query; 0 unless the backend needs it.
    """

    query: str
    system: str | None
    prompt: str
    occurrence: int = 0


@dataclass(frozen=True, slots=True)
class Generation:
    """One answer.

    Attributes:
        text: what the model wrote.
        logprobs: for each generated token, the natural log probability, finite, of the most likely tokens by their
            text; None where the model gives none.
        error: why there is no answer; `text` is then empty.
    """

    text: str
    logprobs: Sequence[Mapping[str, float]] | None = None
    error: str | None = None


class Backend(Protocol):
    """A source of answers."""

    @property
    def name(self) -> str:
        """The name of the model, as the output tree shows it."""
        ...

    @property
    def batch_size(self) -> int:
        """How many requests it likes to be given at once."""
        ...

    @property
    def needs_occurrence(self) -> bool:
        """Whether its answer to a repeated query depends on how often it was asked before."""
        ...

    @property
    def settings(self) -> Mapping[str, object]:
        """Everything that its answers depend on, as JSON values; a resumed run must have the same."""
        ...

    @property
    def warnings(self) -> Sequence[str]:
        """What a reader of its answers so far must know, as sentences."""
        ...

    def generate(self, requests: Sequence[Request]) -> Sequence[Generation]:
        """Answer each request, in order. A request that cannot be answered gets a `Generation` with an error."""
        ...
