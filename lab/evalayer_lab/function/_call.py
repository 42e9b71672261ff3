"""Calls a handler as the evaluation container does, and checks what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from typing import Any, Final
from uuid import uuid4

from evalayer import EvalayerError, Observation, Sample
from evalayer_lab.function._load import Handler

_ROW_ID: Final = "evalayer-row"
_BODY_FIELDS: Final = {"system", "prompt", "gold"}


class InvalidResponse(EvalayerError):
    """A handler's response that the evaluation container would refuse."""


@dataclass(frozen=True, slots=True)
class LocalContext:
    """What Lambda passes as the context, for a function on this machine.

    Attributes:
        evalayer_observations: a list that a handler which evalayer built adds what it observed to; None to leave that
            to its observer. It reaches the handler through decorators that pass the context on, as they have to.
    """

    function_name: str = "evalayer-local"
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = 512
    aws_request_id: str = "00000000-0000-0000-0000-000000000000"
    evalayer_observations: list[Observation] | None = None

    @property
    def invoked_function_arn(self) -> str:
        """An ARN of the right form."""
        return f"arn:aws:lambda:us-east-1:111122223333:function:{self.function_name}"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        """The time left, in milliseconds: always the most Lambda gives."""
        return 900_000

    @classmethod
    def fresh(cls) -> LocalContext:
        """A context with a request id of its own."""
        return cls(aws_request_id=str(uuid4()))


_CONTEXT: Final = LocalContext()


def preprocess(handler: Handler, sample: Sample) -> Sample:
    """Send a preprocess event.

    Raises:
        InvalidResponse: the response breaks the contract.
        Exception: whatever the handler raises.
    """
    data = {"system": sample.system, "prompt": sample.prompt, "gold": sample.gold}
    body = _call(handler, "preprocess", data, _CONTEXT)
    if not isinstance(body, Mapping):
        raise InvalidResponse("the body of a preprocess response is an object of system, prompt and gold")
    if not body.keys() <= _BODY_FIELDS:
        raise InvalidResponse(f"the body has unknown fields: {', '.join(sorted(map(str, body.keys() - _BODY_FIELDS)))}")
    prompt, gold, system = body.get("prompt"), body.get("gold"), body.get("system")
    if not isinstance(prompt, str) or not isinstance(gold, str) or not (system is None or isinstance(system, str)):
        raise InvalidResponse("the body must have the texts prompt and gold, and system as text or null")
    return Sample(prompt, gold, system)


def postprocess(
    handler: Handler, prompt: str, inference_output: str, gold: str, context: LocalContext = _CONTEXT
) -> dict[str, float]:
    """Send a postprocess event and return the reported numbers by name.

    Args:
        handler: the handler.
        prompt: the user's text as the model saw it.
        inference_output: the model's answer.
        gold: the expected answer.
        context: what the handler is called with beside the event.

    Raises:
        InvalidResponse: the response breaks the contract, or would spoil the aggregation.
        Exception: whatever the handler raises.
    """
    data = {"prompt": prompt, "inference_output": inference_output, "gold": gold}
    body = _call(handler, "postprocess", data, context)
    if not isinstance(body, list):
        raise InvalidResponse("the body of a postprocess response is a list of {metric, value}")
    try:
        scores: dict[str, float] = {result["metric"]: result["value"] for result in body}
        shapes = set(map(len, body))
    except (KeyError, TypeError):
        raise InvalidResponse("each result in the body is an object of metric and value") from None
    kinds = set(map(type, scores.values()))
    numbers = all(issubclass(kind, int | float) for kind in kinds)
    if not shapes <= {2} or not set(map(type, scores)) <= {str} or not numbers:
        raise InvalidResponse("each result in the body has a text metric and a number value, nothing else")
    if not _are_printable(tuple(scores)):
        raise InvalidResponse("the name of a metric is not printable text")
    if len(scores) != len(body):
        raise InvalidResponse("a metric is reported twice")
    if not all(map(isfinite, scores.values())):
        name = next(name for name, value in scores.items() if not isfinite(value))
        raise InvalidResponse(f"the metric {name} is {scores[name]}, which would make its average meaningless")
    return scores if kinds <= {float} else {name: float(value) for name, value in scores.items()}


@lru_cache(maxsize=8)  # a task reports the same names on every row
def _are_printable(names: tuple[str, ...]) -> bool:
    return "".join(names).isprintable()


def _call(handler: Handler, kind: str, data: Mapping[str, str | None], context: LocalContext) -> Any:
    """Send an event, and return the body of the response."""
    response = handler({"process_type": kind, "data": data}, context)
    if not isinstance(response, Mapping) or response.keys() != {"statusCode", "body"}:
        raise InvalidResponse("a response is an object of statusCode and body")
    if response["statusCode"] != 200:
        body = response["body"]
        reason = body.get("error") if isinstance(body, Mapping) else None
        raise InvalidResponse(f"the handler answered {response['statusCode']}" + (f": {reason}" if reason else ""))
    return response["body"]


def reward(handler: Handler, messages: Sequence[Any], reference_answer: object) -> Mapping[str, Any]:
    """Send an rft event of one row and return its answer.

    Raises:
        InvalidResponse: the response breaks the contract.
        Exception: whatever the handler raises.
    """
    row = {"id": _ROW_ID, "messages": messages, "reference_answer": reference_answer}
    response = handler([row], _CONTEXT)
    if not isinstance(response, list) or len(response) != 1 or not isinstance(response[0], Mapping):
        raise InvalidResponse("an rft event of one row is answered with a list of one object")
    answer: Mapping[str, Any] = response[0]
    if answer.get("id") != _ROW_ID:
        raise InvalidResponse("the answer does not have the id of the row")
    value = answer.get("aggregate_reward_score")
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise InvalidResponse("aggregate_reward_score is not a finite number")
    return answer
