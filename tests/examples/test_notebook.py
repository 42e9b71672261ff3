"""The notebook runs whole, as it is."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
NOTEBOOK = Path("examples", "support_tickets.ipynb")


@pytest.mark.filterwarnings("default")  # of the notebook machinery, which is not ours
def test_the_notebook_runs_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "copy"
    for part in ("data", "examples", "processors", "recipes"):
        shutil.copytree(ROOT / part, copy / part)
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(copy / NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=None, resources={"metadata": {"path": str(copy / "examples")}}).execute()
    printed = "\n".join(
        output.get("text", "") or str(output.get("data", {}))
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )
    assert "220 good rows, 0 errors" in printed
    assert "<iframe sandbox" in printed
    assert "difficulty = hard" in printed
    assert "with 95% confidence" in printed
    assert "over 40 paired rows" in printed


def test_the_notebook_is_saved_without_outputs() -> None:
    notebook = nbformat.read(ROOT / NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(notebook)
    assert all(not cell.outputs and cell.execution_count is None for cell in notebook.cells if cell.cell_type == "code")
