"""Several processes read what one process reads, and what becomes of those that end early."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.lab.results.result_tree import Row, make_rows, write_tree

from evalayer_lab.inputs import InputError
from evalayer_lab.results import Results, read_results

ROWS = 4500  # fewer are read by one process


def simple_rows(count: int) -> list[Row]:
    return [Row(f"p{index}", "g", f"a{index}", {"x": float(index)}) for index in range(count)]


@pytest.fixture
def several_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)


def read_alone(folder: Path) -> Results:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "executable", "")  # without an interpreter to start, this process does it all
        return read_results(folder, cache=False)


def content(results: Results) -> list[object]:
    return [results.relation.fetchall(), results.join, results.notes, results.digest, results.stored_names]


@pytest.mark.usefixtures("several_cores")
def test_processes_read_what_one_process_reads(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "run", make_rows(ROWS), shards=3)
    alone, together = read_alone(folder), read_results(folder)
    assert content(alone) == content(together)
    assert together.rows == ROWS


@pytest.mark.usefixtures("several_cores")
def test_a_row_group_is_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_tree(tmp_path / "run", simple_rows(ROWS), group_rows=ROWS, inferences=False)
    alone = read_alone(folder)
    monkeypatch.setattr("evalayer_lab.results._build._SPLIT_ROWS", 1000)
    together = read_results(folder)
    assert content(alone) == content(together)
    assert together.rows == ROWS


@pytest.mark.usefixtures("several_cores")
def test_an_error_in_a_process_is_that_of_the_row(tmp_path: Path) -> None:
    metrics = ["{'x': 1.0}"] * (ROWS // 2 - 1) + ["{"]
    folder = write_tree(tmp_path / "run", simple_rows(ROWS), columns={"metrics": metrics}, shards=2)
    with pytest.raises(InputError) as caught:
        read_results(folder)
    assert caught.value.field == f"row {ROWS // 2}: metrics"
    assert read_results(folder, partial=True).rows == ROWS - 2


@pytest.mark.usefixtures("several_cores")
def test_a_process_that_dies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_tree(tmp_path / "run", simple_rows(ROWS), shards=3, inferences=False)
    dies = tmp_path / "dies"
    dies.write_text("#!/bin/sh\nexit 7\n")
    dies.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(dies))
    with pytest.raises(InputError, match="the process that read it ended with status 7; it may be damaged"):
        read_results(folder)
    results = read_results(folder, partial=True)
    assert results.rows == 0
    assert sum("the process that read it ended with status 7" in note for note in results.notes) == 3
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    with pytest.raises(InputError, match="the process that read it could not be started: No such file"):
        read_results(folder)


def test_a_script_without_a_guard_can_read_results(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "run", simple_rows(ROWS), shards=2)
    script = tmp_path / "script.py"
    script.write_text(
        "import os\nos.sched_getaffinity = lambda _: {0, 1}\n"
        f"from evalayer_lab.results import read_results\nprint(read_results({str(folder)!r}).rows, flush=True)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert done.stdout == f"{ROWS}\n"
