"""Runs that are odd but not broken: a report says what it can, without NaN and without a traceback."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tests.lab.report.output_folder import score_info, score_row, write_run
from tests.lab.report.ticket_rows import LABELS, report_of, ticket, write_tickets

from evalayer_lab.inputs import InputError
from evalayer_lab.report import Document, analyse, compare_runs, find_gate, render
from evalayer_lab.report.html import render_html
from evalayer_lab.results import read_results


def checked(document: Document) -> Document:
    """The document, after it went through every way to show it, and through JSON and back."""
    written = document.model_dump_json()
    assert not {"NaN", "Infinity"} & set(written.replace(":", " ").replace(",", " ").split())
    assert Document.model_validate_json(written) == document
    stream = io.StringIO()
    render(document, Console(file=stream, width=80))
    assert max(map(len, stream.getvalue().splitlines())) <= 80
    assert "<html" in render_html(document)
    return document


def of_folder(folder: Path, **options: Any) -> Document:
    return checked(analyse(read_results(folder, cache=False), **options))


def test_no_metric(tmp_path: Path) -> None:
    document = of_folder(write_run(tmp_path / "run", [{}] * 3, metrics=[]))
    assert (document.metrics, document.rows.scored, document.correctness) == ((), 3, None)
    assert document.notes[-1].startswith("No metric was reported")
    assert (document.confidence, document.findings, document.error_kinds) == (None, (), ())
    with pytest.raises(InputError, match="there is no metric 'm'; there are none"):
        analyse(read_results(tmp_path / "run", cache=False), metric="m")


def test_one_row(tmp_path: Path) -> None:
    document = checked(report_of(tmp_path / "run", [ticket(0, "access", "network", confidence=0.5, metadata={"a": 1})]))
    assert document.metrics[0].estimate.n == 1
    assert document.confidence is not None
    assert document.confidence.gate.threshold is None
    assert (document.confidence.recalibrations, document.confidence.auroc.value) == ((), None)
    results = read_results(tmp_path / "run", cache=False)
    alone = compare_runs(results, results)
    assert {each.verdict for each in alone.differences} == {"no evidence"}
    assert "too few rows" in {each.metric: each.sentence for each in alone.differences}["schema.valid"] or (
        alone.differences[0].difference.method == "bonett-price"
    )


@pytest.mark.parametrize("right", [True, False])
def test_all_right_and_all_wrong(tmp_path: Path, right: bool) -> None:
    rows = [
        ticket(i, LABELS[i % 3], None if right else LABELS[(i + 1) % 3], confidence=0.8, metadata={"half": i % 2})
        for i in range(60)
    ]
    document = checked(report_of(tmp_path / "run", rows))
    described = document.confidence
    assert described is not None
    assert (described.accuracy.value, described.auroc.value) == (float(right), None)
    assert described.recalibrations == ()
    assert (described.gate.threshold is None) != right
    assert sum(each.rows for each in document.error_kinds) == (0 if right else 60)
    assert document.slices is not None
    assert document.slices.found == ()
    assert [each.kind for each in document.findings] == ([] if right else ["overconfident failures"])


def test_metadata_of_thousands_of_values_and_of_none(tmp_path: Path) -> None:
    rows = [
        ticket(i, metadata={"id": f"id {i}", "always": "x", "part": f"p{i % 900}", "empty": ""} if i % 9 else None)
        for i in range(1800)
    ]
    document = checked(report_of(tmp_path / "run", rows))
    assert "These metadata keys have too many different values to be used as segments: id." in document.notes
    assert document.segments is not None
    assert document.segments.too_small >= 700
    assert len(document.segments.ranked) <= 100
    assert document.heat_map is None
    assert len(document.model_dump_json()) < 200_000


def test_no_metadata(tmp_path: Path) -> None:
    document = checked(report_of(tmp_path / "run", [ticket(i, confidence=0.9) for i in range(12)]))
    assert (document.segments, document.slices, document.heat_map) == (None, None, None)
    assert document.join.without_metadata == 12


@pytest.mark.parametrize("run", [None, {}])
def test_lower_is_better_says_where_wrong_is(tmp_path: Path, run: dict[str, Any] | None) -> None:
    """Of a metric of 0 and 1 where lower is better, 1 is wrong."""
    rows = [
        ticket(i, "access", toxic=float(i < 12), confidence=0.4 if i < 12 else 0.9, metadata={"half": "ab"[i >= 40]})
        for i in range(80)
    ]
    folder = write_tickets(tmp_path / "run", rows, run=run)
    if run == {}:
        with pytest.raises(InputError, match="'toxic' does not say whether higher or lower is better"):
            of_folder(folder, metric="toxic")
        return
    document = of_folder(folder, metric="toxic")
    assert document.correctness == "toxic"
    assert document.confidence is not None
    assert document.confidence.accuracy.value == 68 / 80
    assert document.confidence.auroc.value == 1
    assert [(each.kind, each.rows) for each in document.error_kinds] == [("wrong content", 12)]
    assert document.segments is not None
    assert (document.segments.metric, document.segments.higher_is_better) == ("toxic", False)
    weakest = document.segments.ranked[0]
    assert (weakest.conditions, weakest.estimate.value, weakest.stands_out) == ({"half": "a"}, 0.3, True)
    gate = find_gate(read_results(folder, cache=False), metric="toxic", max_risk=0.1).gate
    assert (gate.n_accepted, gate.n_errors) == (68, 0)


def test_a_graded_metric_leaves_right_and_wrong_to_another(tmp_path: Path) -> None:
    rows = [
        ticket(i, "access", "network" if i % 3 else None, grade=i % 5 / 5, metadata={"n": i % 2}) for i in range(60)
    ]
    document = checked(report_of(tmp_path / "run", rows, metric="grade"))
    assert document.segments is not None
    assert (document.segments.metric, document.correctness) == ("grade", "class.correct")
    graded = {"metrics": [score_info("always"), score_info("binary"), score_info("grade")]}
    mixed = [
        replace(row, scores=score_row("always", 1.0) | score_row("binary", i % 2) | score_row("grade", i / 60))
        for i, row in enumerate(rows)
    ]
    document = checked(report_of(tmp_path / "two", mixed, run=graded, metric="grade"))
    assert document.correctness == "binary"


@pytest.mark.parametrize("aggregation", ["min", "max", "sum"])
def test_other_aggregations(tmp_path: Path, aggregation: str) -> None:
    rows = [score_row("ok", float(i % 4 > 0)) for i in range(40)]
    if aggregation in {"min", "max"}:
        rows = [*rows, {"ok.unscored": 1.0}]
    metadata = ['{"part": "a"}'] * len(rows)
    folder = write_run(tmp_path / "run", rows, metrics=[score_info("ok")], metadata=metadata, aggregation=aggregation)
    document = of_folder(folder)
    (ok,) = document.metrics
    assert (ok.estimate.value, ok.estimate.n, ok.estimate.n_unscored) == (0.75, 40, len(rows) - 40)
    assert ok.reported == {"min": 0.0, "max": 1.0, "sum": 30.0}[aggregation]
    assert not [note for note in document.notes if "reports for" in note]
    assert document.error_kinds[0].rows == 10


def test_confidence_that_is_not_there_is_explained(tmp_path: Path) -> None:
    rows = [ticket(i, "access", "network" if i % 4 == 0 else None) for i in range(40)]
    document = checked(report_of(tmp_path / "bare", rows))
    assert document.no_confidence == (
        "The answers have no log probabilities; set inference.top_logprobs in the recipe, up to 20."
    )
    some = [
        ticket(i, "access", "network" if i % 4 == 0 else None, confidence=0.9 if i < 8 else None) for i in range(40)
    ]
    document = checked(report_of(tmp_path / "some", some))
    assert document.confidence is not None
    assert (document.confidence.n, document.confidence.missing) == (8, {"The row has no log probabilities.": 32})


HOSTILE = (
    "<script>alert(1)</script>",
    "[red]\x1b[2J",
    "a\u202eb",
    "'; DROP TABLE rows; --",
    "{0}%s",
    "x" * 300,
    "ü\n.",
)


def test_hostile_names(tmp_path: Path) -> None:
    names = [f"{text} {index}" for index, text in enumerate(HOSTILE)]
    rows = [{name: float(i % 3 > 0) for name in names} for i in range(60)]
    metadata = [json.dumps(dict.fromkeys(HOSTILE, HOSTILE[i % 2])) for i in range(60)]
    metrics = [score_info(name) for name in names]
    folder = write_run(
        tmp_path / "run", rows, metrics=metrics, metadata=metadata, task=HOSTILE[0], failures={HOSTILE[1]: 3}
    )
    document = of_folder(folder)
    assert {row.name for row in document.metrics} == set(names)
    assert document.segments is not None
    assert set(document.segments.ranked[0].conditions.values()) <= set(HOSTILE)
    page = render_html(document)
    assert "<script>alert(1)" not in page
    with pytest.raises(InputError, match="did you mean"):
        analyse(read_results(folder, cache=False), metric=names[3].replace("DROP", "DROPP"))


def test_huge_values(tmp_path: Path) -> None:
    rows = [score_row("huge", value) for value in (1.7e308, 1.7e308, 1.6e308)]
    document = of_folder(write_run(tmp_path / "run", rows, metrics=[score_info("huge")]))
    assert document.metrics[0].estimate.value == pytest.approx(5 / 3 * 1e308)
    assert [note for note in document.notes if "reports for" in note] == []
