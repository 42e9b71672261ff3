"""A recipe against the template and the task that it is meant for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evalayer_lab.doctor._imports import Imported
from evalayer_lab.doctor._report import Finding, Results, Skipped, error, listed, warning
from evalayer_lab.doctor._template import Resource, mapping
from evalayer_lab.inputs import Arn
from evalayer_lab.recipe import Recipe

_VARIABLE: Final = "EVALAYER_AGGREGATION"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A function that the recipe may mean: as the template has it, and as importing its handler showed it."""

    function: Resource | None
    name: str
    imported: Imported


def recipe_region(recipe: Recipe) -> str | None:
    """Return the region of the recipe's function."""
    arn = Arn.parse(recipe.processor.lambda_arn or "")
    return arn.region or None if arn else None


def check_recipe(path: Path, recipe: Recipe, candidates: Sequence[Candidate]) -> Results:
    """Compare a recipe's function and aggregation with the template's functions and their tasks."""
    given = recipe.processor.lambda_arn
    chosen = list(candidates)
    if given and any(candidate.function for candidate in candidates):
        arn = Arn.parse(given)
        if arn is None or (arn.service, arn.resource[0]) != ("lambda", "function"):
            yield error(
                "recipe-function",
                f"{path}: processor.lambda_arn",
                f"{given!r} is not the ARN of a Lambda function",
                "copy it from the outputs of `sam deploy`",
            )
            return
        chosen = [one for one in candidates if one.function and _may_be_called(one.function, arn.name)]
        if not chosen:
            yield _unknown_function(path, arn.name, candidates)
            return
        alias = arn.qualifier
        if alias is not None and not any(_has_alias(one.function, alias) for one in chosen):
            yield warning(
                "recipe-function",
                f"{path}: processor.lambda_arn",
                f"names the version or alias {alias}, which the template does not publish",
                "name the alias of AutoPublishAlias, or the function alone",
            )
    if len(chosen) == 1:
        yield from _aggregation(path, recipe, chosen[0])
    else:
        yield Skipped("the aggregation of the recipe", "it is not clear which function of the template is meant")


def _unknown_function(path: Path, name: str, candidates: Sequence[Candidate]) -> Finding:
    names = [one.function.text("FunctionName") or f"<generated for {one.name}>" for one in candidates if one.function]
    return error(
        "recipe-function",
        f"{path}: processor.lambda_arn",
        f"names the function {name}, and the template makes: {listed(names)}",
        "copy the ARN from the outputs of `sam deploy`, or give the function that FunctionName",
    )


def _may_be_called(function: Resource, name: str) -> bool:
    if "FunctionName" not in function.properties:
        return _may_be(f"${{stack}}-{function.name}-${{random}}", name)
    pattern = function.text("FunctionName")
    return pattern is None or _may_be(pattern, name)


def _may_be(pattern: str, text: str) -> bool:
    """Whether a text with a `${…}` for each unknown part may be another text."""
    literal = [re.escape(part) for part in re.split(r"\$\{[^{}]*\}", pattern)]
    return re.fullmatch(".*".join(literal), text, re.DOTALL) is not None


def _has_alias(function: Resource | None, qualifier: str) -> bool:
    if function is None or "AutoPublishAlias" not in function.properties:
        return qualifier == "$LATEST" or function is None or function.type != "AWS::Serverless::Function"
    alias = function.text("AutoPublishAlias")
    return alias is None or _may_be(alias, qualifier) or qualifier.isdecimal()


def _aggregation(path: Path, recipe: Recipe, candidate: Candidate) -> Results:
    wanted = recipe.processor.aggregation
    subject = f"{path}: processor.aggregation"
    metrics = candidate.imported.corpus_metrics
    if wanted in {"min", "max"} and metrics:
        yield error(
            "recipe-corpus-metric",
            subject,
            f"is {wanted}, which loses the counters of the corpus metrics {listed(list(metrics))} of {candidate.name}",
            "write average or sum",
        )
    elif wanted in {"min", "max"} and metrics is None:
        yield Skipped("corpus metrics under min and max", f"the task of {candidate.name} is not known")
    variables = mapping(mapping(candidate.function.properties if candidate.function else {}).get("Environment"))
    built_for, where = _built_for(mapping(variables.get("Variables")), candidate)
    if built_for is None:
        yield Skipped(
            "the aggregation of the recipe", f"what {candidate.name} is built for cannot be known from the template"
        )
    elif built_for != wanted:
        yield error(
            "recipe-aggregation",
            subject,
            f"is {wanted}, and {candidate.name} is built for {built_for} ({where})",
            f"set both to the same: `{_VARIABLE}: {wanted}` in the template, or `aggregation: {built_for}` here",
        )


def _built_for(variables: Mapping[str, object], candidate: Candidate) -> tuple[str | None, str]:
    given = variables.get(_VARIABLE)
    if given:
        return (given, f"{_VARIABLE} in the template") if isinstance(given, str) and "${" not in given else (None, "")
    return candidate.imported.aggregation, "build_lambda_handler in its code"
