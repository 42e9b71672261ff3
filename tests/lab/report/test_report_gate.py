"""The gate and its router."""

import json
import math
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from tests.lab.report.ticket_rows import LABELS, mixed_rows, read_tickets, ticket, write_tickets
from tests.lab.results.result_tree import Row

from evalayer_lab.cli.gate import gate
from evalayer_lab.inputs import InputError
from evalayer_lab.report import find_gate, write_router
from evalayer_lab.statistics import PlattMap, TemperatureMap, gate_threshold

PROBE = """\
import json, sys
sys.path.insert(0, sys.argv[1])
from router import route
print(json.dumps([route(confidence) for confidence in json.load(sys.stdin)]))
"""


def run_gate(*arguments: object) -> Result:
    return CliRunner().invoke(gate, [str(argument) for argument in arguments], catch_exceptions=False)


def routed(folder: Path, confidences: list[float]) -> list[tuple[bool, float]]:
    """What the router says, in an interpreter that has nothing of this project."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", PROBE, str(folder)],
        input=json.dumps(confidences), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [(passes, chance) for passes, chance in json.loads(done.stdout)]


def confident_rows(count: int = 300, seed: int = 0) -> list[Row]:
    """The confidence is the chance that the answer is right, nearly."""
    rng = random.Random(seed)
    rows = []
    for index in range(count):
        p = round(rng.betavariate(4, 1), 4)
        gold = LABELS[index % 3]
        rows.append(ticket(index, gold, gold if rng.random() < p**0.5 else LABELS[(index + 1) % 3], confidence=p))
    return rows


def test_a_gate_is_of_the_metric_that_was_asked_for(tmp_path: Path) -> None:
    rows = [ticket(index, confidence=0.9, grade=index % 7 / 7) for index in range(40)]
    results = read_tickets(tmp_path / "run", rows)
    with pytest.raises(InputError, match=r"grade is not 0 or 1 on every row.*; class\.correct can$"):
        find_gate(results, metric="grade", max_risk=0.2)
    assert find_gate(results, metric="class", max_risk=0.2).judged.metric == "class.correct"


def test_a_gate_that_can_be_met(tmp_path: Path) -> None:
    folder = write_tickets(tmp_path / "run", confident_rows())
    done = run_gate(folder, "--max-risk", 0.2, "--json")
    found = json.loads(done.stdout)
    results = read_tickets(tmp_path / "again", confident_rows())
    p, correct = results.column("confidence_joint"), results.values("class.correct")
    expected = gate_threshold(p, correct, 0.2)
    assert done.exit_code == 0
    assert (found["threshold"], found["coverage"]) == (expected.threshold, expected.coverage)
    above = p > found["threshold"]
    assert (found["n"], found["n_accepted"], found["n_errors"]) == (
        300, above.sum(), (correct[above] == 0).sum(),
    )  # fmt: skip
    assert found["risk_upper"] <= 0.2
    assert (found["max_risk"], found["level"]) == (0.2, 0.95)
    assert (found["confidence"], found["correctness"]) == ("joint", "class.correct")
    text = run_gate(folder, "--max-risk", 0.2)
    assert text.exit_code == 0
    correctness = "Answers count as right or wrong by the metric class.correct."
    assert text.stdout.splitlines() == [found["sentence"], correctness]


def test_a_gate_that_cannot_be_met_exits_with_1_and_writes_no_router(tmp_path: Path) -> None:
    folder = write_tickets(tmp_path / "run", confident_rows())
    done = run_gate(folder, "--max-risk", 0.001, "--json", "--router", tmp_path / "routing")
    assert done.exit_code == 1
    found = json.JSONDecoder().raw_decode(done.output)[0]
    assert (found["threshold"], found["coverage"], found["n_accepted"]) == (None, 0, 0)
    assert found["sentence"].startswith("No threshold gives an error rate of at most 0.1%")
    assert "No router is written" in done.output
    assert not (tmp_path / "routing").exists()


@pytest.mark.parametrize(
    ("confidences", "wrong", "why"),
    [
        ([0.9] * 58, 0, "it takes at least 59 rows, all of them right, and there are 58."),
        ([0.9] * 59 + [0.2], 1, "of the 59 most confident rows, where the search begins, 1 is wrong."),
        ([0.9] * 70, 70, "of the 70 most confident rows, where the search begins, 70 are wrong."),
    ],
)
def test_why_there_is_no_gate(tmp_path: Path, confidences: list[float], wrong: int, why: str) -> None:
    rows = [
        ticket(i, "access", "network" if i < wrong else None, confidence=confidence)
        for i, confidence in enumerate(confidences)
    ]
    found = find_gate(read_tickets(tmp_path / "run", rows), max_risk=0.05)
    assert found.sentence == f"No threshold gives an error rate of at most 5% with 95% confidence: {why}"


def test_the_sentence_counts_the_rows_that_can_pass(tmp_path: Path) -> None:
    rows = [ticket(i, confidence=0.9 if i < 90 else 0.5 if i < 100 else None) for i in range(107)]
    rows[95:100] = [ticket(i, "access", "network", confidence=0.5) for i in range(95, 100)]
    found = find_gate(read_tickets(tmp_path / "run", rows), max_risk=0.05)
    assert found.sentence.startswith(
        "90 of 100 rows that have a confidence and a verdict are above a confidence of 0.5, 0 of them wrong: "
    )


def test_a_gate_by_another_metric_and_kind(tmp_path: Path) -> None:
    rows = [
        ticket(i, "access", confidence=0.9 if i < 80 else 0.2, toxic=float(i >= 80), grade=i / 100) for i in range(100)
    ]
    done = run_gate(
        write_tickets(tmp_path / "run", rows), "--max-risk", 0.05, "--json",
        "--metric", "toxic", "--confidence", "geometric_mean", "--level", 0.9,
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert (found["correctness"], found["confidence"], found["level"]) == ("toxic", "geometric_mean", 0.9)
    assert (found["n_accepted"], found["n_errors"], found["threshold"]) == (80, 0, pytest.approx(0.2**0.5))


def test_without_confidence_or_verdict_there_is_no_gate(tmp_path: Path) -> None:
    bare = write_tickets(tmp_path / "bare", [ticket(i) for i in range(5)])
    with pytest.raises(InputError, match=r"The answers have no log probabilities; set inference.top_logprobs"):
        run_gate(bare, "--max-risk", 0.1)
    graded = {"metrics": [{"name": "grade", "higher_is_better": True}]}
    rows = [
        Row(row.prompt, row.gold, row.answer, {"grade": i / 9, "grade.unscored": 0.0}, positions=row.positions)
        for i, row in enumerate(ticket(i, confidence=0.9) for i in range(9))
    ]
    with pytest.raises(InputError, match="No metric is 0 or 1 on every row"):
        run_gate(write_tickets(tmp_path / "graded", rows, run=graded), "--max-risk", 0.1)


EXTREMES = [0.0, 1.0, 5e-324, 1e-300, 1e-16, 2.0**-52, 0.5, 1 - 2.0**-53, 1 - 2.0**-52, 0.999999]


def test_a_field_that_no_answer_has_is_named(tmp_path: Path) -> None:
    folder = write_tickets(tmp_path / "run", [ticket(i, "access", confidence=0.9) for i in range(20)])
    with pytest.raises(InputError, match="No answer has the field 'clas'; give the name of the label's field"):
        run_gate(folder, "--max-risk", 0.2, "--field", "clas")


def test_the_router_agrees_with_the_library(tmp_path: Path) -> None:
    results = read_tickets(tmp_path / "run", confident_rows())
    found = find_gate(results, max_risk=0.2)
    written = write_router(found, tmp_path / "deep" / "routing")
    assert [path.name for path in written] == ["router.json", "router.py"]
    document = json.loads(written[0].read_text())
    assert (document["threshold"], document["field"]) == (found.gate.threshold, "class")
    given = document["calibration"]
    assert given["method"] in {"temperature", "platt"}
    own = PlattMap(given["slope"], given["intercept"], 300, False)
    if given["method"] == "temperature":
        temperature = TemperatureMap(1 / given["slope"], 300)
        grid = np.linspace(0, 1, 101)
        assert temperature(grid) == pytest.approx(own(grid), abs=1e-12)
    threshold = found.gate.threshold
    assert threshold is not None
    confidences = [
        *np.random.default_rng(0).random(500).tolist(), *EXTREMES,
        threshold, math.nextafter(threshold, 0), math.nextafter(threshold, 1), *found.judged.confidence.tolist(),
    ]  # fmt: skip
    answers = routed(tmp_path / "deep" / "routing", confidences)
    assert [passes for passes, _ in answers] == [confidence > threshold for confidence in confidences]
    assert [chance for _, chance in answers] == pytest.approx(own(confidences).tolist(), abs=1e-12)
    assert sum(passes for passes, _ in answers[-300:]) == found.gate.n_accepted


@pytest.mark.parametrize("wrong", [0, 1, 9])
def test_a_router_without_enough_rows_for_a_calibration(tmp_path: Path, wrong: int) -> None:
    rows = [ticket(i, "access", "network" if i < wrong else None, confidence=0.5 + i / 1000) for i in range(200)]
    found = find_gate(read_tickets(tmp_path / "run", rows), max_risk=0.3)
    write_router(found, tmp_path / "routing")
    assert json.loads((tmp_path / "routing" / "router.json").read_text())["calibration"]["method"] == "none"
    answers = routed(tmp_path / "routing", [0.25, *EXTREMES])
    assert answers[0][1] == pytest.approx(0.25)
    assert answers[1][1] < 1e-15
    assert answers[2][0]
    assert answers[2][1] > 1 - 1e-15


def test_three_rows_are_enough_for_a_loose_gate(tmp_path: Path) -> None:
    rows = [ticket(i, confidence=0.5 + i / 10) for i in range(3)]
    done = run_gate(write_tickets(tmp_path / "run", rows), "--max-risk", 0.9, "--router", tmp_path / "routing")
    assert done.exit_code == 0
    assert routed(tmp_path / "routing", [0.99])[0][0]


def test_a_router_that_cannot_be_written_is_a_named_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folder = write_tickets(tmp_path / "run", confident_rows())
    with pytest.raises(InputError, match=r"file/routing: cannot be written"):
        run_gate(folder, "--max-risk", 0.2, "--router", tmp_path / "file" / "routing")


def test_a_find_gate_mixed_rows_counts_those_without_confidence(tmp_path: Path) -> None:
    results = read_tickets(tmp_path / "run", mixed_rows(200))
    found = find_gate(results, max_risk=0.4)
    assert found.gate.n + found.gate.n_unscored == results.rows
    assert found.gate.n == found.to_json()["n"] == len(found.judged.rows)
