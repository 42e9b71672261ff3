"""The recipe as it is uploaded: checked, with the function and the instance count that were given at launch."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from evalayer_lab.aws.launch._findings import finding
from evalayer_lab.inputs import Arn, Finding, InputError
from evalayer_lab.inputs.yaml import Document, Keys, read_document
from evalayer_lab.recipe import (
    AnyRecipe,
    BenchmarkRecipe,
    Circumstances,
    Insert,
    JudgeRecipe,
    OpenSourceRecipe,
    OtherRecipe,
    Recipe,
    RewardRecipe,
    SetValue,
    apply,
    check_document,
)

NovaRecipe = Recipe | BenchmarkRecipe | JudgeRecipe | RewardRecipe | OtherRecipe

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


def parse_role(text: str) -> Arn:
    """Read the ARN of the job's role.

    Raises:
        InputError: it is not the ARN of a role.
    """
    arn = Arn.parse(text)
    if arn is None or not arn.is_role:
        raise InputError(f"is {text!r}; it must be arn:aws:iam::ACCOUNT:role/NAME", field="--role")
    return arn


def parse_function(text: str) -> Arn | None:
    """Read the ARN of a function; None if it is not one."""
    arn = Arn.parse(text)
    return arn if arn is not None and arn.is_function else None


def function_arn(given: str, role: Arn, region: str) -> str:
    """Make an ARN of a function's name, which is in the role's account.

    Raises:
        InputError: it is neither a name nor an ARN.
    """
    if _NAME.fullmatch(given):
        return f"arn:{role.partition}:lambda:{region}:{role.account}:function:{given}"
    if parse_function(given) is None:
        raise InputError(
            f"is {given!r}; it must be a function's name, or arn:aws:lambda:REGION:ACCOUNT:function:NAME",
            field="--function",
        )
    return given


@dataclass(frozen=True, slots=True)
class CheckedRecipe:
    """A recipe, ready to be uploaded.

    Attributes:
        text: its text.
        kind: its kind.
        recipe: its model; None if it has an error that leaves none.
        findings: what the linter says.
    """

    text: str
    kind: str
    recipe: NovaRecipe | None
    findings: tuple[Finding, ...]

    @property
    def function(self) -> Arn | None:
        """The function that the job calls."""
        arn = function_place(self.recipe)[1] if self.recipe else None
        return parse_function(arn) if arn else None


def function_place(recipe: AnyRecipe) -> tuple[Keys | None, str | None]:
    """Return the field that names the recipe's function, and what it says."""
    if isinstance(recipe, RewardRecipe):
        return ("rl_env", "reward_lambda_arn"), recipe.rl_env.reward_lambda_arn
    if isinstance(recipe, OtherRecipe) and recipe.rl_env:
        return ("rl_env", "reward_lambda_arn"), recipe.rl_env.reward_lambda_arn
    if isinstance(recipe, Recipe | OtherRecipe) and recipe.processor:
        return ("processor", "lambda_arn"), recipe.processor.lambda_arn
    return None, None


def check_recipe(path: Path, function: str | None, instances: int | None) -> CheckedRecipe:
    """Read a recipe, write the function and the instance count into it if they are given, and check it.

    The linter's errors are errors here, and so is a placeholder that was never filled in.

    Args:
        path: the recipe.
        function: the function's ARN.
        instances: the instance count.

    Raises:
        InputError: it cannot be read, is not for a Nova model, or cannot be changed in place.
    """
    document = read_document(str(path))
    circumstances = Circumstances(instances=instances)
    if instances is not None:
        document = _with(document, ("run", "replicas"), instances, "--instances")
    report = check_document(document, circumstances)
    if function is not None:
        place = function_place(report.recipe)[0] if report.recipe else ("processor", "lambda_arn")
        if place is None:
            raise InputError("this kind of evaluation calls no function; leave --function out", path=path)
        report = check_document(_with(document, place, function, "--function"), circumstances)
    if isinstance(report.recipe, OpenSourceRecipe):
        raise InputError("is a recipe for a model from JumpStart; launch starts only jobs of Nova models", path=path)
    findings = [replace(one, severity="error") if one.code == "placeholder" else one for one in report.findings]
    if not any(one.severity == "error" for one in findings):
        findings.insert(0, finding("recipe", "ok", f"{path} is a {report.kind} recipe without an error"))
    return CheckedRecipe(report.text, report.kind, report.recipe, tuple(findings))


def _with(document: Document, place: Keys, value: str | int, option: str) -> Document:
    after = apply(document, SetValue(place, value) if place in document.spans else Insert(place, value))
    if after is None:
        field = ".".join(map(str, place))
        reason = f"{option} cannot be written into this recipe; write {field} in it, on a line of its own"
        raise InputError(reason, path=document.path)
    return after
