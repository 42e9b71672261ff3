"""A model for each kind of recipe."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from evalayer_lab.recipe._sections import (
    OR_EMPTY,
    Environment,
    Evaluation,
    GenQaEvaluation,
    Inference,
    OpenSourceInference,
    OpenSourceProcessor,
    OpenSourceRun,
    Output,
    Processor,
    Run,
    Section,
)


class _OfNova(Section):
    run: Run
    """What to evaluate, and where."""
    evaluation: Evaluation
    """Which evaluation."""
    inference: Annotated[Inference, OR_EMPTY] = Inference()
    """How the model answers."""


class Recipe(Section):
    """A `gen_qa` recipe: a dataset and, if wanted, metrics of one's own. Fields that evalayer does not know are kept.

    A section that is missing or empty has its defaults, except for `run` and `evaluation`.
    """

    run: Run
    """What to evaluate, and where."""
    evaluation: GenQaEvaluation
    """`gen_qa` by `gen_qa` with `all`."""
    inference: Annotated[Inference, OR_EMPTY] = Inference()
    """How the model answers."""
    processor: Annotated[Processor, OR_EMPTY] = Processor()
    """The Lambda function with metrics of one's own."""


class BenchmarkRecipe(_OfNova):
    """A recipe for a public benchmark, of text or of text and images."""


class JudgeRecipe(_OfNova):
    """A recipe in which the model judges pairs of answers: `llm_judge`, `rubric_llm_judge` or `mm_llm_judge`."""


class RewardRecipe(_OfNova):
    """A recipe in which a Lambda function gives rewards: `rft_eval`."""

    rl_env: Environment
    """The function that gives the rewards."""


class OpenSourceRecipe(Section):
    """A recipe for a model from JumpStart, with deterministic metrics."""

    run: OpenSourceRun
    """What to evaluate, and where."""
    evaluation: Evaluation
    """Which benchmark."""
    output: Annotated[Output, OR_EMPTY] = Output()
    """Where the results go."""
    inference: Annotated[OpenSourceInference, OR_EMPTY] = OpenSourceInference()
    """How the model answers."""
    processor: Annotated[OpenSourceProcessor, OR_EMPTY] = OpenSourceProcessor()
    """The Lambda function with metrics of one's own."""


class OtherRecipe(_OfNova):
    """A recipe with a task that evalayer does not know. It may have every section."""

    processor: Processor | None = None
    """A Lambda function."""
    rl_env: Environment | None = None
    """A function that gives rewards."""


AnyRecipe: TypeAlias = Recipe | BenchmarkRecipe | JudgeRecipe | RewardRecipe | OpenSourceRecipe | OtherRecipe
