"""The CreateTrainingJob request, as the SageMaker Python SDK writes it for the same recipe.

tests/lab/aws/test_oracle_launch.py compares the two and names what differs on purpose.
"""

from __future__ import annotations

from typing import Any, Final

from evalayer_lab._errors import InputError
from evalayer_lab.aws.launch._recipe import NovaRecipe
from evalayer_lab.recipe import OtherRecipe, Recipe

DIGEST_TAG: Final = "evalayer:digest"
_RECIPE_IN_CONTAINER: Final = "/opt/ml/input/data/recipe/recipe.yaml"
_VOLUME_GB: Final = 30


def training_job(
    recipe: NovaRecipe,
    *,
    role: str,
    image: str,
    instance_type: str,
    recipe_uri: str,
    data_uri: str | None,
    output: str,
    max_seconds: int,
) -> dict[str, Any]:
    """Write the request of a recipe, still without the job's name and tags.

    Args:
        recipe: the recipe, whose `replicas` is the instance count.
        role: the ARN of the job's role.
        image: the container's image.
        instance_type: the type of its instances.
        recipe_uri: the object of the recipe.
        data_uri: the object of the dataset; None for a benchmark.
        output: the S3 URI that the job writes below.
        max_seconds: after that many seconds AWS stops the job.

    Raises:
        InputError: the recipe names a model in a way that a job cannot be given.
    """
    channels = [_channel("recipe", recipe_uri)]
    channels[0]["InputMode"] = "File"
    if data_uri:
        channels.insert(0, _channel("train", data_uri))
    return {
        "TrainingJobName": "",
        "HyperParameters": _hyperparameters(recipe),
        "AlgorithmSpecification": {"TrainingInputMode": "File", "TrainingImage": image},
        "RoleArn": role,
        "InputDataConfig": channels,
        "OutputDataConfig": {"S3OutputPath": output, "CompressionType": "GZIP"},
        "ResourceConfig": {
            "InstanceType": instance_type,
            "InstanceCount": recipe.run.replicas,
            "VolumeSizeInGB": _VOLUME_GB,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": max_seconds},
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


def _channel(name: str, uri: str) -> dict[str, Any]:
    return {
        "ChannelName": name,
        "DataSource": {
            "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
        },
    }
