from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from evalayer_lab.cli.dataset import dataset
from evalayer_lab.inputs import InputError

GOOD = '{"query": "q", "response": "r", "metadata": "{\\"domain\\": \\"retail\\"}"}\n'


def check(folder: Path, content: str, *options: str) -> Result:
    path = folder / "gen_qa.jsonl"
    path.write_text(content, encoding="utf-8")
    return CliRunner().invoke(dataset, ["check", str(path), *options])


def test_a_good_file_exits_with_0_and_is_summed_up(tmp_path: Path) -> None:
    result = check(tmp_path, GOOD * 2)
    assert result.exit_code == 0
    assert "2, of which 2 good" in result.output
    assert "0 errors, 0 warnings" in result.output
    assert "metadata.domain" in result.output
    assert "retail 2" in result.output


def test_warnings_alone_exit_with_0(tmp_path: Path) -> None:
    result = check(tmp_path, GOOD + "\n")
    assert result.exit_code == 0
    assert f"warning: {tmp_path / 'gen_qa.jsonl'}:2: blank line" in result.output


def test_a_bad_row_exits_with_1_and_is_printed(tmp_path: Path) -> None:
    result = check(tmp_path, GOOD + '{"query": "q", "response": 1}\n')
    assert result.exit_code == 1
    assert f"error: {tmp_path / 'gen_qa.jsonl'}:2: response: is a number, not text [type]\n" in result.output
    assert "1 error, 0 warnings" in result.output


def test_no_more_problems_than_asked_for_are_printed(tmp_path: Path) -> None:
    result = check(tmp_path, "{}\n" * 10, "--max-problems", "3")
    assert sum(line.startswith("error: ") for line in result.output.splitlines()) == 3
    assert "… and 17 more findings; --max-problems 20 prints all" in result.output


def test_json_is_the_documented_object(tmp_path: Path) -> None:
    result = check(tmp_path, GOOD + "{}\n", "--json", "--max-problems", "1")
    assert result.exit_code == 1
    assert json.loads(result.output) == {
        "path": str(tmp_path / "gen_qa.jsonl"),
        "kind": "gen_qa",
        "rows": 2,
        "good": 1,
        "errors": 2,
        "warnings": 0,
        "findings": [
            {
                "code": "missing-field",
                "severity": "error",
                "path": str(tmp_path / "gen_qa.jsonl"),
                "line": 2,
                "field": "query",
                "reason": "is missing; this row has nothing",
                "fix": None,
            }
        ],
        "duplicates": 0,
        "lengths": {
            "query": {"rows": 1, "min": 1, "median": 1, "p95": 1, "max": 1},
            "response": {"rows": 1, "min": 1, "median": 1, "p95": 1, "max": 1},
        },
        "metadata": {"domain": {"rows": 1, "values": {"retail": 1}, "other": 0}},
    }


@pytest.mark.parametrize(("content", "options"), [("", ()), (GOOD + "{}\n", ("--strict",))])
def test_a_file_that_cannot_be_used_is_an_input_error(tmp_path: Path, content: str, options: tuple[str, ...]) -> None:
    assert isinstance(check(tmp_path, content, *options).exception, InputError)


def test_nothing_from_the_file_can_steer_the_terminal(tmp_path: Path) -> None:
    metadata = json.dumps({"a\x1b[31m": "b\x1b[2J", "[bold]c": "[/d]"})
    rows = [{"query": "q", "response": "r", "metadata": metadata}, {"\x1b]0;title\x07": 1}]
    result = check(tmp_path, "".join(json.dumps(row) + "\n" for row in rows))
    assert result.exit_code == 1
    assert "\x1b" not in result.output
    assert "\x07" not in result.output
    assert "[bold]c" in result.output


def test_the_command_is_found_and_ends_with_2_for_a_missing_file(tmp_path: Path) -> None:
    arguments = ["dataset", "check", str(tmp_path / "none.jsonl")]
    code = "from evalayer_lab.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == f"Error: {tmp_path / 'none.jsonl'}: cannot be read: No such file or directory\n"


def test_help_has_an_example_and_imports_nothing_heavy() -> None:
    result = CliRunner().invoke(dataset, ["check", "--help"])
    assert "evalayer dataset check data/support_tickets/gen_qa.jsonl" in result.output
    heavy = {"pydantic", "rich", "numpy", "pyarrow", "sklearn"}
    code = f"import sys, evalayer_lab.cli.dataset; print({heavy}.intersection(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
