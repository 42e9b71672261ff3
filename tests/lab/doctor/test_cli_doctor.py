from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.lab.doctor.project import ROOT, Project, elf

from evalayer_lab.cli.doctor import doctor


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(doctor, list(arguments), catch_exceptions=False)
    return result.exit_code, result.stdout


def test_a_clean_project(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.folder)
    code, printed = run("--recipe", "recipe.yaml")
    assert code == 0
    assert printed.endswith("\nnothing found\n")
    assert "not checked" not in printed


def test_what_was_not_checked_qualifies_that_nothing_was_found(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.folder)
    (project.function / "app.py").write_text("from json import absent_name as lambda_handler\n")
    code, printed = run()
    assert (code, printed.count("not checked")) == (0, 1)
    assert printed.endswith("\nnothing found in what was checked\n")
    Path("empty.yaml").write_text("Resources: {Topic: {Type: AWS::SNS::Topic}}\n")
    code, printed = run("--template", "empty.yaml")
    assert code == 0
    assert printed.endswith("empty.yaml: it has no function\n\nnothing found in what was checked\n")


def test_warnings_do_not_change_the_exit_code_and_errors_do(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.folder)
    project.edit("Timeout: 30", "Timeout: 3")
    code, printed = run()
    assert code == 0
    assert "\nwarning: template.yaml:" in printed
    assert "[short-timeout]\n  fix: " in printed
    assert printed.endswith("0 errors and 1 warning\n")
    (project.python / "quick" / "bad [red].abi3.so").write_bytes(elf(62))
    code, printed = run()
    assert code == 1
    bad = Path(".aws-sam/build/Layer/python/quick/bad [red].abi3.so")
    assert printed.index(f"error: {bad}: quick: a shared object is built for x86_64") < printed.index("warning: ")
    assert "[elf-architecture]\n  fix: install its wheel" in printed
    assert printed.endswith("1 error and 1 warning\n")


def test_json(project: Project) -> None:
    (project.python / "quick" / "bad.abi3.so").write_bytes(elf(62))
    code, printed = run("--template", str(project.template), "--json")
    document = json.loads(printed)
    assert code == 1
    assert document.keys() == {"examined", "findings"}
    [finding] = document["findings"]
    assert finding.keys() == {"code", "severity", "path", "line", "field", "reason", "fix"}
    assert (finding["code"], finding["severity"]) == ("elf-architecture", "error")


@pytest.mark.parametrize(
    "arguments", [[], ["--template", "none.yaml"], ["--layer", "none.zip"], ["--layer", "junk.zip"]]
)
def test_unusable_input_exits_with_2_and_no_traceback(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "junk.zip").write_bytes(b"junk")
    done = subprocess.run(
        [sys.executable, "-m", "evalayer_lab", "doctor", *arguments],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr


def test_help_needs_nothing_heavy() -> None:
    program = (
        "import sys; from evalayer_lab.cli.doctor import doctor; "
        "print([name for name in ('packaging', 'pydantic', 'rich', 'ruamel', 'zipfile') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def codes_in(path: Path) -> set[str]:
    """Find the codes that a module gives: the texts of the form of a code, but for names that are something else."""
    texts = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
    codes = {text for text in texts if isinstance(text, str) and re.fullmatch(r"[a-z]+(-[a-z]+)*", text)}
    return {code for code in codes if "-" in code or code == "architectures"} - {
        "f-string",
        "free-threaded",
        "not-checked",
        "requires-dist",
    }


def test_the_guide_explains_every_code_and_a_test_makes_it() -> None:
    given: set[str] = set().union(*map(codes_in, (ROOT / "lab/evalayer_lab/doctor").glob("*.py")))
    guide = (ROOT / "docs" / "doctor.md").read_text()
    explained = re.findall(r"^\| `([a-z-]+)` \|", guide, re.MULTILINE)
    assert sorted(explained) == sorted(given)
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert {code for code in explained if f'"{code}"' not in tests} == set()
