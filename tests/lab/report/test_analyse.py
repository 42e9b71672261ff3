from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tests.lab.report.output_folder import LABELS, class_info, class_row, score_info, score_row, write_run

from evalayer_lab.report import Document, analyse, render
from evalayer_lab.results import read_results
from evalayer_lab.statistics import mean_interval, wilson_interval

HARDWARE, VERSION = LABELS


def document_of(folder: Path) -> Document:
    return analyse(read_results(folder, cache=False))


def summary_of(folder: Path) -> dict[str, Any]:
    """The document as JSON, each metric with its estimate taken in."""
    document: dict[str, Any] = json.loads(document_of(folder).model_dump_json())
    document["metrics"] = [metric | metric.pop("estimate") for metric in document["metrics"]]
    return document


def shown(folder: Path, width: int = 80) -> str:
    stream = io.StringIO()
    render(document_of(folder), Console(file=stream, width=width))
    text = stream.getvalue()
    assert max(map(len, text.splitlines())) <= width
    assert "\x1b" not in text
    return text


def unspaced(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def a_run(folder: Path) -> Path:
    """Forty rows: the rows with priority low are mostly wrong, two have no class, three no grade."""
    pairs = [(HARDWARE, HARDWARE)] * 20 + [(VERSION, HARDWARE)] * 12 + [(VERSION, None)] * 3 + [(VERSION, VERSION)] * 3
    rows = [class_row(gold, predicted) for gold, predicted in [*pairs, (None, None), (None, HARDWARE)]]
    grades = [0.25, 0.5, 0.75, 1.0] * 9 + [0.5, None, None, None]
    rows = [row | score_row("grade", grade) for row, grade in zip(rows, grades, strict=True)]
    metadata = ['{"priority": "high"}'] * 20 + ['{"priority": "low"}'] * 18 + [None, "no JSON"]
    return write_run(
        folder,
        rows,
        metrics=[class_info(), score_info("grade", higher_is_better=False)],
        metadata=metadata,
        decoded={
            "class.accuracy": 23 / 38,
            "class.mcc": None,
            "class.f1.hardware": 0.8,
            "class.f1_macro": 0.65,
            "class.f1.v2%2E1 ü%25": 0.5,
        },
    )


def test_metrics_with_intervals_and_bounds(tmp_path: Path) -> None:
    correct, grade = summary_of(a_run(tmp_path / "run"))["metrics"]
    expected = wilson_interval(23, 38, n_unscored=2)
    assert (correct["name"], correct["metric"], correct["part"]) == ("class.correct", "class", "correct")
    assert (correct["value"], correct["low"], correct["high"]) == (expected.value, expected.low, expected.high)
    assert (correct["n"], correct["n_unscored"], correct["method"]) == (38, 2, "wilson")
    assert (correct["worst"], correct["best"]) == (23 / 40, 25 / 40)
    assert correct["reported"] == 23 / 40
    scores = [0.25, 0.5, 0.75, 1.0] * 9 + [0.5]
    assert (grade["value"], grade["low"]) == (mean_interval(scores).value, pytest.approx(mean_interval(scores).low))
    assert (grade["worst"], grade["best"]) == ((sum(scores) + 3) / 40, sum(scores) / 40)
    assert (grade["part"], grade["higher_is_better"], grade["n"]) == (None, False, 37)


def test_confusion_and_segments(tmp_path: Path) -> None:
    document = summary_of(a_run(tmp_path / "run"))
    (found,) = document["classifications"]
    assert [label["label"] for label in found["labels"]] == [HARDWARE, VERSION]
    assert found["confusion"] == [[20, 0, 0], [12, 3, 3]]
    assert found["figures"]["accuracy"]["value"] == 23 / 38
    segments = document["segments"]
    assert (segments["metric"], segments["n_ranked"]) == ("class.correct", 2)
    assert [
        (segment["conditions"], segment["estimate"]["value"], segment["rows"], segment["stands_out"])
        for segment in segments["ranked"]
    ] == [({"priority": "low"}, 3 / 18, 18, True), ({"priority": "high"}, 1.0, 20, False)]
    finding = next(finding for finding in document["findings"] if finding["kind"] == "weak slice")
    assert finding["sentence"] == "class.correct is 0.167 on the 18 rows with priority = low, 0.605 on all."


def test_metric_without_any_score_has_no_value(tmp_path: Path) -> None:
    rows = [score_row("grade", None)] * 4
    document = summary_of(write_run(tmp_path / "run", rows, metrics=[score_info("grade")], metadata=['{"a": "b"}'] * 4))
    (grade,) = document["metrics"]
    assert (grade["value"], grade["low"], grade["high"], grade["n"], grade["n_unscored"]) == (None, None, None, 0, 4)
    assert (grade["worst"], grade["best"]) == (0.0, 1.0)
    assert document["segments"] is None
    assert document["next_step"] == "grade could not score 4 of 4 rows. Find out why."
    assert document["unscored"] == {}


def test_the_commonest_reason_of_unscored_rows_is_named(tmp_path: Path) -> None:
    rows = [score_row("grade", None)] * 4
    folder = write_run(tmp_path / "run", rows, metrics=[score_info("grade")])
    run = json.loads((folder / "run.json").read_text())
    run["unscored"] = {"grade": {"no JSON": 3, "empty": 1}}
    (folder / "run.json").write_text(json.dumps(run))
    document = summary_of(folder)
    assert document["unscored"] == {"grade": {"no JSON": 3, "empty": 1}}
    assert document["next_step"] == (
        "grade could not score 4 of 4 rows. Look into the most common reason, on 3 rows: no JSON."
    )


@pytest.mark.parametrize(("values", "higher"), [([0.5, 3.0], True), ([-0.5, 0.5], True), ([0.5, 0.5], None)])
def test_no_bounds_where_they_are_not_known(tmp_path: Path, values: list[float], higher: bool | None) -> None:
    rows = [score_row("ratio", value) for value in (*values, None)]
    metrics = [score_info("ratio", higher_is_better=higher)]
    (ratio,) = summary_of(write_run(tmp_path / "run", rows, metrics=metrics))["metrics"]
    assert (ratio["worst"], ratio["best"], ratio["n_unscored"]) == (None, None, 1)


@pytest.mark.parametrize(("aggregation", "reported"), [("min", 0.25), ("max", 1.0), ("sum", 1.75)])
def test_other_folds_are_shown_as_reported(tmp_path: Path, aggregation: str, reported: float) -> None:
    rows = [{"grade": value, "grade.unscored": 0.0} for value in (0.25, 0.5, 1.0)] + [{"grade.unscored": 1.0}]
    folder = write_run(tmp_path / "run", rows, metrics=[score_info("grade")], aggregation=aggregation)
    document = summary_of(folder)
    (grade,) = document["metrics"]
    assert (grade["reported"], grade["n"], grade["n_unscored"]) == (reported, 3, 1)
    assert grade["value"] == pytest.approx(1.75 / 3)
    assert document["notes"] == []
    text = shown(folder)
    assert f"{aggregation}: the value that the job reports. Mean and interval are over the scored rows." in text
    lines = unspaced(text)
    assert lines[4] == f"metric mean 95% interval scored better {aggregation}"
    assert lines[6] == f"grade 0.583 0.000 to 1.000 3 higher {reported:.3f}"


def test_a_reported_value_that_the_rows_do_not_give_is_noted(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", [score_row("grade", 0.5), score_row("other", 1.0)], metrics=[])
    results = next(folder.rglob("results_*.json"))
    results.write_text(results.read_text().replace('"lambda_grade": 0.5', '"lambda_grade": 0.25'))
    assert summary_of(folder)["notes"] == ["The value that the job reports for grade is not the average of its rows."]
    results.write_text(results.read_text().replace('"lambda_other": 1.0', '"lambda_other": 0.0'))
    assert summary_of(folder)["notes"] == [
        "The value that the job reports for grade and 1 more is not the average of its rows."
    ]


def test_values_near_the_largest_double(tmp_path: Path) -> None:
    rows = [score_row("huge", 1.7e308), score_row("huge", 1.7e308), score_row("huge", -1.7e308)]
    for aggregation in ("average", "sum"):
        folder = write_run(tmp_path / aggregation, rows, metrics=[score_info("huge")], aggregation=aggregation)
        (huge,) = summary_of(folder)["metrics"]
        assert (huge["value"], huge["low"]) == (pytest.approx(1.7e308 / 3), None)
        assert "5.67e+307" in shown(folder)


def test_parts_are_grouped_and_counters_hidden(tmp_path: Path) -> None:
    text = shown(a_run(tmp_path / "run"))
    lines = unspaced(text)
    start = next(index for index, line in enumerate(lines) if line.startswith("metric mean 95% interval"))
    assert lines[start + 2 : start + 5] == [
        "class",
        "correct 0.605 0.447 to 0.744 38 higher",
        "grade 0.622 0.528 to 0.715 37 lower",
    ]
    start = lines.index("not scored on every row unscored worst case best case")
    assert lines[start + 2 : start + 4] == ["class.correct 2 0.575 0.625", "grade 3 0.650 0.575"]
    assert not any(line.startswith(("tp.", "fp.", "fn.", "unscored")) for line in lines)


def test_a_count_of_rows_of_one_kind_has_no_good_way(tmp_path: Path) -> None:
    parts = ("valid", "violation.type", "violation.enum")
    names = [*(f"schema.{part}" for part in parts), "schema.unscored"]
    scores = ([1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0])
    rows = [dict(zip(names, row, strict=True)) for row in scores]
    metrics = [{"name": "schema", "parts": list(parts), "corpus": False, "higher_is_better": True}]
    folder = write_run(tmp_path / "run", rows, metrics=metrics)
    valid, of_type, of_enum = summary_of(folder)["metrics"]
    assert (valid["higher_is_better"], valid["worst"], valid["best"]) == (True, 1 / 3, 2 / 3)
    assert (of_type["higher_is_better"], of_type["worst"], of_type["value"]) == (None, None, 0.5)
    assert (of_enum["part"], of_enum["value"]) == ("violation.enum", 0.0)
    lines = unspaced(shown(folder))
    assert "violation.type 0.500 0.095 to 0.905 2 -" in lines
    assert not any(line.startswith("violation.enum") for line in lines)


def test_what_is_rendered(tmp_path: Path) -> None:
    text = shown(a_run(tmp_path / "run"))
    lines = unspaced(text)
    assert lines[0] == "run"
    assert lines[1] == "task tickets, backend baseline, aggregation average"
    assert lines[2] == "40 rows read, 0 failed, 40 scored; 0 broken lines left out"
    assert any(line.startswith("accuracy 0.605 0.447 to 0.744") for line in lines)
    assert "hardware 20 32 0.625 1.000 0.769" in lines
    assert "v2.1 ü% 18 3 1.000 0.167 0.286" in lines
    assert "hardware 20 0 0" in lines
    assert "v2.1 ü% 12 3 3" in lines
    assert "priority = low 0.167 0.058 to 0.392 18 yes" in lines
    assert "all rows 0.605 0.447 to 0.744 38" in lines
    assert "Note: 1 row has metadata that is not a JSON object, and is in no segment." in " ".join(lines)
    assert "1. class could not score 2 of 40 rows. Find out why." not in lines
    assert "What to act on" in lines


def test_figures_say_over_how_many_rows(tmp_path: Path) -> None:
    """Unscored rows are in no figure of a classification, so these are not over all rows."""
    lines = unspaced(shown(a_run(tmp_path / "run")))
    assert any(line.startswith("class, over 38 rows") for line in lines)


def test_intervals_of_scores_from_0_to_1_stay_there(tmp_path: Path) -> None:
    """In segments, slices and the map of two keys, as in the table of metrics."""
    values = [0.1 if index % 40 == 0 else 1.0 for index in range(160)] + [0.0, 0.3] * 20
    metadata = [f'{{"a": "{index // 40}", "b": "{index % 2}"}}' for index in range(200)]
    rows = [score_row("grade", value) for value in values]
    document = document_of(write_run(tmp_path / "run", rows, metrics=[score_info("grade")], metadata=metadata))
    assert document.segments is not None
    assert document.heat_map is not None
    assert document.slices is not None
    cells = [cell for row in document.heat_map.cells for cell in row if cell is not None]
    ranked, slices = document.segments.ranked, document.slices.found
    found = [document.segments.whole, *(each.estimate for each in ranked), *(each.estimate for each in slices), *cells]
    assert slices
    assert max(estimate.high or 0.0 for estimate in found) == 1
    assert all((estimate.low or 0.0) >= 0 and (estimate.high or 0.0) <= 1 for estimate in found)


def test_no_segment_stands_out(tmp_path: Path) -> None:
    rows = [score_row("grade", float(index % 2)) for index in range(40)]
    metadata = [f'{{"half": "{index // 20}", "tiny": "{index // 8}"}}' for index in range(40)]
    folder = write_run(tmp_path / "run", rows, metrics=[score_info("grade")], metadata=metadata)
    document = summary_of(folder)
    assert not any(segment["stands_out"] for segment in document["segments"]["ranked"])
    assert (document["segments"]["n_ranked"], document["segments"]["too_small"]) == (2, 5)
    assert document["slices"]["found"] == []
    assert not [finding for finding in document["findings"] if finding["kind"] == "weak slice"]
    text = " ".join(shown(folder).split())
    assert "No segment stands out: chance explains the differences between the 2 ranked." in text
    assert text.count("stands out") == 2  # the column's name and the sentence


def test_segments_too_small_to_rank(tmp_path: Path) -> None:
    folder = write_run(
        tmp_path / "run", [score_row("grade", 1.0)] * 3, metrics=[score_info("grade")], metadata=['{"a": "b"}'] * 3
    )
    assert "No segment has 10 scored rows, so none is ranked." in shown(folder)


def test_a_failing_run_says_so_first(tmp_path: Path) -> None:
    folder = a_run(tmp_path / "run")
    path = folder / "run.json"
    run = json.loads(path.read_text())
    run["rows"] = {"read": 50, "bad": 4, "failed": 10, "scored": 40}
    run["failures"] = {"infer: Timeout": 3, "postprocess: InvalidEvent": 7}
    path.write_text(json.dumps(run))
    assert summary_of(folder)["next_step"] == (
        "10 of 50 rows failed, most often with postprocess: InvalidEvent. "
        "Fix these first, because no metric counts them."
    )
    text = shown(folder)
    assert "50 rows read, 10 failed, 40 scored; 4 broken lines left out" in text
    assert text.index("failed with postprocess: InvalidEvent: 7") < text.index("failed with infer: Timeout: 3")


@pytest.mark.parametrize(
    ("pairs", "sentence"),
    [
        ([(VERSION, HARDWARE)] * 2 + [(HARDWARE, None)], f"2 of 2 {VERSION} rows are taken for hardware."),
        ([(HARDWARE, None)] * 2, "2 of 2 hardware rows have an answer that names no label."),
        ([(HARDWARE, None), (VERSION, HARDWARE)], None),
        ([(HARDWARE, HARDWARE)], None),
    ],
)
def test_the_commonest_confusion(tmp_path: Path, pairs: list[tuple[str, str | None]], sentence: str | None) -> None:
    folder = write_run(tmp_path / "run", [class_row(*pair) for pair in pairs], metrics=[class_info()])
    found = [finding["sentence"] for finding in summary_of(folder)["findings"] if finding["kind"] == "confusion"]
    assert found == ([] if sentence is None else [sentence])


def test_confusions_of_two_classifications_say_whose_they_are(tmp_path: Path) -> None:
    def row(gold: str, predicted: str) -> dict[str, float]:
        one = class_row(gold, predicted)
        return one | {name.replace("class.", "kind."): value for name, value in one.items()}

    rows = [row("hardware", "v2.1 ü%")] * 3 + [row("hardware", "hardware")] * 5
    metrics = [class_info(), class_info() | {"name": "kind"}]
    found = document_of(write_run(tmp_path / "run", rows, metrics=metrics)).findings
    assert [each.sentence for each in found if each.kind == "confusion"] == [
        "3 of 8 hardware rows are taken for v2.1 ü% by class.",
        "3 of 8 hardware rows are taken for v2.1 ü% by kind.",
    ]


def test_rows_that_count_for_two_classes_are_noted(tmp_path: Path) -> None:
    rows = [class_row(HARDWARE, HARDWARE), class_row(HARDWARE, HARDWARE) | {"class.fn.v2%2E1 ü%25": 1.0}]
    document = summary_of(write_run(tmp_path / "run", rows, metrics=[class_info()]))
    assert document["notes"] == ["The figures of class leave out 1 row whose counters do not name a single label."]
    assert document["classifications"][0]["confusion"] == [[1, 0, 0], [0, 0, 0]]


def test_a_classification_comes_before_other_metrics_in_segments(tmp_path: Path) -> None:
    rows = [score_row("grade", 0.5) | class_row(HARDWARE, HARDWARE)] * 12
    metadata = ['{"a": "b"}'] * 12
    metrics = [score_info("grade"), class_info()]
    folder = write_run(tmp_path / "run", rows, metrics=metrics, metadata=metadata)
    assert summary_of(folder)["segments"]["metric"] == "class.correct"


def test_a_metric_with_neither_way_good_is_no_headline(tmp_path: Path) -> None:
    rows = [score_row("length", 0.5)] * 12
    metrics = [score_info("length", higher_is_better=None)]
    folder = write_run(tmp_path / "run", rows, metrics=metrics, metadata=['{"a": "b"}'] * 12)
    assert summary_of(folder)["segments"] is None


def test_many_classes_are_shown_as_their_commonest_confusions(tmp_path: Path) -> None:
    labels = [f"class {index:02} of the north" for index in range(12)]
    rows = [class_row(label, label, labels) for label in labels]
    rows += [class_row(labels[3], labels[5], labels)] * 4 + [class_row(labels[7], None, labels)] * 2
    lines = unspaced(shown(write_run(tmp_path / "run", rows, metrics=[class_info(labels)])))
    start = next(index for index, line in enumerate(lines) if line.startswith("most common confusions of class"))
    assert lines[start + 2 : start + 5] == [
        f"{labels[3]} taken for {labels[5]} 4",
        f"{labels[7]} taken for (invalid) 2",
        "",
    ]


def test_a_wide_matrix_without_confusions_is_left_out(tmp_path: Path) -> None:
    labels = [f"department-{index}-of-the-north" for index in range(8)]
    rows = [class_row(label, label, labels) for label in labels]
    text = shown(write_run(tmp_path / "run", rows, metrics=[class_info(labels)]))
    assert "taken for" not in text
    assert "gold \\ answer" not in text


def test_long_and_hostile_names_are_printed_plainly(tmp_path: Path) -> None:
    name = "[red]" + "x" * 90 + "\x1b[2J"
    rows = [score_row(name, 1.0)] * 12
    metadata = [json.dumps({"k\x1b]0;": "[bold]\u202e" + "y" * 100})] * 12
    folder = write_run(tmp_path / "run", rows, metrics=[score_info(name)], metadata=metadata, task="\x9b[/red]")
    text = shown(folder)
    assert "[red]x" in text
    assert "k\N{REPLACEMENT CHARACTER}]0; =" in text
    assert "[bold]\N{REPLACEMENT CHARACTER}yy" in text
    assert "\u202e" not in text
    assert "\x9b" not in text


def test_a_run_without_run_json(tmp_path: Path) -> None:
    text = shown(write_run(tmp_path / "job", [score_row("grade", 0.5)] * 2))
    assert text.splitlines()[:2] == ["job", "2 rows scored"]
    assert "inferred" in text


def test_a_classification_without_run_json_has_segments(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "job", [class_row(HARDWARE, HARDWARE)] * 12, metadata=['{"a": "b"}'] * 12)
    document = summary_of(folder)
    assert document["segments"]["metric"] == "class.correct"
    assert [label["label"] for label in document["classifications"][0]["labels"]] == [HARDWARE, VERSION]
    assert (document["run"]["aggregation"], document["rows"]["read"]) == (None, None)


def test_an_empty_run(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", [], metrics=[class_info(), score_info("grade")])
    document = summary_of(folder)
    assert [(row["value"], row["n"]) for row in document["metrics"]] == [(None, 0), (None, 0)]
    assert document["classifications"] == []
    assert document["segments"] is None
    assert "0 rows read" in shown(folder)


def test_a_terminal_gets_colour_and_ascii_pipes_work(tmp_path: Path) -> None:
    summary = document_of(a_run(tmp_path / "run"))
    terminal = io.StringIO()
    render(summary, Console(file=terminal, width=100, force_terminal=True))
    assert "\x1b[1m" in terminal.getvalue()
    pipe = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    summary_ascii = document_of(write_run(tmp_path / "ascii", [score_row("grade", 1.0)], metrics=[]))
    render(summary_ascii, Console(file=pipe, width=80))
    pipe.flush()
