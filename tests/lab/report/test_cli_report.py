from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.lab.report.output_folder import score_info, score_row, write_run

from evalayer_lab.cli.report import report
from evalayer_lab.inputs import InputError
from evalayer_lab.report import Document


def test_text_and_json(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", [score_row("größe", 0.5)] * 3, metrics=[score_info("größe")])
    text = CliRunner().invoke(report, [str(tmp_path)], catch_exceptions=False)
    assert (text.exit_code, "größe" in text.stdout) == (0, True)
    document = CliRunner().invoke(report, [str(tmp_path), "--json"], catch_exceptions=False)
    assert Document.model_validate_json(document.stdout).run.folder == str(folder)


def test_bad_input_is_a_named_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such folder"):
        CliRunner().invoke(report, [str(tmp_path / "none")], catch_exceptions=False)


def test_help_has_an_example_and_needs_nothing_heavy() -> None:
    assert "evalayer report output/" in CliRunner().invoke(report, ["--help"]).stdout
    program = (
        "import sys; from evalayer_lab.cli.report import report; "
        "print([name for name in ('numpy', 'pyarrow', 'pydantic', 'rich', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
