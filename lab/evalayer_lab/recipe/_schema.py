"""A JSON Schema of recipes, for editors."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

from evalayer_lab.recipe._facts import TASKS, Kind, model_for


def recipe_schema() -> dict[str, Any]:
    """Return a JSON Schema (draft 2020-12) in which the task chooses what the rest of a recipe may be."""
    tasks: dict[Kind, list[str]] = {}
    for name, facts in TASKS.items():
        tasks.setdefault(facts.kind, []).append(name)
    kinds: tuple[Kind, ...] = (*tasks, "open_source", "unknown")
    models = list(dict.fromkeys(model_for(kind) for kind in kinds))
    references, schema = models_json_schema([(model, "validation") for model in models], title="Evaluation recipe")

    def branch(kind: Kind) -> Any:
        return references[model_for(kind), "validation"]

    other: Any = branch("unknown")
    for kind, names in tasks.items():
        task = {"properties": {"task": {"enum": names}}, "required": ["task"]}
        other = {
            "if": {"properties": {"evaluation": task}, "required": ["evaluation"]},
            "then": branch(kind),
            "else": other,
        }
    run = {"required": ["base_model_name"], "not": {"required": ["model_type"]}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": schema["title"],
        "type": "object",
        "if": {"properties": {"run": run}, "required": ["run"]},
        "then": branch("open_source"),
        "else": other,
        "$defs": _null_sections(schema["$defs"]),
    }


def _null_sections(definitions: dict[str, Any]) -> dict[str, Any]:
    """Let a section with defaults be empty, as the models do."""
    for definition in definitions.values():
        required = definition.get("required", [])
        for name, field in definition["properties"].items():
            if "$ref" in field and name not in required:
                reference = field.pop("$ref")
                field["anyOf"] = [{"$ref": reference}, {"type": "null"}]
    return definitions
