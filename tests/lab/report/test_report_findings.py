"""Every kind of finding, where its data say so and not otherwise, with rows that show it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.lab.report.ticket_rows import LABELS, report_of, ticket, write_tickets
from tests.lab.results.result_tree import Row

from evalayer_lab.report import Document, Example, Finding, analyse
from evalayer_lab.results import read_results

LONG = "It is plain to see. " * 30


def found(document: Document, kind: str) -> list[Finding]:
    return [finding for finding in document.findings if finding.kind == kind]


def the(document: Document, kind: str) -> Finding:
    (finding,) = found(document, kind)
    return finding


def examples_of(document: Document, finding: Finding) -> list[Example]:
    by_id = {example.id: example for example in document.examples}
    return [by_id[name] for name in finding.examples]


def good(count: int, start: int = 1000, **options: Any) -> list[Row]:
    return [ticket(start + index, LABELS[index % 3], **options) for index in range(count)]


def test_a_run_without_a_fault_has_no_finding(tmp_path: Path) -> None:
    document = report_of(tmp_path / "run", good(60, confidence=0.98, metadata={"domain": "a"}))
    assert (document.findings, document.examples, document.next_step) == ((), (), None)
    assert document.correctness == "class.correct"


def test_overconfident_and_low_confidence_failures(tmp_path: Path) -> None:
    wrong = [(0.71, "a"), (0.99, "b"), (0.9, "c"), (0.95, "d"), (0.7, "e"), (0.2, "f"), (0.5, "g")]
    rows = [ticket(i, "access", "network", confidence=p, metadata={"name": name}) for i, (p, name) in enumerate(wrong)]
    document = report_of(tmp_path / "run", [*rows, *good(20, confidence=0.9), *good(3, 2000, confidence=0.6)])
    sure, unsure = the(document, "overconfident failures"), the(document, "low-confidence failures")
    assert (sure.rows, sure.sentence) == (4, "4 of 7 wrong answers have a confidence above 0.7.")
    assert [example.metadata["name"] for example in examples_of(document, sure)] == ["b", "d", "c"]
    assert [example.confidence for example in examples_of(document, sure)] == pytest.approx([0.99, 0.95, 0.9])
    assert unsure.sentence == ("3 of 7 wrong answers have a confidence of at most 0.7, and so do 3 of 23 correct ones.")
    assert [example.metadata["name"] for example in examples_of(document, unsure)] == ["f", "g", "e"]
    assert unsure.next_step.startswith("No gate can promise at most 5% errors")
    first = examples_of(document, sure)[0]
    assert (first.correct, first.gold_label, first.predicted_label) == (False, "access", "network")
    assert first.why == sure.sentence


def test_a_gate_is_the_next_step_where_there_is_one(tmp_path: Path) -> None:
    rows = [*good(95, confidence=0.9), *[ticket(i, "access", "network", confidence=0.3) for i in range(5)]]
    document = report_of(tmp_path / "run", rows)
    assert the(document, "low-confidence failures").next_step == (
        "Send answers with a confidence of 0.3 or less to a person: 95 of 100 pass, with at most 5% errors at 95% "
        "confidence."
    )
    assert not found(document, "overconfident failures")


def test_confidence_that_misleads_is_found_with_a_remedy_that_helps(tmp_path: Path) -> None:
    rows = [ticket(i, "access", "network" if i % 5 < 2 else None, confidence=0.9 + i % 3 / 50) for i in range(100)]
    document = report_of(tmp_path / "run", rows)
    calibration, described = the(document, "calibration"), document.confidence
    assert described is not None
    assert calibration.sentence == "Confidence is 0.320 above accuracy on average."
    best = min(described.recalibrations, key=lambda each: each.log_loss or 9)
    error = described.expected_calibration_error.value
    assert best.calibration_error is not None
    assert error is not None
    assert best.calibration_error < error
    assert f"from {error:.3f} to {best.calibration_error:.3f}" in calibration.next_step
    calibrated = [ticket(i, "access", "network" if i % 10 == 0 else "access", confidence=0.9) for i in range(200)]
    assert not found(report_of(tmp_path / "calibrated", calibrated), "calibration")


FORMS: dict[str, tuple[dict[str, Any], str]] = {
    "cut off": ({"answer": '{"class": "acc'}, "max_new_tokens"),
    "empty": ({"answer": ""}, "stop sequence"),
    "not JSON": ({"answer": "I cannot say."}, "JSON alone"),
    "not an object": ({"answer": '["access"]'}, "object that is expected"),
    "schema: minLength": ({"predicted": "network", "violation": "minLength"}, "State this rule"),
    "schema: enum": ({"answer": "", "violation": "enum"}, ""),  # what is no JSON object is counted as that
    "too long": ({"predicted": "network", "thought": LONG}, "Ask for a length"),
}


def test_answers_that_are_wrong_in_form(tmp_path: Path) -> None:
    bad = [
        ticket(10 * number + index, "access", **options, metadata={"form": name})
        for number, (name, (options, _)) in enumerate(FORMS.items())
        for index in range(2 if options.get("violation") != "enum" else 1)
    ]
    document = report_of(tmp_path / "run", [*bad, *good(87)])
    counts = dict.fromkeys(FORMS, 2) | {"empty": 3}
    del counts["schema: enum"]
    findings = {finding.sentence: finding for finding in found(document, "form")}
    assert set(findings) == {f"{n} of 100 answers are wrong in form ({name})." for name, n in counts.items()}
    for name, n in counts.items():
        finding = findings[f"{n} of 100 answers are wrong in form ({name})."]
        assert FORMS[name][1] in finding.next_step
        seen = {example.metadata["form"] for example in examples_of(document, finding)}
        assert seen == ({"empty", "schema: enum"} if name == "empty" else {name})
    assert sorted(each.rows for each in document.error_kinds) == sorted(counts.values())


def test_too_short_an_answer(tmp_path: Path) -> None:
    bad = [ticket(index, "access", "network", thought="") for index in range(2)]
    document = report_of(tmp_path / "run", [*bad, *good(60, thought=LONG)])
    assert the(document, "form").sentence == "2 of 62 answers are wrong in form (too short)."


def test_right_answers_of_any_form_and_rare_forms_are_no_finding(tmp_path: Path) -> None:
    rows = [*good(150), *good(2, 3000, thought=LONG), ticket(0, "access", answer="")]
    assert not found(report_of(tmp_path / "run", rows), "form")


def test_usual_lengths_are_those_of_correct_answers(tmp_path: Path) -> None:
    """Rows without a verdict are long here, and must not make long answers usual."""
    unscored = [ticket(5000 + index, None, thought=LONG) for index in range(60)]
    wrong = [ticket(index, "access", "network", thought=LONG) for index in range(3)]
    document = report_of(tmp_path / "run", [*unscored, *wrong, *good(30)])
    assert [(each.kind, each.rows, each.share.n, each.share.n_unscored) for each in document.error_kinds] == [
        ("too long", 3, 33, 60)
    ]


def test_a_threshold_near_1_is_not_called_1(tmp_path: Path) -> None:
    rows = [*good(95, confidence=0.9999999), *[ticket(i, "access", "network", confidence=0.5) for i in range(2)]]
    sure = [ticket(90 + i, "access", "network", confidence=0.999999) for i in range(3)]
    document = report_of(tmp_path / "run", [*rows, *sure])
    assert document.confidence is not None
    assert document.confidence.gate.sentence.startswith("95 of 100 rows are above a confidence of 0.999999, 0")
    step = the(document, "low-confidence failures").next_step
    assert step.startswith("Send answers with a confidence of 0.999999 or less to a person: 95 of 100 pass")


def test_hedging(tmp_path: Path) -> None:
    wrong = [
        ticket(i, "access", "network", thought="Perhaps it is plain to see." if i < 15 else "It is plain to see.")
        for i in range(20)
    ]
    document = report_of(tmp_path / "run", [*wrong, *good(40), *good(1, 3000, thought="Perhaps it is plain to see.")])
    finding, hedging = the(document, "hedging"), document.hedging
    assert hedging is not None
    assert (hedging.wrong.value, hedging.correct.value, hedging.commonest) == (15 / 20, 1 / 41, {"perhaps": 15})
    assert (finding.rows, len(finding.examples)) == (15, 3)
    assert finding.sentence == "75% of 20 wrong answers hedge, and 2.4% of 41 correct ones."
    assert all(example.correct is False for example in examples_of(document, finding))
    even = [*wrong, *good(60, thought="Perhaps it is plain to see.")]
    assert not found(report_of(tmp_path / "even", even), "hedging")


def test_a_weak_slice_and_its_worst_rows(tmp_path: Path) -> None:
    rows = [
        ticket(i, "access", "network" if i % 4 == 0 and i < 80 else None, metadata={"part": "ab"[i >= 80]})
        for i in range(400)
    ]
    document = report_of(tmp_path / "run", rows)
    finding = the(document, "weak slice")
    assert finding.sentence == "class.correct is 0.750 on the 80 rows with part = a, 0.950 on all."
    assert document.slices is not None
    said = "1 segment fails more than the rest, of 2 searched: it holds 100% of the errors on 20% of the rows."
    assert document.slices.sentence == said
    assert [(example.correct, example.metadata) for example in examples_of(document, finding)] == [
        (False, {"part": "a"})
    ] * 3
    parts = [{"part": "ab"[i % 8 > 3]} for i in range(100)]
    even = [ticket(i, "access", None if i % 4 else "network", metadata=part) for i, part in enumerate(parts)]
    assert not found(report_of(tmp_path / "even", even), "weak slice")


@pytest.mark.parametrize(("metric", "good_way"), [("grade", True), ("toxic", False)])
def test_the_worst_rows_are_those_of_the_metric_looked_into(tmp_path: Path, metric: str, good_way: bool) -> None:
    def score(i: int) -> float:
        bad = float(not good_way)
        return bad if i in {7, 11} else abs(bad - 0.3) if i < 60 and metric == "grade" else abs(bad - (i >= 60))

    rows = [
        ticket(i, "access", "network" if i > 200 else None, **{metric: score(i)}, metadata={"part": "ab"[i >= 60]})  # type: ignore[arg-type]
        for i in range(240)
    ]
    document = report_of(tmp_path / "run", rows, metric=metric)
    finding = the(document, "weak slice")
    assert finding.sentence.startswith(f"{metric} is ")
    assert {example.metadata["part"] for example in examples_of(document, finding)} == {"a"}
    if metric == "grade":
        wanted = {f"Ticket {i}: the prompt." for i in (7, 11)}
        with_texts = report_of(tmp_path / "texts", rows, metric=metric, texts=True)
        assert wanted < {example.prompt for example in examples_of(with_texts, the(with_texts, "weak slice"))}


def test_the_commonest_confusion_has_its_rows(tmp_path: Path) -> None:
    rows = [*good(50), *[ticket(i, "access", "network") for i in range(5)], ticket(6, "network", "access")]
    document = report_of(tmp_path / "run", rows)
    finding = the(document, "confusion")
    assert finding.sentence == "5 of 22 access rows are taken for network."
    assert {(each.gold_label, each.predicted_label) for each in examples_of(document, finding)} == {
        ("access", "network")
    }
    rare = [*good(250), *[ticket(i, "access", "network") for i in range(2)]]
    assert not found(report_of(tmp_path / "rare", rare), "confusion")


def test_unscored_rows(tmp_path: Path) -> None:
    rows = [*good(20), *[ticket(i, grade=None, metadata={"bare": "yes"}) for i in range(4)]]
    document = report_of(tmp_path / "run", rows, run={"unscored": {"grade": {"no text": 3, "too long": 1}}})
    finding = the(document, "unscored rows")
    assert finding.sentence == "grade could not score 4 of 24 rows."
    assert finding.next_step == "Look into the most common reason, on 3 rows: no text."
    assert [example.metadata for example in examples_of(document, finding)] == [{"bare": "yes"}] * 3


def test_failed_and_missing_rows_come_first(tmp_path: Path) -> None:
    rows = [*good(30), *[ticket(i, "access", "network") for i in range(8)]]
    counts = {"read": 41, "bad": 1, "failed": 3, "scored": 38}
    folder = write_tickets(tmp_path / "run", rows, run={"rows": counts, "failures": {"infer: Timeout": 3}})
    data = tmp_path / "data.jsonl"
    missing = [ticket(9000, "access"), ticket(9001, "access")]
    lines = [json.dumps({"query": row.prompt, "response": row.gold}) for row in [*rows, *missing]]
    data.write_text("".join(line + "\n" for line in lines))
    document = analyse(read_results(folder, dataset=data, cache=False))
    assert [(each.kind, each.rows) for each in document.findings[:2]] == [("failed rows", 3), ("missing rows", 2)]
    assert document.findings[0].sentence == "3 of 41 rows failed, most often with infer: Timeout."
    assert document.findings[1].sentence == "2 of 40 rows of the dataset have no result."
    assert (document.rows.expected, document.rows.read, document.join.missing) == (40, 41, 2)
    assert document.next_step == f"{document.findings[0].sentence} {document.findings[0].next_step}"
    without = analyse(read_results(folder, cache=False))
    assert [finding.kind for finding in without.findings[:2]] == ["failed rows", "confusion"]
    assert without.rows.expected == 42


def test_a_dataset_that_has_changed_is_not_taken_for_missing_rows(tmp_path: Path) -> None:
    rows = good(30)
    folder = write_tickets(tmp_path / "run", rows)
    data = tmp_path / "data.jsonl"
    lines = [json.dumps({"query": row.prompt, "response": row.gold}) + "\n" for row in rows]
    changed = [json.dumps({"query": "New?", "response": rows[0].gold}) + "\n"]
    for written, sentence in (
        (
            changed + lines[1:],
            "1 of 30 rows of the dataset has no result, and 1 of 30 rows of the run is not in the dataset.",
        ),
        (lines[2:], "2 of 30 rows of the run are not in the dataset."),
    ):
        data.write_text("".join(written))
        finding = the(analyse(read_results(folder, dataset=data, cache=False)), "missing rows")
        assert finding.sentence == sentence
        assert finding.next_step.startswith("The dataset has changed since the run, or is another")


def texts_in(document: Document, words: Sequence[str]) -> list[str]:
    written = document.model_dump_json()
    return [word for word in words if word in written]


def test_texts_are_there_only_when_asked_for(tmp_path: Path) -> None:
    words = ("Ticket 7:", "a secret thought", "a secret label that goes on and on")
    rows = [
        *good(40, confidence=0.9),
        ticket(7, "access", "network", thought="a secret thought", confidence=0.8),
        *[ticket(8, "access", "a secret label that goes on and on, " * 3, confidence=0.4)] * 2,
    ]
    assert texts_in(report_of(tmp_path / "bare", rows), words) == [words[2]]  # as much as fits a line
    assert "on, a secret label that goes on and on, " not in report_of(tmp_path / "cut", rows).model_dump_json()
    document = report_of(tmp_path / "texts", rows, texts=True)
    assert texts_in(document, words) == list(words)
    example = examples_of(document, the(document, "overconfident failures"))[0]
    assert example.prompt == "Ticket 7: the prompt."
    assert example.gold == '{"class": "access"}'
    assert example.answer == json.dumps({"class": "network", "thought": "a secret thought"})
    assert "".join(token.text for token in example.tokens) == example.answer
    label = [token for token in example.tokens if token.in_label]
    assert "".join(token.text for token in label) == "network"
    assert [token.probability for token in label] == pytest.approx([0.8**0.5] * 2)


def test_free_text_is_no_label(tmp_path: Path) -> None:
    rows = [
        Row(prompt=f"{i}", gold=f"a secret gold {i}", answer=f"a secret answer {i}", scores={"grade": float(i % 2)})
        for i in range(20)
    ]
    folder = write_tickets(tmp_path / "run", rows, run={"metrics": [{"name": "grade", "higher_is_better": True}]})
    results = read_results(folder, cache=False)
    document = analyse(results)
    assert results.field is None
    assert "secret" not in document.model_dump_json()
    assert document.correctness == "grade"
