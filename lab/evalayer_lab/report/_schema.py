"""The JSON Schema of a report."""

from __future__ import annotations

import inspect
import re
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from evalayer_lab.report._document import Document


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a report, every field with its description."""
    return Document.model_json_schema(mode="serialization", schema_generator=_WithDocstrings)


class _WithDocstrings(GenerateJsonSchema):
    """Describes the fields of the statistics' records by their docstrings."""

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        written = super().dataclass_schema(schema)
        summary, _, attributes = inspect.cleandoc(schema["cls"].__doc__ or "").partition("\n\nAttributes:\n")
        written["description"] = summary
        written["additionalProperties"] = False
        for name, text in re.findall(r"^    (\w+): ((?:.|\n     )*)", attributes, re.MULTILINE):
            said = " ".join(text.split()).replace("None", "null")
            written["properties"][name]["description"] = said[:1].upper() + said[1:]
        return written
