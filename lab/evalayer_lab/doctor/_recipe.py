"""A recipe against the template and the task that it is meant for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evalayer_lab.doctor._imports import Imported
from evalayer_lab.doctor._report import listed, not_checked
from evalayer_lab.doctor._template import Resource
from evalayer_lab.inputs import Arn, Finding, Place
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


def check_recipe(path: Path, recipe: Recipe, candidates: Sequence[Candidate]) -> Iterator[Finding]:
    """Compare a recipe's function and aggregation with the template's functions and their tasks."""
    given = recipe.processor.lambda_arn
    place = Place(str(path), field="processor.lambda_arn")
    chosen = list(candidates)
    if given and any(candidate.function for candidate in candidates):
        arn = Arn.parse(given)
        fix = "copy the ARN from the outputs of `sam deploy`"
        if arn is None or (arn.service, arn.resource[0]) != ("lambda", "function"):
            reason = f"is {given!r}, which is not the ARN of a Lambda function"
            yield Finding("recipe-function", "error", place, reason, fix)
            return
        chosen = [one for one in candidates if one.function and _may_be_called(one.function, arn.name)]
        if not chosen:
            functions = [one.function for one in candidates if one.function]
            named = [one.text("FunctionName") or f"<generated for {one.name}>" for one in functions]
            reason = f"names the function {arn.name}, but the template defines: {listed(named)}"
            yield Finding("recipe-function", "error", place, reason, f"{fix}, or give the function that FunctionName")
            return
        alias = arn.qualifier
        if alias is not None and not any(_has_alias(one.function, alias) for one in chosen):
            reason = f"names the version or alias {alias}, which the template does not publish"
            fix = "name the alias of AutoPublishAlias, or the function alone"
            yield Finding("recipe-function", "warning", place, reason, fix)
    if len(chosen) == 1:
        yield from _aggregation(path, recipe, chosen[0])
    else:
        yield not_checked("the aggregation of the recipe", "it is not clear which function of the template is meant")


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


def _aggregation(path: Path, recipe: Recipe, candidate: Candidate) -> Iterator[Finding]:
    wanted = recipe.processor.aggregation
    place = Place(str(path), field="processor.aggregation")
    metrics = candidate.imported.corpus_metrics
    if wanted in {"min", "max"} and metrics:
        reason = f"is {wanted}, which cannot rebuild the corpus metrics {listed(metrics)} of {candidate.name}"
        yield Finding("recipe-corpus-metric", "error", place, reason, "write average or sum")
    elif wanted in {"min", "max"} and metrics is None:
        yield not_checked("corpus metrics with min and max", f"the task of {candidate.name} is not known")
    built_for, source = _read_aggregation(candidate)
    if built_for is None:
        reason = f"what {candidate.name} is built for cannot be known from the template"
        yield not_checked("the aggregation of the recipe", reason)
    elif built_for != wanted:
        reason = f"is {wanted}, but {candidate.name} is built for {built_for} ({source})"
        fix = f"set both to the same: `{_VARIABLE}: {wanted}` in the template, or `aggregation: {built_for}` here"
        yield Finding("recipe-aggregation", "error", place, reason, fix)


def _read_aggregation(candidate: Candidate) -> tuple[str | None, str]:
    """Read what a function is built for, and where that is written; None if it cannot be known."""
    given = candidate.function.variables.get(_VARIABLE) if candidate.function else None
    if given:
        return (given, f"{_VARIABLE} in the template") if isinstance(given, str) and "${" not in given else (None, "")
    return candidate.imported.aggregation, "build_lambda_handler in its code"
