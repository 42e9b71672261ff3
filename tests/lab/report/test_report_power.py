"""`evalayer power`, beside statsmodels."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from statsmodels.stats.power import NormalIndPower
from tests.lab.report.ticket_rows import read_tickets, ticket, write_tickets

from evalayer_lab.cli.power import power
from evalayer_lab.report import compare_runs


def run_power(*arguments: object) -> Result:
    return CliRunner().invoke(power, [str(argument) for argument in arguments], catch_exceptions=False)


def lines_of(*arguments: object) -> list[dict[str, Any]]:
    done = run_power(*arguments, "--json")
    assert done.exit_code == 0, done.output
    lines: list[dict[str, Any]] = json.loads(done.stdout)
    return lines


def rows_by_statsmodels(effect: float, power: float, alpha: float) -> float:
    """Of one sample of differences: that the second sample is infinite makes it one."""
    found = NormalIndPower(ddof=0).solve_power(effect, power=power, alpha=alpha, ratio=0)
    return float(found)


@pytest.mark.parametrize(("chance", "alpha"), [(0.8, 0.05), (0.9, 0.01)])
@pytest.mark.parametrize("difference", [0.01, 0.03, 0.2])
def test_rows_are_those_of_statsmodels(difference: float, chance: float, alpha: float) -> None:
    lines = lines_of("--difference", difference, "--power", chance, "--alpha", alpha)
    assert [line["discordant"] for line in lines] == [rate for rate in (0.05, 0.1, 0.2, 0.3, 0.5) if rate > difference]
    for line in lines:
        assert line["sd"] == pytest.approx(math.sqrt(line["discordant"] - difference**2))
        expected = rows_by_statsmodels(difference / line["sd"], chance, alpha)
        assert line["rows"] == pytest.approx(expected, abs=1.01)
        assert line["rows"] >= expected - 1e-6


def test_the_difference_that_rows_show_takes_these_rows() -> None:
    (line,) = lines_of("--rows", 900, "--sd", 0.4)
    (back,) = lines_of("--difference", line["difference"], "--sd", 0.4)
    assert back["rows"] in {900, 901}
    text = run_power("--rows", 900, "--sd", 0.4).stdout
    assert f"900 rows show a difference of {line['difference']:.4f}" in text
    assert "Paired rows, power 0.8, two-sided at 0.05." in text


def test_no_more_than_the_rows_that_differ() -> None:
    """With few rows the formula gives a difference that is larger than the share of rows that differ at all."""
    (line,) = lines_of("--rows", 10, "--discordant", 0.05)
    assert line["difference"] is None
    assert "10 rows are too few to show any difference where 5% of the rows differ" in run_power("--rows", 10).stdout
    for line in lines_of("--rows", 50):
        assert line["difference"] is None or line["difference"] <= line["discordant"]


def test_two_runs_give_the_spread(tmp_path: Path) -> None:
    def rows(wrong: int) -> Any:
        return [ticket(i, "access", "network" if i < wrong else None, grade=i % 7 / 7 + wrong / 99) for i in range(90)]

    a, b = write_tickets(tmp_path / "a", rows(10)), write_tickets(tmp_path / "b", rows(19))
    (line,) = lines_of("--difference", 0.05, "--runs", a, b)
    found = compare_runs(read_tickets(tmp_path / "c", rows(19)), read_tickets(tmp_path / "d", rows(10)))
    assert line["sd"] == found.differences[0].sd
    assert line["rows"] == pytest.approx(rows_by_statsmodels(0.05 / line["sd"], 0.8, 0.05), abs=1.01)
    same = run_power("--difference", 0.05, "--runs", a, b, "--metric", "toxic")
    assert (same.exit_code, "score each row alike" in same.output) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "give --difference, to learn the rows it takes, or --rows"),
        (("--difference", 0.1, "--rows", 5), "give --difference"),
        (("--rows", 5, "--sd", 1, "--discordant", 0.1), "give one of"),
        (("--rows", 5, "--metric", "m"), "give --runs A B with it"),
        (("--difference", 0.5), "cannot differ by more"),
        (("--difference", 0.2, "--discordant", 0.2), "runs that disagree on 0.2 of the rows cannot differ by more"),
        (("--rows", 1), "1 is not in the range"),
        (("--rows", 5, "--sd", "nan"), "nan is not a finite number"),
        (("--difference", "inf"), "inf is not a finite number"),
        (("--difference", 1e-300), "no run has that many rows"),
        (("--rows", 5, "--power", 0.01), "power must lie between alpha=0.05 and 1"),
        (("--rows", 5, "--alpha", 1), "1.0 is not in the range"),
    ],
)
def test_bad_usage(arguments: tuple[object, ...], words: str) -> None:
    done = run_power(*arguments)
    assert done.exit_code == 2
    assert words in " ".join(done.output.split())
