"""The sections of a recipe, as pydantic models. Fields that they do not know are kept."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from evalayer import Aggregation

_MAX_NAME_BYTES: Final = 200


def _folder_name(value: str) -> str:
    """Check that a run can be written into a folder of this name, on any system."""
    if not value.strip():
        raise PydanticCustomError("folder_name", "is blank")
    if value != value.strip() or not value.isprintable() or value.startswith(".") or set(value) & set("/\\"):
        raise PydanticCustomError(
            "folder_name",
            "cannot name a folder: no slash, no leading dot, no control character, no space at either end",
        )
    if len(value.encode(errors="replace")) > _MAX_NAME_BYTES:
        raise PydanticCustomError("folder_name", "is too long for a folder name")
    return value


def _empty_if_none(value: Any) -> Any:
    """Read a section with nothing under it as a section of defaults."""
    return {} if value is None else value


OR_EMPTY: Final = BeforeValidator(_empty_if_none)


class Section(BaseModel):
    """A mapping of the recipe. What it does not know is in `model_extra`."""

    model_config = ConfigDict(
        extra="allow",
        strict=True,
        frozen=True,
        allow_inf_nan=False,
        protected_namespaces=(),
        use_attribute_docstrings=True,
    )


class OpenSourceRun(Section):
    """What to evaluate, and where, for a model from JumpStart."""

    name: Annotated[str, AfterValidator(_folder_name)]
    """The name of the run, and of the folder of its results."""
    base_model_name: str | None = None
    """The model's id in JumpStart."""
    model_name_or_path: str | None = ""
    """The S3 URI or the local path of a checkpoint."""
    replicas: int = Field(default=1, ge=1)
    """The number of compute instances."""
    data_s3_path: str | None = None
    """The dataset of a HyperPod job; empty for a SageMaker training job, which reads the channel train."""


class Run(Section):
    """What to evaluate, and where."""

    name: Annotated[str, AfterValidator(_folder_name)]
    """The name of the run, and of the folder of its results."""
    model_type: str = ""
    """The model family, such as `amazon.nova-2-lite-v1:0:256k`. It has to fit `model_name_or_path`."""
    model_name_or_path: str = ""
    """The base model, such as `nova-lite-2/prod`, or the S3 URI of a trained checkpoint."""
    replicas: int = Field(default=1, ge=1)
    """The number of compute instances, 1 to 16. An instance count given at launch wins."""
    data_s3_path: str | None = None
    """The dataset of a HyperPod job; `""` for a SageMaker training job, which reads the channel train."""
    output_s3_path: str | None = None
    """Where a HyperPod job writes; empty for a SageMaker training job."""
    mlflow_tracking_uri: str | None = None
    """The MLflow server that the job reports to."""
    mlflow_experiment_name: str | None = None
    """The experiment there."""
    mlflow_run_name: str | None = None
    """The run there."""


class Evaluation(Section):
    """Which evaluation it is. The task decides which strategy and metric can be meant."""

    task: str = Field(examples=["mmlu", "llm_judge", "rft_eval"])
    """The benchmark, or the kind of judging or scoring."""
    strategy: str = ""
    """How the model is asked: `zs_cot`, `fs_cot`, `zs`, `fs`, `judge`, `rft_eval` or `gen_qa`."""
    metric: str = ""
    """What is computed: `accuracy`, `exact_match`, `deflection`, `pass@1` or `all`."""
    subtask: str | None = None
    """One part of a benchmark that has parts; empty for all."""


class GenQaEvaluation(Evaluation):
    """An evaluation on questions and answers of one's own."""

    task: str = Field(examples=["gen_qa"])
    """`gen_qa`."""
    strategy: str = "gen_qa"
    """`gen_qa`."""
    metric: str = "all"
    """`all`."""


class Inference(Section):
    """How the model answers."""

    max_new_tokens: int | None = Field(default=None, ge=0)
    """The longest answer; null leaves it to the model. A pairwise judge has no such field."""
    top_k: int = -1
    """Sample from that many tokens; -1 for all."""
    top_p: float = Field(default=1.0, ge=0, le=1)
    """Sample from the tokens that make up this share of the probability."""
    temperature: float = Field(default=0.0, ge=0)
    """0 always takes the most probable token."""
    top_logprobs: int = Field(default=0, ge=0, le=20)
    """For how many tokens at each position log probabilities are kept; 0 for none."""
    reasoning_effort: str | None = None
    """null, `low` or `high`, for a model that reasons."""


class OpenSourceInference(Inference):
    """How a model from JumpStart answers."""

    max_model_len: int | None = Field(default=None, ge=1)
    """The longest prompt and answer together, in tokens."""


class Preprocessing(Section):
    """Whether the Lambda function is called before inference."""

    enabled: bool = False
    """The function rewrites each row."""


class Postprocessing(Section):
    """Whether the Lambda function is called after inference, for its metrics."""

    enabled: bool = True
    """The function scores each answer."""


class _Function(Section):
    lambda_arn: str | None = None
    """The function; empty for none. The local twin takes its handler from elsewhere."""
    lambda_type: str | None = Field(default=None, examples=["custom_metrics", "rft"])
    """The contract it speaks: `custom_metrics` for one row at a time, or `rft`."""
    preprocessing: Annotated[Preprocessing, OR_EMPTY] = Preprocessing()
    """Before inference."""
    postprocessing: Annotated[Postprocessing, OR_EMPTY] = Postprocessing()
    """After inference."""


class Processor(_Function):
    """The Lambda function with metrics of one's own."""

    aggregation: Aggregation = "average"
    """How the metrics of the rows are aggregated, all in the same way."""
    preset_reward_function: str | None = None
    """A built-in reward function, such as `prime_math`; empty for none."""


class OpenSourceProcessor(_Function):
    """The Lambda function of an evaluation of a model from JumpStart."""

    aggregation: str | None = Field(default=None, examples=["average", "median", "max", "min", "sum"])
    """How the metrics of the rows are aggregated; here the median as well."""
    preset_reward_function: str | None = None
    """A built-in reward function; empty for none."""


class Environment(Section):
    """What gives the rewards of an `rft_eval`."""

    reward_lambda_arn: str
    """The Lambda function that turns conversations into rewards."""


class Output(Section):
    """Where the results of an open-source evaluation go."""

    eval_results_dir: str | None = None
    """The folder of the results."""
    eval_tensorboard_results_dir: str | None = None
    """The folder of the TensorBoard events."""
    kms_key_id: str | None = None
    """The key that encrypts them."""
    mlflow_tracking_uri: str | None = None
    """The MLflow server that the job reports to."""
    mlflow_experiment_name: str | None = None
    """The experiment there."""
    mlflow_run_name: str | None = None
    """The run there."""
    mlflow_run_id: str | None = None
    """The id of a run that goes on."""
