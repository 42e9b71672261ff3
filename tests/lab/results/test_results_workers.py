from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import pytest
from tests.lab.results.result_tree import Row, make_rows, write_tree

from evalayer_lab.inputs import InputError
from evalayer_lab.output import find_tree
from evalayer_lab.results import read_results
from evalayer_lab.results._build import build
from evalayer_lab.results._pieces import Piece, Request
from evalayer_lab.results._workers import work_all


def table(folder: Path, out: Path, workers: int) -> tuple[object, list[tuple[object, ...]]]:
    out.mkdir()
    tree = find_tree(folder, partial=False)
    files = {tree.name_of(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in tree.files}
    content = build(Request(tree, files, None, None, None, partial=False, on_progress=None, workers=workers), out)
    with duckdb.connect() as connection:
        return content, connection.execute("SELECT * FROM read_parquet($1)", [str(out / "rows.parquet")]).fetchall()


def test_processes_read_what_one_process_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evalayer_lab.results._build._PIECE_ROWS", 1000)
    rows = make_rows(4_000)
    folder = write_tree(tmp_path / "run", rows, group_rows=600)
    alone, together = table(folder, tmp_path / "1", 1), table(folder, tmp_path / "2", 2)
    assert alone == together
    assert len(alone[1]) == 4_000


def test_a_row_group_is_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [Row(f"p{index}", "g", f"a{index}", {"x": float(index)}) for index in range(5000)]
    folder = write_tree(tmp_path / "run", rows, group_rows=5000, inferences=False)
    monkeypatch.setattr("evalayer_lab.results._build._SPLIT_ROWS", 1000)
    alone, together = table(folder, tmp_path / "1", 1), table(folder, tmp_path / "2", 2)
    assert alone == together
    assert len(alone[1]) == 5000


def test_an_error_in_a_process_is_that_of_the_row(tmp_path: Path) -> None:
    rows = [Row(f"p{index}", "g", "a", {"x": 1.0}) for index in range(4500)]
    metrics = ["{'x': 1.0}"] * 4499 + ["{"]
    folder = write_tree(tmp_path / "run", rows, columns={"metrics": metrics}, group_rows=1000, shards=1)
    with pytest.raises(InputError) as caught:
        read_results(folder)
    assert caught.value.field == "row 4500: metrics"
    assert read_results(folder, partial=True).rows == 4499


def test_a_process_that_dies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evalayer_lab.results._workers._PROGRAM", "raise SystemExit(7)")
    pieces = [Piece("details", str(tmp_path / name), name, str(tmp_path / "out")) for name in ("a", "b", "c")]
    with pytest.raises(InputError, match="a: the process that read it ended with status 7"):
        work_all(pieces, workers=2, on_done=lambda _: None)
    outcomes = work_all(
        [Piece("details", "x", name, "out", partial=True) for name in "abc"], workers=2, on_done=lambda _: None
    )
    assert [outcome.problems[0][:3] for outcome in outcomes] == ["a: ", "b: ", "c: "]


def test_without_an_interpreter_one_process_does_it_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_tree(tmp_path / "run", [Row(f"p{index}", "g", "a", {"x": 1.0}) for index in range(5)])
    monkeypatch.setattr(sys, "executable", "")
    assert table(folder, tmp_path / "out", 2)[1] == read_results(folder).relation.fetchall()


def test_a_script_without_a_guard_can_read_results(tmp_path: Path) -> None:
    import subprocess

    folder = write_tree(tmp_path / "run", [Row(f"p{index}", "g", "a", {"x": 1.0}) for index in range(4500)])
    script = tmp_path / "script.py"
    script.write_text(
        f"from evalayer_lab.results import read_results\nprint(read_results({str(folder)!r}).rows, flush=True)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert done.stdout == "4500\n"
