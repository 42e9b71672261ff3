"""Writing a recipe."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from evalayer import Aggregation
from evalayer_lab.inputs import InputError
from evalayer_lab.recipe._edit import written
from evalayer_lab.recipe._facts import MODELS, TASKS, ModelFacts, TaskFacts

_COMMENT_COLUMN: Final = 46


@dataclass(frozen=True, slots=True)
class NewRecipe:
    """What is chosen in a new recipe; the task and the model bring the rest.

    Attributes:
        name: the name of the run.
        task: one of the known tasks.
        model: the short name of a model: micro, lite, pro or lite-2.
        checkpoint: the S3 URI of a trained model; None for the base model.
        lambda_arn: the function of a gen_qa or rft_eval recipe.
        aggregation: how its metrics are folded.
        preprocess: whether it is called before inference too.
        replicas: the number of instances.
        top_logprobs: for how many tokens at each position log probabilities are kept.
        subtask: one part of the benchmark.
        data_s3_path: the dataset of a HyperPod job; None for a SageMaker training job.
        output_s3_path: where a HyperPod job writes; None for a SageMaker training job.
    """

    name: str
    task: str
    model: str
    checkpoint: str | None = None
    lambda_arn: str | None = None
    aggregation: Aggregation = "average"
    preprocess: bool = True
    replicas: int = 1
    top_logprobs: int = 0
    subtask: str | None = None
    data_s3_path: str | None = None
    output_s3_path: str | None = None


def write_recipe(chosen: NewRecipe) -> str:
    """Write a recipe in YAML, with a comment on what is easily got wrong.

    Raises:
        InputError: the choices do not belong together.
    """
    facts, model = TASKS[chosen.task], MODELS[chosen.model]
    _require(chosen, facts)
    return "".join(f"{line}\n" for line in _lines(chosen, facts, model))


def _require(chosen: NewRecipe, facts: TaskFacts) -> None:
    if chosen.model not in facts.models:
        raise InputError(
            f"{chosen.task} does not run with the model {chosen.model}; it runs with {', '.join(facts.models)}"
        )
    if chosen.lambda_arn and facts.kind not in {"gen_qa", "rft_eval"}:
        raise InputError(f"{chosen.task} does not call a function; only gen_qa and rft_eval do")
    if facts.kind == "rft_eval" and not chosen.lambda_arn:
        raise InputError("rft_eval needs the function that gives the rewards: --lambda-arn or --stack")
    if chosen.subtask and not facts.has_subtasks:
        raise InputError(f"{chosen.task} has no subtasks")


def _lines(chosen: NewRecipe, facts: TaskFacts, model: ModelFacts) -> Iterator[str]:
    yield "run:"
    yield _field("name", chosen.name, "the folder of the results")
    yield _field("model_type", model.type, "has to fit the model below, or the engine does not start")
    yield _field("model_name_or_path", chosen.checkpoint or model.path)
    yield _field("replicas", chosen.replicas)
    comment = "" if chosen.data_s3_path else "stays empty: a training job reads the channel train"
    yield _field("data_s3_path", chosen.data_s3_path or "", comment)
    if chosen.output_s3_path:
        yield _field("output_s3_path", chosen.output_s3_path)

    yield from ("", "evaluation:")
    yield _field("task", chosen.task)
    yield _field("strategy", facts.strategy)
    yield _field("metric", facts.metric)
    if chosen.subtask:
        yield _field("subtask", chosen.subtask)

    judges = facts.strategy == "judge"
    yield from ("", "inference:")
    if facts.kind not in {"llm_judge", "mm_llm_judge"}:
        yield _field("max_new_tokens", model.max_new_tokens)
    yield _field("top_k", 50 if judges else -1)
    yield "  top_p: 1.0"
    yield _field("temperature", 0, "always the most probable token, so that runs can be compared")
    yield _field("top_logprobs", chosen.top_logprobs, "0 to 20 alternatives of every token")
    if model.reasons and not judges:
        yield _field("reasoning_effort", None, "null, low or high")

    if facts.kind == "rft_eval":
        yield from ("", "rl_env:")
        yield _field("reward_lambda_arn", chosen.lambda_arn)
    elif chosen.lambda_arn:
        yield from ("", "processor:")
        yield _field("lambda_arn", chosen.lambda_arn)
        yield _field("lambda_type", "custom_metrics", "rft sends other events")
        yield from ("  preprocessing:", f"    enabled: {json.dumps(chosen.preprocess)}")
        yield from ("  postprocessing:", "    enabled: true")
        yield _field("aggregation", chosen.aggregation, "what the function is deployed with")


def _field(name: str, value: str | int | None, comment: str = "") -> str:
    text = f"  {name}: {written(value)}"
    return f"{text:<{_COMMENT_COLUMN}}  # {comment}" if comment else text
