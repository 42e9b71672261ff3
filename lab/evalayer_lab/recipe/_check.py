"""The linter: every rule on a recipe, and the changes that are safe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from os import PathLike, fspath
from pathlib import Path

from evalayer_lab.inputs import Finding, Severity, reading, writing
from evalayer_lab.inputs.yaml import Document, parse_document, read_document
from evalayer_lab.recipe._edit import apply
from evalayer_lab.recipe._facts import Kind
from evalayer_lab.recipe._models import AnyRecipe, Recipe
from evalayer_lab.recipe._rules_evaluation import check_evaluation, check_inference
from evalayer_lab.recipe._rules_fields import check_names, check_placeholders, validate
from evalayer_lab.recipe._rules_processor import check_processor
from evalayer_lab.recipe._rules_run import check_run
from evalayer_lab.recipe._subject import TRAINING_JOB, Circumstances, Remark, Subject, shown

_RULES = (check_run, check_evaluation, check_inference, check_processor)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Report:
    """What the linter says of one recipe.

    Attributes:
        path: the file.
        kind: the kind of recipe.
        recipe: its model, with every field that it does not know; None if a field is missing or of a wrong type.
        findings: what is wrong, in the order of the lines.
        fixed: what was wrong, with the lines as they were then.
        text: the recipe, after the changes.
    """

    path: str
    kind: Kind
    recipe: AnyRecipe | None
    findings: tuple[Finding, ...]
    fixed: tuple[Finding, ...]
    text: str

    def count(self, severity: Severity) -> int:
        """Count the findings of a severity."""
        return sum(finding.severity == severity for finding in self.findings)


def check_recipe(path: str | PathLike[str], circumstances: Circumstances = TRAINING_JOB) -> Report:
    """Check a recipe of any kind.

    Raises:
        InputError: the file cannot be read, or is not a mapping in plain YAML.
    """
    return check_document(read_document(fspath(path)), circumstances)


def check_text(text: str, circumstances: Circumstances = TRAINING_JOB, path: str = "recipe.yaml") -> Report:
    """Check the text of a recipe, as `check_recipe` does.

    Raises:
        InputError: it is not a mapping in plain YAML.
    """
    return check_document(parse_document(path, text), circumstances)


def check_document(document: Document, circumstances: Circumstances = TRAINING_JOB) -> Report:
    """Check a recipe that has been read, as `check_recipe` does."""
    return _examine(document, circumstances)[0]


def read_recipe(path: str | PathLike[str]) -> tuple[Recipe, Sequence[Finding]]:
    """Read a `gen_qa` recipe for the local twin: `check_recipe`, with the first error raised.

    Returns:
        The recipe, and what the linter warns of: the twin runs it, and a job may refuse it or do something else.

    Raises:
        InputError: the file cannot be read, is not plain YAML, is the recipe of another kind of evaluation, or has a
            field that cannot be used; with the line and the dotted name of the field.
    """
    document = read_document(fspath(path))
    evaluation = document.content.get("evaluation")
    task = evaluation.get("task", "gen_qa") if isinstance(evaluation, Mapping) else "gen_qa"
    if isinstance(task, str) and task != "gen_qa":
        raise document.error(
            ("evaluation", "task"), f"the local twin runs gen_qa recipes, and this one is {shown(task)}"
        )
    report = check_document(document, Circumstances(twin=True))
    for finding in report.findings:
        if finding.severity == "error":
            raise finding.as_error()
    if not isinstance(report.recipe, Recipe):
        raise document.error((), "this is not a gen_qa recipe, and the local twin runs no other kind")
    return report.recipe, report.findings


def fix_recipe(path: str | PathLike[str], circumstances: Circumstances = TRAINING_JOB) -> Report:
    """Check a recipe, make the changes that are safe, and write it back if there are any.

    Nothing but the fields named by the findings changes: comments, order, quotes, spaces and line ends stay.

    Raises:
        InputError: the file cannot be read or written, or is not a mapping in plain YAML.
    """
    report = _fixed(read_document(fspath(path)), circumstances)
    if report.fixed:
        file = Path(path)
        with reading(path):
            mark = _BYTE_ORDER_MARK if file.read_bytes().startswith(_BYTE_ORDER_MARK) else b""
        with writing(path):
            file.write_bytes(mark + report.text.encode())
    return report


def _fixed(document: Document, circumstances: Circumstances) -> Report:
    fixed: list[Finding] = []
    refused: set[Finding] = set()
    while True:
        report, remarks = _examine(document, circumstances)
        remark = next((one for one in remarks if one.edit and one.finding not in refused), None)
        if remark is None or remark.edit is None:
            return replace(report, fixed=tuple(fixed))
        after = apply(document, remark.edit)
        if after is None:
            refused.add(remark.finding)
        else:
            fixed.append(remark.finding)
            document = after


def _examine(document: Document, circumstances: Circumstances) -> tuple[Report, Sequence[Remark]]:
    """Apply every rule; the remarks are in the order of the lines."""
    subject = Subject(document, circumstances)
    recipe, failures = validate(subject)
    unusable = {remark.keys for remark in failures}
    remarks = list(chain.from_iterable(rule(subject) for rule in _RULES))
    # What a rule has explained is not explained again by the name of the field, nor an error by its type.
    covered = {remark.keys for remark in remarks}
    remarks += [one for one in check_names(subject) if one.keys not in covered]
    if circumstances.twin:
        remarks = [
            one if one.keys in unusable else replace(one, finding=replace(one.finding, severity="warning"))
            for one in remarks
        ]
    errors = {remark.keys for remark in remarks if remark.finding.severity == "error"}
    remarks += [one for one in failures if one.keys not in errors]
    if not circumstances.twin:
        remarks += check_placeholders(subject)
    remarks.sort(key=lambda remark: remark.finding.place.line or 1)
    findings = tuple(remark.finding for remark in remarks)
    return Report(document.path, subject.kind, recipe, findings, (), document.text), remarks
