"""The data behind a launch."""

from __future__ import annotations

import json
from importlib.resources import files

import boto3
import pytest
from pydantic import ValidationError

from evalayer_lab.aws.launch import Facts, facts, image_uri, instance_type
from evalayer_lab.recipe import MODELS


def test_every_entry_has_a_source() -> None:
    document = json.loads(files("evalayer_lab.aws.launch").joinpath("facts.json").read_text())
    entries = [document["image"], *document["regions"].values(), *document["models"].values()]
    assert len(entries) > 8
    for entry in entries:
        assert entry["source"]
        with pytest.raises(ValidationError):
            Facts.model_validate_json(json.dumps(document).replace(json.dumps(entry["source"]), '""'))


def test_every_model_with_recipes_has_an_instance_type() -> None:
    assert set(facts().models) == {model.type for model in MODELS.values()}


def test_the_instance_types_exist() -> None:
    shape = boto3.client("sagemaker", region_name="us-east-1").meta.service_model.shape_for("TrainingInstanceType")
    known = set(shape.enum)  # type: ignore[attr-defined]  # a string's shape has one
    for model in facts().models.values():
        assert set(model.instance_types) <= known
        assert len(set(model.instance_types)) == len(model.instance_types)


def test_the_image() -> None:
    repository = "nova-evaluation-repo:SM-TJ-Eval-V2-latest"
    assert image_uri("us-east-1") == f"708977205387.dkr.ecr.us-east-1.amazonaws.com/{repository}"
    assert instance_type("amazon.nova-micro-v1:0:128k") == "ml.g5.12xlarge"
