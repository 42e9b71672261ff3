"""The root of the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _evalayer(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "evalayer_lab", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_without_the_libraries_of_the_lab_it_says_what_to_install() -> None:
    code = f"import sys; sys.path[:0] = [{str(ROOT / 'layer')!r}, {str(ROOT / 'lab')!r}]; import evalayer_lab.__main__"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == 'Error: the command line needs click: pip install "evalayer[lab]"\n'


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["reprot"], "there is no command 'reprot'; did you mean report?"),
        (["dataset", "chek", "x"], "there is no command 'chek'; did you mean check?"),
        (["report", "nowhere"], "Error: nowhere: there is no such folder"),
        (["run", "nowhere.yaml", "--data", "x"], "Error: nowhere.yaml: "),
        (["invoke", "nowhere.json"], "nowhere.json"),
    ],
)
def test_bad_usage_and_bad_input_exit_with_2_and_a_message(arguments: list[str], message: str) -> None:
    done = _evalayer(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("group", [[], ["dataset"], ["recipe"], ["publish"]])
def test_lists_of_commands_are_not_cut_off(group: list[str]) -> None:
    commands = _evalayer(*group, "--help").stdout.partition("Commands:")[2]
    assert commands
    assert "..." not in commands


def test_a_reader_that_leaves_early_is_no_failure() -> None:
    command = f"{sys.executable} -m evalayer_lab run --help | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage:")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['evalayer', '--help']\n"
        "from evalayer_lab.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'boto3', 'duckdb', 'numpy', 'pyarrow', 'pydantic', 'rich', 'ruamel', 'sklearn'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
