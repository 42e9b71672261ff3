"""What the container knows: kinds, tasks and models.

From the Nova developer guide (nova-model-evaluation) and the evaluation recipes of aws/sagemaker-hyperpod-recipes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from evalayer_lab.recipe._models import (
    AnyRecipe,
    BenchmarkRecipe,
    JudgeRecipe,
    OpenSourceRecipe,
    OtherRecipe,
    Recipe,
    RewardRecipe,
)

Kind: TypeAlias = Literal[
    "gen_qa",
    "text_benchmark",
    "multimodal_benchmark",
    "llm_judge",
    "rubric_llm_judge",
    "mm_llm_judge",
    "rft_eval",
    "open_source",
    "unknown",
]


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """What belongs to a task.

    Attributes:
        kind: the kind of recipe.
        strategy: the strategy of the task.
        metric: its metric.
        models: the short names of the models with a recipe for it.
        has_subtasks: whether one part of it can be asked for.
    """

    kind: Kind
    strategy: str
    metric: str
    models: tuple[str, ...]
    has_subtasks: bool = False


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What belongs to a Nova model.

    Attributes:
        type: its `model_type`.
        path: the base model's `model_name_or_path`.
        max_new_tokens: the default of its recipes.
        most_new_tokens: the upper end of the range in its recipe template.
        reasons: whether it has a `reasoning_effort`.
    """

    type: str
    path: str
    max_new_tokens: int
    most_new_tokens: int
    reasons: bool = False


_ALL: Final = ("micro", "lite", "pro", "lite-2")
_SEEING: Final = ("lite", "pro", "lite-2")
_FIRST: Final = ("micro", "lite", "pro")

MODELS: Final[Mapping[str, ModelFacts]] = {
    "micro": ModelFacts("amazon.nova-micro-v1:0:128k", "nova-micro/prod", 8196, 100_000),
    "lite": ModelFacts("amazon.nova-lite-v1:0:300k", "nova-lite/prod", 8196, 100_000),
    "pro": ModelFacts("amazon.nova-pro-v1:0:300k", "nova-pro/prod", 8196, 100_000),
    "lite-2": ModelFacts("amazon.nova-2-lite-v1:0:256k", "nova-lite-2/prod", 32_768, 32_768, reasons=True),
}

TASKS: Final[Mapping[str, TaskFacts]] = {
    "gen_qa": TaskFacts("gen_qa", "gen_qa", "all", _ALL),
    "mmlu": TaskFacts("text_benchmark", "zs_cot", "accuracy", _ALL, has_subtasks=True),
    "mmlu_pro": TaskFacts("text_benchmark", "zs_cot", "accuracy", _ALL),
    "bbh": TaskFacts("text_benchmark", "fs_cot", "accuracy", _ALL, has_subtasks=True),
    "gpqa": TaskFacts("text_benchmark", "zs_cot", "accuracy", _ALL),
    "math": TaskFacts("text_benchmark", "zs_cot", "exact_match", _ALL, has_subtasks=True),
    "strong_reject": TaskFacts("text_benchmark", "zs", "deflection", _ALL, has_subtasks=True),
    "ifeval": TaskFacts("text_benchmark", "zs", "accuracy", _ALL),
    "aime_2024": TaskFacts("text_benchmark", "zs_cot", "exact_match", _ALL),
    "calendar_scheduling": TaskFacts("text_benchmark", "fs", "exact_match", _ALL),
    "humaneval": TaskFacts("text_benchmark", "zs", "pass@1", _ALL),
    "mmmu": TaskFacts("multimodal_benchmark", "zs_cot", "accuracy", _SEEING, has_subtasks=True),
    "llm_judge": TaskFacts("llm_judge", "judge", "all", _FIRST),
    "mm_llm_judge": TaskFacts("mm_llm_judge", "judge", "all", ("lite", "pro")),
    "rubric_llm_judge": TaskFacts("rubric_llm_judge", "judge", "all", ("lite-2",)),
    "rft_eval": TaskFacts("rft_eval", "rft_eval", "all", _ALL),
}
STRATEGIES: Final = frozenset(task.strategy for task in TASKS.values())
METRICS: Final = frozenset(task.metric for task in TASKS.values())

_CLASSES: Final[Mapping[Kind, type[AnyRecipe]]] = {
    "gen_qa": Recipe,
    "text_benchmark": BenchmarkRecipe,
    "multimodal_benchmark": BenchmarkRecipe,
    "llm_judge": JudgeRecipe,
    "rubric_llm_judge": JudgeRecipe,
    "mm_llm_judge": JudgeRecipe,
    "rft_eval": RewardRecipe,
    "open_source": OpenSourceRecipe,
    "unknown": OtherRecipe,
}


def kind_of(content: Mapping[str, object]) -> Kind:
    """Tell the kind of a recipe: by what only an open-source one has, or else by its task."""
    run, evaluation = content.get("run"), content.get("evaluation")
    if isinstance(run, Mapping) and "base_model_name" in run and "model_type" not in run:
        return "open_source"
    task = evaluation.get("task") if isinstance(evaluation, Mapping) else None
    facts = TASKS.get(task) if isinstance(task, str) else None
    return facts.kind if facts else "unknown"


def model_for(kind: Kind) -> type[AnyRecipe]:
    """Return the pydantic model of a kind of recipe."""
    return _CLASSES[kind]
