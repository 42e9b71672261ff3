"""A moto server on which the real `sam deploy` creates the template's resources: python moto_server.py PORT.

moto takes a SAM template and reports success, but expands nothing. Here SAM's own translator expands it, as
CloudFormation does, and the properties of a function that moto drops are kept.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

import moto.cloudformation.models
from moto.awslambda.models import LambdaFunction, LayerVersion
from moto.cloudformation.parsing import ResourceMap
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from samtranslator.translator.transform import transform


class _NoManagedPolicies:
    def load(self) -> dict[str, str]:
        return {}


def _expand(template: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
    if "Transform" not in template:
        return template
    expanded: dict[str, Any] = transform(template, parameters, _NoManagedPolicies())
    return expanded


class ExpandingResourceMap(ResourceMap):
    """Resources of a stack whose template is expanded before it is read."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        parameters = args[2] if len(args) > 2 else kwargs["parameters"]
        super().__init__(*args, **{**kwargs, "template": _expand(kwargs["template"], parameters)})

    def create(self, template: dict[str, Any]) -> bool:
        return super().create(_expand(template, self.input_parameters))

    def update(self, template: dict[str, Any], parameters: dict[str, Any] | None = None) -> None:
        super().update(_expand(template, parameters or self.input_parameters), parameters)


class CompleteFunction(LambdaFunction):
    """A function that keeps its architecture, its layers of other accounts, and its log group."""

    @classmethod
    def create_from_cloudformation_json(cls, *args: Any, **kwargs: Any) -> LambdaFunction:
        function = super().create_from_cloudformation_json(*args, **kwargs)
        return _completed(function, args[1]["Properties"])

    @classmethod
    def update_from_cloudformation_json(cls, *args: Any, **kwargs: Any) -> LambdaFunction:
        properties = args[2]["Properties"]
        without_layers = {key: value for key, value in properties.items() if key != "Layers"}
        changed = (*args[:2], {**args[2], "Properties": without_layers}, *args[3:])
        return _completed(super().update_from_cloudformation_json(*changed, **kwargs), properties)


def _completed(function: LambdaFunction, properties: dict[str, Any]) -> LambdaFunction:
    function.architectures = properties["Architectures"]
    function.layers = [{"Arn": arn, "CodeSize": 0} for arn in properties["Layers"]]
    function.tracing_config = properties["TracingConfig"]
    function.logs_group_name = properties["LoggingConfig"]["LogGroup"]
    return function
