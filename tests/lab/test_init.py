"""`evalayer init`: what it makes works at once, and what it refuses it explains."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from click.testing import CliRunner, Result

from evalayer_lab.cli.init import init
from evalayer_lab.inputs import InputError

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
OFFLINE = ("--no-index", "--no-deps", "--no-build-isolation")
ENVIRONMENT = {
    **os.environ,
    "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    "AWS_DEFAULT_REGION": "us-east-1",
    "SAM_CLI_TELEMETRY": "0",
}


def call(*command: str, cwd: Path, path: str = "") -> str:
    """What a command prints on standard output; it has to succeed and to leave standard error empty."""
    environment = {**ENVIRONMENT, "PYTHONPATH": path}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def make(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Result:
    monkeypatch.chdir(folder)
    return CliRunner().invoke(init, [name])


def refusal(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    result = make(name, folder, monkeypatch)
    assert isinstance(result.exception, InputError)
    return str(result.exception)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    assert make("product-reviews", tmp_path, monkeypatch).exit_code == 0
    return tmp_path / "product-reviews"


def texts(project: Path) -> dict[str, str]:
    return {
        path.relative_to(project).as_posix(): path.read_text(encoding="utf-8")
        for path in project.rglob("*")
        if path.is_file()
    }


def test_it_lists_exactly_the_files_it_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = make("reviews", tmp_path, monkeypatch)
    listed = re.findall(r"^  (\S+)$", result.output.partition("\nNext:")[0], re.MULTILINE)
    assert listed == sorted(texts(tmp_path / "reviews"))
    assert {".gitignore", "README.md", "template.yaml", "processors/reviews_metrics/__init__.py"} < set(listed)


def test_no_placeholder_is_left(project: Path) -> None:
    made = texts(project)
    assert not [path for path, text in made.items() if re.search(r"\{\{(name|module)", path + text)]
    assert 'name = "product-reviews-metrics"' in made["pyproject.toml"]
    assert "from product_reviews_metrics import" in made["processors/sentiment.py"]


def test_the_commands_it_prints_work(tmp_path: Path) -> None:
    made = call("evalayer", "init", "reviews", cwd=tmp_path)
    entry, *commands = [line.strip() for line in made.partition("Next:\n")[2].splitlines()]
    assert entry == "cd reviews"
    assert [command.split()[1] for command in commands] == ["invoke", "run", "-m"]
    invoked, _, tested = (call(*shlex.split(command, comments=True), cwd=tmp_path / "reviews") for command in commands)
    assert {"metric": "grounded_reason", "value": 0.8} in json.loads(invoked)["body"]
    record = json.loads((tmp_path / "reviews" / "output" / "reviews" / "run.json").read_text())
    assert record["rows"] == {"read": 10, "bad": 0, "failed": 0, "scored": 10}
    assert record["decoded"]["sentiment.accuracy"] == pytest.approx(0.6)
    assert "5 passed" in tested


def test_the_data_set_has_no_problem(project: Path) -> None:
    report = json.loads(call("evalayer", "dataset", "check", "--json", "data/gen_qa.jsonl", cwd=project))
    assert (report["rows"], report["errors"], report["warnings"], report["duplicates"]) == (10, 0, 0, 0)


def test_the_template_is_valid(project: Path) -> None:
    assert call("cfn-lint", "template.yaml", cwd=project) == ""
    assert "is a valid SAM Template" in call("sam", "validate", "--lint", "--template", "template.yaml", cwd=project)


def test_its_metrics_install_as_a_plugin(project: Path) -> None:
    call(*PIP, "install", *OFFLINE, "--target", "installed", ".", cwd=project)
    listed = call("evalayer", "metrics", cwd=project, path=str(project / "installed"))
    line = next(line for line in listed.splitlines() if line.startswith("grounded_reason "))
    assert line.endswith("[product-reviews-metrics]")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("2nd try!", "try my-2nd-try"),
        ("évaluation", "try evaluation"),
        ("评测", "try evaluation"),
        ("a/b", "try a-b"),
        ("../escape", "try escape"),
        ("trailing-", "try trailing"),
        ("two--hyphens", "try two-hyphens"),
        ("x" * 41, f"try {'x' * 40}"),
        ("line\n", "try line"),
        ("", "try evaluation"),
        ("evalayer", "try my-evalayer"),
    ],
)
def test_a_bad_name_is_refused_with_one_that_works(
    name: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = refusal(name, tmp_path, monkeypatch)
    assert message.endswith(hint)
    assert not list(tmp_path.iterdir())
    assert make(hint.removeprefix("try "), tmp_path, monkeypatch).exit_code == 0


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "reviews").mkdir()
    (tmp_path / "reviews" / "mine.txt").write_text("mine")
    assert refusal("reviews", tmp_path, monkeypatch).startswith("reviews: this folder is not empty")
    assert texts(tmp_path / "reviews") == {"mine.txt": "mine"}


def test_an_empty_folder_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "reviews").mkdir()
    assert make("reviews", tmp_path, monkeypatch).exit_code == 0
    assert (tmp_path / "reviews" / "recipe.yaml").is_file()


def test_a_file_in_the_way_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "reviews").write_text("mine")
    assert refusal("reviews", tmp_path, monkeypatch) == "reviews: cannot be written: File exists"


def test_the_wheel_carries_the_templates(tmp_path: Path) -> None:
    call(*PIP, "wheel", *OFFLINE, "--wheel-dir", str(tmp_path), ".", cwd=ROOT)
    with ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        packed = {name for name in wheel.namelist() if "/templates/" in name}
    assert packed == {path.relative_to(ROOT / "lab").as_posix() for path in (ROOT / "lab").rglob("*.tmpl")}
    assert packed
