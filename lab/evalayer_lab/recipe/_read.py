"""Reading a recipe: errors for what cannot run, warnings for what a real job would do differently."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from os import PathLike, fspath
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from evalayer_lab.inputs.yaml import Document, Keys, read_document
from evalayer_lab.recipe._models import Recipe


def read_recipe(path: str | PathLike[str]) -> Recipe:
    """Read and check the recipe of a `gen_qa` evaluation.

    Raises:
        InputError: the file cannot be read, is not plain YAML, is the recipe of another kind of evaluation, or has a
            field that cannot be used; with the line and the dotted name of the field.
    """
    document = read_document(fspath(path))
    _require_gen_qa(document)
    try:
        recipe = Recipe.model_validate(document.content)
    except ValidationError as error:
        details = error.errors(include_url=False)[0]
        raise document.error(details["loc"], reason_of(details)) from error
    recipe.warnings.extend(str(document.error(place, reason)) for place, reason in _doubts(document, recipe))
    return recipe


def _require_gen_qa(document: Document) -> None:
    evaluation = document.content.get("evaluation")
    task = evaluation.get("task") if isinstance(evaluation, Mapping) else None
    if isinstance(task, str) and task != "gen_qa":
        raise document.error(("evaluation", "task"), f"the twin runs gen_qa recipes; this one is {shown(task)}")


def reason_of(details: ErrorDetails) -> str:
    """Say what a field is and what it should be."""
    kind, value, message = details["type"], details["input"], details["msg"]
    if kind == "missing":
        return "is missing"
    if kind == "model_type":
        return f"is {shown(value)}, should be a mapping"
    if kind == "folder_name":
        return message
    return f"is {shown(value)}, {message.removeprefix('Input ')}"


def _doubts(document: Document, recipe: Recipe) -> Iterator[tuple[Keys, str]]:
    yield from unknown_fields(document.content, Recipe)
    if not recipe.run.model_type or not recipe.run.model_name_or_path:
        missing = "model_name_or_path" if recipe.run.model_type else "model_type"
        yield ("run", missing), "is missing or empty; a real job needs it"
    if "data_s3_path" not in recipe.run.model_fields_set:
        yield ("run", "data_s3_path"), 'is missing; a real job needs the key, with "" for a SageMaker training job'
    elif recipe.run.data_s3_path:
        yield ("run", "data_s3_path"), "must be empty for a SageMaker training job, which reads the channel train"
    if recipe.evaluation.strategy != "gen_qa":
        yield ("evaluation", "strategy"), f"is {shown(recipe.evaluation.strategy)}; a gen_qa evaluation has gen_qa"
    if "processor" in recipe.model_fields_set and recipe.processor.lambda_type != "custom_metrics":
        given = recipe.processor.lambda_type
        is_now = "is missing" if given is None else f"is {shown(given)}"
        yield ("processor", "lambda_type"), f"{is_now}; write custom_metrics, or a real job may send rft events"


def unknown_fields(content: object, model: type[BaseModel], place: Keys = ()) -> Iterator[tuple[Keys, str]]:
    """Name every field that a model does not know, with the nearest one that it does."""
    if not isinstance(content, Mapping):
        return
    known = model.model_fields
    for name, value in content.items():
        if name not in known:
            near = get_close_matches(name, known, n=1) if len(name) < 40 else []
            yield (*place, name), "is unknown and has no effect here" + (f"; did you mean {near[0]}?" if near else "")
        elif section := section_of(known[name].annotation):
            yield from unknown_fields(value, section, (*place, name))


def section_of(annotation: object) -> type[BaseModel] | None:
    """Return the model of a field that is a section."""
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def shown(value: object) -> str:
    """A value, fit for one line of a terminal."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no integer of more than 4,300 digits; a hexadecimal one can be read
        return "a number too long to write"
    return text if len(text) <= 60 else f"{text[:59]}…"
