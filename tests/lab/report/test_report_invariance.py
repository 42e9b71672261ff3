"""The same rows give the same digits, however their files are ordered, split, named and packed."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.lab.report.ticket_rows import mixed_rows, read_tickets, write_tickets
from tests.lab.results.result_tree import Row, pack

from evalayer_lab.report import analyse
from evalayer_lab.results import Results, read_results

NAME = {"run_name": "tickets"}


def shuffled(rows: list[Row], seed: int = 1) -> list[Row]:
    rows = list(rows)
    random.Random(seed).shuffle(rows)
    return rows


def again(folder: Path, rows: list[Row], **options: Any) -> Path:
    return write_tickets(folder / "run", shuffled(rows), run=NAME, **options)


PACKINGS: dict[str, Callable[[Path, list[Row]], Path]] = {
    "shuffled": again,
    "seven replicas": lambda folder, rows: again(folder, rows, shards=7),
    "tar.gz": lambda folder, rows: pack(again(folder, rows, shards=3), folder / "output.tar.gz"),
    "nested": lambda folder, rows: again(folder / "output" / "output", rows).parents[2],
    "small groups": lambda folder, rows: again(folder, rows, group_rows=16, hyphens=True),
}
SPELLINGS: dict[str, dict[str, Any]] = {
    "lists": {"prefix": "", "nested": True, "logprobs": "pred_logits", "predictions": "lists"},
    "arrays": {"predictions": "array", "time": "2026-05-06T07-08-09.000001+00-00"},
    "metadata once": {"specifics": False},
}


def digits(path: Path, other: Results | None, *, texts: bool = False) -> str:
    """The report as JSON, without the folder."""
    run = read_results(path, cache=False)
    document = analyse(run, other=other, cluster="domain", max_risk=0.3, texts=texts).model_dump(mode="json")
    for each in (document["run"], (document["comparison"] or {}).get("other", {})):
        each["folder"] = "somewhere"
    return json.dumps(document)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return mixed_rows(150, seed=3)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return read_tickets(tmp_path_factory.mktemp("other") / "run", mixed_rows(150, seed=3)[::2], run=NAME)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, rows: list[Row], other: Results) -> str:
    return digits(write_tickets(tmp_path_factory.mktemp("plain") / "run", rows, run=NAME), other)


@pytest.mark.parametrize("packing", PACKINGS)
def test_the_report_has_the_same_bytes(
    tmp_path: Path, rows: list[Row], plain: str, other: Results, packing: str
) -> None:
    again = digits(PACKINGS[packing](tmp_path, rows), other)
    assert json.loads(again) == json.loads(plain)
    assert again == plain


def test_other_spellings_of_the_same_rows(tmp_path: Path, rows: list[Row]) -> None:
    plain = digits(write_tickets(tmp_path / "run", rows, run=NAME), None)
    for name, spelling in SPELLINGS.items():
        assert digits(again(tmp_path / name, rows, **spelling), None) == plain, name


def test_texts_are_those_of_the_same_rows(tmp_path: Path, rows: list[Row], other: Results) -> None:
    plain = digits(write_tickets(tmp_path / "plain" / "run", rows, run=NAME), other, texts=True)
    assert digits(PACKINGS["seven replicas"](tmp_path, rows), other, texts=True) == plain
    assert "Ticket " in plain


def test_what_has_bearing_changes_the_report(tmp_path: Path, rows: list[Row], plain: str, other: Results) -> None:
    """The comparison above can fail."""
    changed = write_tickets(tmp_path / "run", rows[:-1], run=NAME)
    assert digits(changed, other) != plain


def test_a_comparison_does_not_depend_on_the_packing_of_the_other_run(
    tmp_path: Path, rows: list[Row], plain: str
) -> None:
    moved = read_tickets(tmp_path / "other" / "run", shuffled(mixed_rows(150, seed=3)[::2]), run=NAME, shards=4)
    assert digits(write_tickets(tmp_path / "run", rows, run=NAME), moved) == plain
