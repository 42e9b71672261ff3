"""Asks the deployed function for the first row of the dataset, as the container would."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from math import isfinite
from typing import Any, Final

import evalayer
from evalayer import EvalayerError
from evalayer_lab.aws._errors import AwsError, asking
from evalayer_lab.aws._session import Aws
from evalayer_lab.aws.launch._check import Check, error, ok
from evalayer_lab.aws.launch._data import Dataset
from evalayer_lab.aws.launch._recipe import Function, NovaRecipe
from evalayer_lab.function import postprocess, preprocess
from evalayer_lab.recipe import Recipe

Invoke = Callable[[Any], Any]

_ROW_ID: Final = "evalayer-launch-check"
_LONGEST: Final = 300


class _Unanswered(EvalayerError):
    """The function raised instead of answering."""


def check_invoke(aws: Aws, function: Function, recipe: NovaRecipe, dataset: Dataset, timeout: float) -> Iterator[Check]:
    """Send the first row's events and check the answers, with the expected answer in place of the model's.

    Args:
        aws: where the function is.
        function: the function.
        recipe: says which events the job sends.
        dataset: has the first row.
        timeout: the function's own, in seconds.

    Raises:
        AwsError: AWS did not carry the call out.
    """
    client = aws.invoker(timeout + 10)

    def invoke(event: Any) -> Any:
        payload = json.dumps(event).encode()
        with asking("lambda:InvokeFunction", f"the function {function.name}"):
            answer = client.invoke(FunctionName=function.arn, InvocationType="RequestResponse", Payload=payload)
            content = answer["Payload"].read()
        try:
            response = json.loads(content)
        except ValueError:
            raise _Unanswered("what it answers is no JSON") from None
        if answer.get("FunctionError"):
            raise _Unanswered(_raised(response))
        if isinstance(response, Mapping) and response.get("statusCode", 200) != 200:
            raise _Unanswered(_refused(response))
        return response

    for what, trial in _trials(recipe, dataset):
        try:
            yield ok("invoke", f"{function.name} answers {what}: {trial(invoke)}")
        except AwsError:
            raise
        except EvalayerError as failure:
            yield error("invoke", f"{function.name} does not answer {what} as a job needs it: {failure}")
            return


def _trials(recipe: NovaRecipe, dataset: Dataset) -> list[tuple[str, Callable[[Invoke], str]]]:
    if dataset.first_reward is not None:
        row = dataset.first_reward
        reference = row.get("reference_answer")
        answer = reference if isinstance(reference, str) else json.dumps(reference)
        return [("an rft event", lambda invoke: _reward(invoke, [*row["messages"], _said(answer)], reference))]
    if not isinstance(recipe, Recipe) or dataset.first is None:
        return []
    sample, processor = dataset.first, recipe.processor
    if processor.lambda_type == "rft":
        messages = [{"role": "user", "content": sample.prompt}, _said(sample.gold)]
        return [("an rft event", lambda invoke: _reward(invoke, messages, sample.gold))]
    prepared = [sample]

    def prepare(invoke: Invoke) -> str:
        prepared.append(preprocess(lambda event, context: invoke(event), sample))
        return "a prompt and a gold"

    def score(invoke: Invoke) -> str:
        ready = prepared[-1]
        scores = postprocess(lambda event, context: invoke(event), ready.prompt, ready.gold, ready.gold)
        return f"{len(scores)} metrics"

    trials: list[tuple[str, Callable[[Invoke], str]]] = []
    if processor.preprocessing.enabled:
        trials.append(("a preprocess event", prepare))
    if processor.postprocessing.enabled:
        trials.append(("a postprocess event", score))
    return trials


def _said(answer: str) -> Mapping[str, object]:
    return {"role": "nova_assistant", "content": [{"type": "text", "text": answer}]}


def _reward(invoke: Invoke, messages: list[Any], reference: object) -> str:
    response = invoke([{"id": _ROW_ID, "messages": messages, "reference_answer": reference}])
    if not isinstance(response, list) or len(response) != 1 or not isinstance(response[0], dict):
        raise _Unanswered("an rft event of one row is answered with a list of one object")
    answer = response[0]
    if answer.get("id") != _ROW_ID:
        raise _Unanswered("the answer does not have the id of the row")
    value = answer.get("aggregate_reward_score")
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise _Unanswered("aggregate_reward_score is no finite number")
    return f"a reward and {len(answer.get('metrics_list') or ())} metrics"


def _raised(response: object) -> str:
    """Say what a function raised. Only a message that cannot quote a row is repeated."""
    details = response if isinstance(response, Mapping) else {}
    kind, message = str(details.get("errorType", "an error")), " ".join(str(details.get("errorMessage", "")).split())
    own = kind in evalayer.__all__ and kind != "PayloadTooLarge"
    if message and (own or kind.startswith(("Runtime.", "Sandbox.", "ImportError", "ModuleNotFoundError"))):
        return f"{kind}: {ascii(message[:_LONGEST])[1:-1]}"
    return f"it raised {ascii(kind[:_LONGEST])[1:-1]}; its log says more: evalayer invoke runs it on this machine"


def _refused(response: Mapping[str, Any]) -> str:
    """Say that a function answered with an error. Only the message of a missing processor cannot quote a row."""
    body = response.get("body")
    message = str(body.get("error", "")) if isinstance(body, Mapping) else ""
    known = message if re.fullmatch(r"Unsupported process_type: \w{1,40}", message) else "its log may say more"
    return f"it answered {ascii(response.get('statusCode'))[:_LONGEST]}: {known}"
