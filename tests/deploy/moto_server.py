"""A moto server on which the real `sam deploy` creates the template's resources: python moto_server.py PORT.

moto takes a SAM template and reports success, but expands nothing. Here SAM's own translator expands it, as
CloudFormation does, a function keeps the properties that moto drops, and AWS::NoValue leaves a list.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, cast

import moto.cloudformation.models
import moto.cloudformation.parsing
from moto.awslambda.models import LambdaFunction, LayerVersion
from moto.cloudformation.parsing import ResourceMap
from moto.logs.models import LogGroup
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from samtranslator.translator.transform import transform  # type: ignore[import-untyped]

CREATE = LambdaFunction.create_from_cloudformation_json
UPDATE = LambdaFunction.update_from_cloudformation_json
CLEAN = moto.cloudformation.parsing.clean_json


class _NoManagedPolicies:
    def load(self) -> dict[str, str]:
        return {}


def _expand(template: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
    if "Transform" not in template:
        return template
    return cast("dict[str, Any]", transform(template, parameters, _NoManagedPolicies()))


class ExpandingResourceMap(ResourceMap):
    """The resources of a stack, of a template that is expanded before it is read."""

    def __init__(self, stack_id: str, stack_name: str, parameters: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        kwargs["template"] = _expand(kwargs["template"], parameters)
        super().__init__(stack_id, stack_name, parameters, *args, **kwargs)

    def create(self, template: dict[str, Any]) -> bool:
        return super().create(_expand(template, self.input_parameters))

    def update(self, template: dict[str, Any], parameters: dict[str, Any] | None = None) -> None:
        super().update(_expand(template, parameters or self.input_parameters), parameters)

    def build_resource_diff(
        self, other_template: dict[str, Any], parameters: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        known = {name: str(value) for name, value in self.resolved_parameters.items()}
        changed = {name: value for name, value in (parameters or {}).items() if str(value) != known.get(name)}
        diff = super().build_resource_diff(other_template, changed)
        absent = [name for name in other_template["Resources"] if name not in self._parsed_resources]
        modified = [name for name in diff["Modify"] if name in self._parsed_resources]
        return {**diff, "Add": absent, "Modify": modified}


def _update_log_group(original_resource: LogGroup, cloudformation_json: dict[str, Any], **_: Any) -> LogGroup:
    original_resource.set_retention_policy(cloudformation_json["Properties"]["RetentionInDays"])
    return original_resource


def _create_function(name: str, resource: dict[str, Any], *args: Any, **kwargs: Any) -> LambdaFunction:
    return _completed(CREATE(name, resource, *args, **kwargs), resource["Properties"])


def _update_function(
    original_resource: LambdaFunction, cloudformation_json: dict[str, Any], **kwargs: Any
) -> LambdaFunction:
    properties = cloudformation_json["Properties"]
    known = {key: value for key, value in properties.items() if key != "Layers"}
    resource = {**cloudformation_json, "Properties": known}
    return _completed(UPDATE(original_resource=original_resource, cloudformation_json=resource, **kwargs), properties)


def _completed(function: LambdaFunction, properties: dict[str, Any]) -> LambdaFunction:
    function.architectures = properties["Architectures"]
    function.layers = [{"Arn": arn, "CodeSize": 0} for arn in properties["Layers"]]
    function.tracing_config = properties["TracingConfig"]
    function.logs_group_name = properties["LoggingConfig"]["LogGroup"]
    function.reserved_concurrency = properties.get("ReservedConcurrentExecutions")
    return function


def _clean_json(value: Any, resources: ResourceMap) -> Any:
    cleaned = CLEAN(value, resources)
    return [item for item in cleaned if item is not None] if isinstance(cleaned, list) else cleaned


def _replace(owner: object, name: str, value: Callable[..., Any] | property | type) -> None:
    setattr(owner, name, value)


def main() -> None:
    """Serve until standard input ends, as it does when the test that started this is gone."""
    _replace(moto.cloudformation.parsing, "clean_json", _clean_json)
    _replace(moto.cloudformation.models, "ResourceMap", ExpandingResourceMap)
    _replace(LambdaFunction, "create_from_cloudformation_json", _create_function)
    _replace(LambdaFunction, "update_from_cloudformation_json", _update_function)
    _replace(LogGroup, "update_from_cloudformation_json", _update_log_group)
    _replace(LayerVersion, "physical_resource_id", property(lambda layer: layer.arn))
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=int(sys.argv[1]), verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    print(port, flush=True)
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main()
