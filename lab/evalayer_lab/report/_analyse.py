"""From the rows of a run to what a reader needs to know of it."""

from __future__ import annotations

from evalayer import __version__
from evalayer_lab.answers import ConfidenceKind
from evalayer_lab.report._document import Comparison, Document
from evalayer_lab.report._examples import with_examples
from evalayer_lab.report._question import Question
from evalayer_lab.report._sections import SECTIONS, explain
from evalayer_lab.report.sections.comparison import compare
from evalayer_lab.results import Results


def analyse(
    results: Results,
    *,
    metric: str | None = None,
    kind: ConfidenceKind = "joint",
    max_risk: float = 0.05,
    level: float = 0.95,
    texts: bool = False,
    other: Results | None = None,
    cluster: str | None = None,
    margin: float | None = None,
) -> Document:
    """Say what is true of a run, how sure that is, where it fails, and what to do.

    Args:
        results: the run.
        metric: the reported name to look into; by default a classification's, else the first that has a good way.
        kind: how a row's confidence is taken from the tokens of its label.
        max_risk: the error rate that the gate promises.
        level: confidence level of every interval.
        texts: whether the example rows hold their prompts, answers and golds.
        other: a run to compare with, on the same rows.
        cluster: a metadata key whose rows are not independent of each other, for the comparison.
        margin: differences within it count as equivalent.

    Raises:
        InputError: there is no such metric, or the other run has no row or no metric in common with this one.
    """
    question = Question(results, metric, kind, max_risk, level, texts, other, cluster, margin)
    parts = [section.analyse(question) for section in SECTIONS]
    found = sorted((each for part in parts for each in part.findings), key=lambda each: each.urgency)
    findings, examples = with_examples(question, found)
    document = Document(
        evalayer=__version__,
        **{name: value for part in parts for name, value in part.fields.items()},
        findings=findings,
        examples=examples,
        notes=tuple(note for part in parts for note in part.notes),
        next_step=None if not findings else f"{findings[0].sentence} {findings[0].next_step}",
    )
    return document.model_copy(update={"methods": explain(document)})


def compare_runs(
    this: Results,
    other: Results,
    *,
    metric: str | None = None,
    cluster: str | None = None,
    margin: float | None = None,
    level: float = 0.95,
) -> Comparison:
    """Compare a run with another one on the rows that both have, as `analyse` does with `other`.

    Raises:
        InputError: there is no such metric or metadata key, or the runs have no row or no metric in common.
    """
    return compare(Question(this, metric, level=level, cluster=cluster, margin=margin), other)
