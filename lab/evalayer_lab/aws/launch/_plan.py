"""Everything about a job that is known before AWS is asked: its files, its request, its name."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, Final

from evalayer_lab.aws.launch._data import Dataset, examine_dataset
from evalayer_lab.aws.launch._facts import facts, image_uri, instance_type
from evalayer_lab.aws.launch._findings import finding
from evalayer_lab.aws.launch._recipe import CheckedRecipe, NovaRecipe, check_recipe, function_arn, parse_role
from evalayer_lab.inputs import Arn, Finding, InputError, S3Uri, reading
from evalayer_lab.recipe import OtherRecipe, Recipe

DIGEST_TAG: Final = "evalayer:digest"
_RECIPE_IN_CONTAINER: Final = "/opt/ml/input/data/recipe/recipe.yaml"
_VOLUME_GB: Final = 30
_JOB_NAME: Final = re.compile(r"[a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62}", re.ASCII)
_MAX_JOB_NAME: Final = 63
_NAME_DIGITS: Final = 12
_KEY_DIGITS: Final = 32


@dataclass(frozen=True, slots=True)
class Settings:
    """What a job is launched with.

    Attributes:
        recipe: the recipe.
        role: the ARN of the role that the job runs as.
        output: the S3 URI that the job writes below.
        region: the job's region.
        data: the dataset; None for a benchmark.
        name: the job's name; None derives it from the recipe's `run.name` and a digest of everything.
        instance_type: None takes the model's usual one.
        instances: the instance count, written into the recipe; None takes the recipe's `replicas`.
        image: the container's image; None takes the region's.
        function: the name or ARN of the Lambda function, written into the recipe; None takes the recipe's.
        inputs: the S3 URI below which recipe and dataset are put; None puts them below `output`.
        max_hours: after that many hours AWS stops the job.
    """

    recipe: Path
    role: str
    output: str
    region: str
    data: Path | None = None
    name: str | None = None
    instance_type: str | None = None
    instances: int | None = None
    image: str | None = None
    function: str | None = None
    inputs: str | None = None
    max_hours: float = 24.0


@dataclass(frozen=True, slots=True)
class Input:
    """A file that the job reads.

    Attributes:
        uri: where it goes; the same content goes to the same place.
        source: the file, or the content itself.
        size: its bytes.
        sha256: the digest of its content, in hexadecimal digits.
    """

    uri: S3Uri
    source: Path | bytes
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A job that can be launched.

    Attributes:
        settings: what it was planned from.
        role: the role that it runs as.
        recipe: the recipe.
        dataset: the rows; None for a benchmark.
        inputs: the files that it reads.
        output: the place that it writes below.
        request: what CreateTrainingJob is asked.
        digest: of recipe, dataset and request, apart from the name: 64 hexadecimal digits.
        findings: what was found so far.
    """

    settings: Settings
    role: Arn
    recipe: CheckedRecipe
    dataset: Dataset | None
    inputs: tuple[Input, ...]
    output: S3Uri
    request: Mapping[str, Any]
    digest: str
    findings: tuple[Finding, ...]

    @property
    def job(self) -> str:
        """The job's name."""
        return str(self.request["TrainingJobName"])


def make_plan(settings: Settings) -> Plan | tuple[Finding, ...]:
    """Read and check recipe and dataset, and write the request. AWS is not asked.

    Returns:
        The plan; where the recipe is too broken to plan a job, only what was found.

    Raises:
        InputError: a file or an option cannot be used, or the image or instance type is not known.
    """
    role = parse_role(settings.role)
    output = S3Uri.parse(settings.output, "--output")
    place = S3Uri.parse(settings.inputs, "--inputs") if settings.inputs else output / "evalayer-inputs"
    if settings.name is not None and not _JOB_NAME.fullmatch(settings.name):
        raise InputError(
            f"is {settings.name!r}; a job's name has at most 63 letters, digits and hyphens, none at an end",
            field="--name",
        )
    function = function_arn(settings.function, role, settings.region) if settings.function else None
    recipe = check_recipe(settings.recipe, function, settings.instances)
    # Before the rows are checked: a file that changes after that is not uploaded.
    content = _content(settings.data) if settings.data else None
    dataset = examine_dataset(settings.data, recipe.kind)
    findings = (*recipe.findings, *(dataset.findings if dataset else ()))
    if recipe.recipe is None:
        return findings
    image = settings.image or image_uri(settings.region)
    chosen = settings.instance_type or instance_type(recipe.recipe.run.model_type)
    inputs = [_recipe_input(recipe, place)]
    if dataset and content:
        inputs.append(_data_input(dataset, place, *content))
    request = _request(settings, recipe.recipe, image, chosen, inputs, output)
    digest = sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
    request["TrainingJobName"] = settings.name or _job_name(recipe.recipe.run.name, digest)
    request["Tags"] = [{"Key": DIGEST_TAG, "Value": digest}]
    findings += tuple(_instance_type(chosen, recipe.recipe))
    return Plan(settings, role, recipe, dataset, tuple(inputs), output, request, digest, findings)


def _request(
    settings: Settings, recipe: NovaRecipe, image: str, chosen: str, inputs: Sequence[Input], output: S3Uri
) -> dict[str, Any]:
    """What CreateTrainingJob is asked, still without the job's name and tags."""
    recipe_input, *data_input = inputs
    return {
        "TrainingJobName": "",
        "HyperParameters": _hyperparameters(recipe),
        "AlgorithmSpecification": {"TrainingInputMode": "File", "TrainingImage": image},
        "RoleArn": settings.role,
        "InputDataConfig": [
            *(_channel("train", one) for one in data_input),
            {**_channel("recipe", recipe_input), "InputMode": "File"},
        ],
        "OutputDataConfig": {"S3OutputPath": str(output), "CompressionType": "GZIP"},
        "ResourceConfig": {
            "InstanceType": chosen,
            "InstanceCount": recipe.run.replicas,
            "VolumeSizeInGB": _VOLUME_GB,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": round(settings.max_hours * 3600)},
    }


def _hyperparameters(recipe: NovaRecipe) -> dict[str, str]:
    model, hyperparameters = recipe.run.model_name_or_path, {}
    if model.startswith("s3://"):
        hyperparameters["base_model_location"] = model
    elif model.startswith("arn:"):
        raise InputError("names a model package; give the S3 URI of its checkpoint", field="run.model_name_or_path")
    elif model:
        hyperparameters["base_model"] = model
    processor = recipe.processor if isinstance(recipe, Recipe | OtherRecipe) else None
    if processor and processor.lambda_arn:
        hyperparameters["eval_lambda_arn"] = processor.lambda_arn
    reward = (recipe.run.model_extra or {}).get("reward_lambda_arn")
    if isinstance(reward, str) and reward:
        hyperparameters["reward_lambda_arn"] = reward
    hyperparameters["sagemaker_recipe_local_path"] = _RECIPE_IN_CONTAINER
    return hyperparameters


def _channel(name: str, one: Input) -> dict[str, Any]:
    return {
        "ChannelName": name,
        "DataSource": {
            "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": str(one.uri),
                "S3DataDistributionType": "FullyReplicated",
            }
        },
    }


def _instance_type(chosen: str, recipe: NovaRecipe) -> list[Finding]:
    model = facts().models.get(recipe.run.model_type)
    if model is None or chosen in model.instance_types:
        return []
    known = ", ".join(model.instance_types)
    reason = f"{chosen} is not among those known for {recipe.run.model_type}: {known}"
    return [finding("instance-type", "warning", reason)]


def _recipe_input(recipe: CheckedRecipe, place: S3Uri) -> Input:
    content = recipe.text.encode()
    digest = sha256(content).hexdigest()
    return Input(place / digest[:_KEY_DIGITS] / "recipe.yaml", content, len(content), digest)


def _data_input(dataset: Dataset, place: S3Uri, digest: str, size: int) -> Input:
    return Input(place / digest[:_KEY_DIGITS] / dataset.file_name, dataset.path, size, digest)


def _content(path: Path) -> tuple[str, int]:
    """The digest of a file and its size."""
    with reading(path), path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest(), file.tell()


def _job_name(run_name: str, digest: str) -> str:
    """Derive a name that the same job gets again.

    >>> _job_name("support tickets, 2", "0123456789abcdef")
    'support-tickets-2-0123456789ab'
    """
    slug = re.sub(r"[^a-zA-Z0-9]+", "-", run_name).strip("-")[: _MAX_JOB_NAME - _NAME_DIGITS - 1].rstrip("-")
    return f"{slug or 'evaluation'}-{digest[:_NAME_DIGITS]}"
