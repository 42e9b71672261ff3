"""The recipe of a `gen_qa` evaluation."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr
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
            "is no folder name: no slash, no leading dot, no control character, no space at either end",
        )
    if len(value.encode(errors="replace")) > _MAX_NAME_BYTES:
        raise PydanticCustomError("folder_name", "is too long for a folder name")
    return value


def _empty_if_none(value: Any) -> Any:
    """Read a section with nothing under it as a section of defaults."""
    return {} if value is None else value


_OR_EMPTY: Final = BeforeValidator(_empty_if_none)


class _Section(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True, frozen=True, allow_inf_nan=False, protected_namespaces=())


class Run(_Section):
    """What to evaluate, and where.

    Attributes:
        name: the name of the run, and of the folder of its results.
        model_type: the model family, such as `amazon.nova-2-lite-v1:0:256k`.
        model_name_or_path: the base model, or the S3 URI of a trained checkpoint.
        replicas: the number of compute instances.
        data_s3_path: the dataset of a HyperPod job; empty for a SageMaker training job.
        output_s3_path: where a HyperPod job writes; empty for a SageMaker training job.
    """

    name: Annotated[str, AfterValidator(_folder_name)]
    model_type: str = ""
    model_name_or_path: str = ""
    replicas: int = Field(default=1, ge=1)
    data_s3_path: str | None = None
    output_s3_path: str | None = None
    mlflow_tracking_uri: str | None = None
    mlflow_experiment_name: str | None = None
    mlflow_run_name: str | None = None


class Evaluation(_Section):
    """Which evaluation it is: `gen_qa`, by the strategy `gen_qa`, with all metrics."""

    task: str
    strategy: str = "gen_qa"
    metric: str = "all"
    subtask: str | None = None


class Inference(_Section):
    """How the model answers.

    Attributes:
        max_new_tokens: the longest answer; None leaves it to the model.
        top_k: sample from that many tokens; -1 for all.
        top_p: sample from the tokens that make up this share of the probability.
        temperature: 0 always takes the most probable token.
        top_logprobs: for how many tokens at each position log probabilities are kept, 0 to 20.
        reasoning_effort: None, `low` or `high`, for a model that reasons.
    """

    max_new_tokens: int | None = Field(default=None, ge=0)
    top_k: int = -1
    top_p: float = Field(default=1.0, ge=0, le=1)
    temperature: float = Field(default=0.0, ge=0)
    top_logprobs: int = Field(default=0, ge=0, le=20)
    reasoning_effort: str | None = None


class Preprocessing(_Section):
    """Whether the Lambda function is called before inference."""

    enabled: bool = False


class Postprocessing(_Section):
    """Whether the Lambda function is called after inference, for its metrics."""

    enabled: bool = True


class Processor(_Section):
    """The Lambda function with metrics of one's own.

    Attributes:
        lambda_arn: the function; empty for none. The local twin takes its handler from elsewhere.
        lambda_type: `custom_metrics` for a function that evalayer builds, or `rft`.
        aggregation: how the metrics of the rows are folded.
    """

    lambda_arn: str | None = None
    lambda_type: str | None = None
    preprocessing: Annotated[Preprocessing, _OR_EMPTY] = Preprocessing()
    postprocessing: Annotated[Postprocessing, _OR_EMPTY] = Postprocessing()
    aggregation: Aggregation = "average"
    preset_reward_function: str | None = None


class Recipe(_Section):
    """A `gen_qa` recipe. Fields that evalayer does not know are kept.

    A section that is missing or empty has its defaults, except for `run` and `evaluation`.
    """

    run: Run
    evaluation: Evaluation
    inference: Annotated[Inference, _OR_EMPTY] = Inference()
    processor: Annotated[Processor, _OR_EMPTY] = Processor()
    _warnings: list[str] = PrivateAttr(default_factory=list)

    @property
    def warnings(self) -> list[str]:
        """What works here and is doubtful on a real job, each as `path:line: field: reason`."""
        return self._warnings
