"""The records a user's functions take and give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from evalayer._answer import JSONValue, Parsed, Unwrapped, Wrapping, parse_json, unwrap
from evalayer._errors import InvalidMetric


@dataclass(frozen=True, slots=True)
class Sample:
    """A row before inference: what a preprocess function takes and gives back.

    Attributes:
        prompt: the user's text (the dataset's `query`).
        gold: the expected answer (the dataset's `response`).
        system: the system prompt, or None where the row has none.
    """

    prompt: str
    gold: str
    system: str | None = None


@dataclass(frozen=True)
class Completion:
    """A row after inference: what a metric scores.

    Attributes:
        prompt: the user's text as the model saw it.
        inference_output: the model's answer exactly as received.
        gold: the expected answer.
    """

    prompt: str
    inference_output: str
    gold: str

    @property
    def text(self) -> str:
        r"""The answer without solution markers, a reasoning block before it, and a code fence around it.

        >>> Completion("", "<|begin_of_solution|>```json\n[1]\n```<|end_of_solution|>", "").text
        '[1]'
        """
        return self._unwrapped.text

    @property
    def json(self) -> JSONValue:
        """`text` parsed as JSON, or the JSON object that stands in its prose; None if there is none.

        Every metric sees the same value: do not change it in place.

        >>> Completion("", 'Here you are: {"class": "access"}', "").json
        {'class': 'access'}
        """
        return self._parsed.value

    @property
    def is_json(self) -> bool:
        """Whether `json` was found, which tells an answer of `null` from an answer that is not JSON."""
        return self._parsed.span is not None

    @property
    def json_span(self) -> tuple[int, int] | None:
        """Where in `text` the JSON stands that `json` was parsed from; None if there is none.

        >>> completion = Completion("", 'Here you are: {"class": "access"}.', "")
        >>> completion.text[slice(*completion.json_span)]
        '{"class": "access"}'
        """
        return self._parsed.span

    @property
    def unclosed_object(self) -> int | None:
        """Where in `text` a JSON object begins that is not closed when the text ends; None if there is none.

        >>> Completion("", 'Here you are: {"class": "acc', "").unclosed_object
        14
        """
        return self._parsed.unclosed

    @cached_property
    def gold_json(self) -> JSONValue:
        """`gold` parsed as JSON, by the same rules as the answer; None if it is not JSON."""
        return parse_json(unwrap(self.gold).text).value

    @property
    def wrapping(self) -> tuple[Wrapping, ...]:
        """What had to be taken off to reach `json`, outermost first: empty for an answer of bare JSON.

        Any of `"solution_markers"`, `"reasoning"`, `"code_fence"` and `"prose"`.
        """
        wrapping = self._unwrapped.wrapping
        return (*wrapping, "prose") if self._parsed.in_prose else wrapping

    @cached_property
    def _unwrapped(self) -> Unwrapped:
        return unwrap(self.inference_output)

    @cached_property
    def _parsed(self) -> Parsed:
        return parse_json(self.text)


@dataclass(frozen=True, slots=True)
class Unscored:
    """A metric's word that it cannot score this row.

    The row then reports 0.0 under the metric's name and 1.0 under `<name>.unscored`, so that
    `average(name) / (1 - average(name.unscored))` is the mean over the scored rows.

    Attributes:
        reason: why, in words that quote nothing of the row, because reasons are logged and counted.

    Raises:
        InvalidMetric: the reason is not text.
    """

    reason: str

    def __post_init__(self) -> None:
        if not isinstance(self.reason, str):
            raise InvalidMetric(f"Unscored needs a reason in words, not a {type(self.reason).__name__}")


Score: TypeAlias = float | Mapping[str, float] | Unscored
