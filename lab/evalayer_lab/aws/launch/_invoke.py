"""Asks the deployed function for the first row of the dataset, as the container would."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import evalayer
from evalayer import EvalayerError
from evalayer_lab.aws._errors import AwsError, asking
from evalayer_lab.aws._session import Aws
from evalayer_lab.aws.launch._data import Dataset
from evalayer_lab.aws.launch._findings import Said
from evalayer_lab.aws.launch._recipe import NovaRecipe
from evalayer_lab.function import Handler, postprocess, preprocess, reward
from evalayer_lab.inputs import Arn
from evalayer_lab.recipe import Recipe

_LONGEST: Final = 300


class _Unanswered(EvalayerError):
    """The function raised instead of answering."""


def check_invoke(aws: Aws, function: Arn, recipe: NovaRecipe, dataset: Dataset, timeout: float) -> Iterator[Said]:
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

    def invoke(event: Any, _context: object) -> Any:
        payload = json.dumps(event).encode()
        with asking("lambda:InvokeFunction", f"the function {function.name}"):
            answer = client.invoke(FunctionName=function.text, InvocationType="RequestResponse", Payload=payload)
            content = answer["Payload"].read()
        try:
            response = json.loads(content)
        except ValueError:
            raise _Unanswered("its answer is not JSON") from None
        if answer.get("FunctionError"):
            raise _Unanswered(_describe_exception(response))
        if isinstance(response, Mapping) and response.get("statusCode", 200) != 200:
            raise _Unanswered(_describe_refusal(response))
        return response

    for what, trial in _trials(recipe, dataset):
        try:
            yield "ok", f"{function.name} answers {what}: {trial(invoke)}"
        except AwsError:
            raise
        except EvalayerError as failure:
            yield "error", f"{function.name} does not answer {what} as a job needs it: {failure}"
            return


def _trials(recipe: NovaRecipe, dataset: Dataset) -> Iterator[tuple[str, Callable[[Handler], str]]]:
    """What the job sends, and what does so and says what came back."""
    if dataset.first_reward is not None:
        row = dataset.first_reward
        yield _reward_trial(row["messages"], row.get("reference_answer"))
        return
    if not isinstance(recipe, Recipe) or dataset.first is None:
        return
    sample, processor = dataset.first, recipe.processor
    if processor.lambda_type == "rft":
        yield _reward_trial([{"role": "user", "content": sample.prompt}], sample.gold)
        return
    prepared = [sample]

    def prepare(handler: Handler) -> str:
        prepared.append(preprocess(handler, sample))
        return "a prompt and a gold"

    def score(handler: Handler) -> str:
        ready = prepared[-1]
        return f"{len(postprocess(handler, ready.prompt, ready.gold, ready.gold))} metrics"

    if processor.preprocessing.enabled:
        yield "a preprocess event", prepare
    if processor.postprocessing.enabled:
        yield "a postprocess event", score


def _reward_trial(messages: list[Any], reference: object) -> tuple[str, Callable[[Handler], str]]:
    text = reference if isinstance(reference, str) else json.dumps(reference)
    answer = {"role": "nova_assistant", "content": [{"type": "text", "text": text}]}

    def trial(handler: Handler) -> str:
        scored = reward(handler, [*messages, answer], reference)
        return f"a reward and {len(scored.get('metrics_list') or ())} metrics"

    return "an rft event", trial


def _describe_exception(response: object) -> str:
    """Say what a function raised. Only a message that cannot quote a row is repeated."""
    details = response if isinstance(response, Mapping) else {}
    kind, message = str(details.get("errorType", "an error")), " ".join(str(details.get("errorMessage", "")).split())
    own = kind in evalayer.__all__ and kind != "PayloadTooLarge"
    if message and (own or kind.startswith(("Runtime.", "Sandbox.", "ImportError", "ModuleNotFoundError"))):
        return f"{kind}: {ascii(message[:_LONGEST])[1:-1]}"
    return f"it raised {ascii(kind[:_LONGEST])[1:-1]}; its log says more: evalayer invoke runs it on this machine"


def _describe_refusal(response: Mapping[str, Any]) -> str:
    """Say that a function answered with an error. Only the message of a missing processor cannot quote a row."""
    body = response.get("body")
    message = str(body.get("error", "")) if isinstance(body, Mapping) else ""
    known = message if re.fullmatch(r"Unsupported process_type: \w{1,40}", message) else "its log may say more"
    return f"it answered {ascii(response.get('statusCode'))[:_LONGEST]}: {known}"
