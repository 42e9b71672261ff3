"""The linter: every rule on a recipe, and the changes that are safe."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from os import PathLike, fspath
from pathlib import Path

from evalayer_lab.inputs import InputError
from evalayer_lab.inputs.yaml import Document, parse_document, read_document
from evalayer_lab.recipe._edit import apply
from evalayer_lab.recipe._facts import Kind
from evalayer_lab.recipe._finding import Finding
from evalayer_lab.recipe._models import AnyRecipe
from evalayer_lab.recipe._rules_evaluation import (
    check_evaluation,
    check_inference,
    check_placeholders,
    check_spelling,
    check_unknown,
    validate,
)
from evalayer_lab.recipe._rules_processor import check_processor
from evalayer_lab.recipe._rules_run import check_run
from evalayer_lab.recipe._subject import TRAINING_JOB, Circumstances, Subject

_RULES = (check_spelling, check_run, check_evaluation, check_inference, check_processor, check_placeholders)


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
    findings: tuple[tuple[int, Finding], ...]
    fixed: tuple[tuple[int, Finding], ...]
    text: str

    def message(self, line: int, finding: Finding) -> str:
        """Write a finding as `path:line: field: reason [code]`."""
        reason = f"{finding.reason} [{finding.code}]"
        return str(InputError(reason, path=self.path, line=line, field=finding.field or None))

    def count(self, severity: str) -> int:
        """Count the findings of a severity."""
        return sum(finding.severity == severity for _, finding in self.findings)


def check_recipe(path: str | PathLike[str], circumstances: Circumstances = TRAINING_JOB) -> Report:
    """Check a recipe of any kind.

    Raises:
        InputError: the file cannot be read, or is not a mapping in plain YAML.
    """
    return _examined(read_document(fspath(path)), circumstances, ())


def check_text(text: str, circumstances: Circumstances = TRAINING_JOB, path: str = "recipe.yaml") -> Report:
    """Check the text of a recipe, as `check_recipe` does.

    Raises:
        InputError: it is not a mapping in plain YAML.
    """
    return _examined(parse_document(path, text), circumstances, ())


def check_document(document: Document, circumstances: Circumstances = TRAINING_JOB) -> Report:
    """Check a recipe that has been read, as `check_recipe` does."""
    return _examined(document, circumstances, ())


def fix_recipe(path: str | PathLike[str], circumstances: Circumstances = TRAINING_JOB) -> Report:
    """Check a recipe, make the changes that are safe, and write it back if there are any.

    Nothing but the fields named by the findings changes: comments, order, quotes, spaces and line ends stay.

    Raises:
        InputError: the file cannot be read or written, or is not a mapping in plain YAML.
    """
    report = _fixed(read_document(fspath(path)), circumstances)
    if report.fixed:
        file = Path(path)
        try:
            mark = b"\xef\xbb\xbf" if file.read_bytes().startswith(b"\xef\xbb\xbf") else b""
            file.write_bytes(mark + report.text.encode())
        except OSError as failure:
            raise InputError(f"cannot be written: {failure.strerror}", path=path) from failure
    return report


def _fixed(document: Document, circumstances: Circumstances) -> Report:
    fixed: list[tuple[int, Finding]] = []
    refused: set[Finding] = set()
    while True:
        report = _examined(document, circumstances, fixed)
        line, finding = next(((at, one) for at, one in report.findings if one.edit and one not in refused), (0, None))
        if finding is None or finding.edit is None:
            return report
        after = apply(document, finding.edit)
        if after is None:
            refused.add(finding)
        else:
            fixed.append((line, finding))
            document = after


def _examined(document: Document, circumstances: Circumstances, fixed: Iterable[tuple[int, Finding]]) -> Report:
    subject = Subject(document, circumstances)
    findings = list(chain.from_iterable(rule(subject) for rule in _RULES))
    recipe, failures = validate(subject)
    # What a rule has explained is not explained again by the type of the field or by its name.
    covered = {finding.place for finding in findings if finding.code != "placeholder"}
    findings += [one for one in (*failures, *check_unknown(subject)) if one.place not in covered]
    placed = [(document.error(one.place, one.reason).line or 1, one) for one in findings]
    placed.sort(key=lambda pair: pair[0])
    return Report(document.path, subject.kind, recipe, tuple(placed), tuple(fixed), document.text)
