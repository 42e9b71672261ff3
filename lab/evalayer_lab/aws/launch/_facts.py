"""The container's image by region, and the instance types by model: `facts.json`, with a source for each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from evalayer_lab.inputs import InputError

_InstanceType = Annotated[str, Field(pattern=r"^ml\.[a-z0-9]+\.[0-9]*x?large$")]
_Source = Annotated[str, Field(min_length=10)]


class _Fact(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    source: _Source


class Image(_Fact):
    """The container's image, the same in every region."""

    repository: str
    tag: str


class Region(_Fact):
    """A region in which the image is published."""

    account: str = Field(pattern=r"^[0-9]{12}$")


class Model(_Fact):
    """A model's instance types."""

    instance_type: _InstanceType
    others: tuple[_InstanceType, ...] = Field(strict=False)

    @property
    def instance_types(self) -> tuple[str, ...]:
        """Every known instance type, the usual one first."""
        return (self.instance_type, *self.others)


class Facts(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    image: Image
    regions: Mapping[str, Region]
    models: Mapping[str, Model]


@cache
def facts() -> Facts:
    """Read the file."""
    return Facts.model_validate_json(files("evalayer_lab.aws.launch").joinpath("facts.json").read_bytes())


def image_uri(region: str) -> str:
    """Return the image of the evaluation container.

    Raises:
        InputError: it is not known for the region.
    """
    known = facts()
    if region not in known.regions:
        regions = ", ".join(sorted(known.regions))
        raise InputError(f"the container's image is not known for {region}, only for {regions}; give --image URI")
    account = known.regions[region].account
    return f"{account}.dkr.ecr.{region}.amazonaws.com/{known.image.repository}:{known.image.tag}"


def instance_type(model_type: str) -> str:
    """Return the usual instance type of a model.

    Raises:
        InputError: the model is not known.
    """
    known = facts().models
    if model_type not in known:
        raise InputError(
            f"the instance type is not known for {model_type or 'a missing model_type'}, only for {', '.join(known)}; "
            "give --instance-type, and --image if the model has a container of its own",
            field="run.model_type",
        )
    return known[model_type].instance_type
