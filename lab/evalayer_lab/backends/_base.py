"""What the run pipeline asks of a source of answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

TokenLogprobs: TypeAlias = Sequence[Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a model.

    Attributes:
        query: the dataset's query, before preprocessing.
        system: the system prompt after preprocessing.
        prompt: the user's text after preprocessing.
        occurrence: how many rows before this one have the same content; tells duplicates apart.
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
        logprobs: for each generated token, the natural log probability of the most likely tokens by their text;
            None where the model gives none.
        error: why there is no answer; `text` is then empty.
    """

    text: str
    logprobs: TokenLogprobs | None = None
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
    def settings(self) -> Mapping[str, object]:
        """Everything that its answers depend on, as JSON values; a resumed run must have the same."""
        ...

    def generate(self, requests: Sequence[Request]) -> Sequence[Generation]:
        """Answer each request, in order. A request that cannot be answered gets a `Generation` with an error."""
        ...
