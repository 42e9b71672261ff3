"""`evalayer report` and its relatives as a user meets them: bad paths and options, the JSON and its schema."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner
from tests.lab.report.ticket_rows import mixed_rows, report_of, ticket, write_tickets

from evalayer_lab.cli.report import report

SCHEMA = Path(__file__).parents[3] / "docs" / "report.schema.json"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tickets(tmp_path_factory.mktemp("commands") / "run", mixed_rows(120))


def report_json(*arguments: object) -> Any:
    done = CliRunner().invoke(report, [*map(str, arguments), "--json"], catch_exceptions=False)
    assert done.exit_code == 0
    return json.loads(done.stdout)


def test_the_json_of_any_report_is_valid(folder: Path, tmp_path: Path) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    validator.check_schema(validator.schema)
    full = report_json(folder, "--against", folder, "--texts")
    for document in (full, json.loads(report_of(tmp_path / "bare", [ticket(0)], run={}).model_dump_json())):
        validator.validate(document)
        assert not validator.is_valid({**document, "metrics": None})
        assert not validator.is_valid({**document, "new": 1})
    assert full["comparison"]["n_paired"] == full["rows"]["scored"]
    for part in full["metrics"]:
        assert part["estimate"]["low"] <= part["estimate"]["value"] <= part["estimate"]["high"]


def test_every_field_of_the_schema_that_is_no_plain_name_is_described() -> None:
    """What is null says when; a reader of the JSON has nothing else."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    for name, part in schema["$defs"].items():
        assert part.get("description"), name
    for name in ("Estimate", "ReliabilityBin"):
        assert all("description" in field or "$ref" in field for field in schema["$defs"][name]["properties"].values())


def test_options_reach_the_report(folder: Path) -> None:
    document = report_json(
        folder, "--metric", "toxic", "--confidence", "first_token", "--level", 0.9, "--max-risk", 0.3, "--no-texts"
    )
    assert document["segments"]["metric"] == document["correctness"] == "toxic"
    assert document["confidence"]["kind"] == "the probability of the label's first token"
    assert (document["confidence"]["gate"]["max_risk"], document["metrics"][0]["estimate"]["level"]) == (0.3, 0.9)
    text = CliRunner().invoke(report, [str(folder), "--level", "0.9"], catch_exceptions=False).stdout
    assert "90% interval" in text
    assert "95%" not in text


def test_neither_terminal_nor_json_shows_texts_unless_asked(folder: Path, tmp_path: Path) -> None:
    for options in ((), ("--json",), ("--html", str(tmp_path / "r.html"))):
        done = CliRunner().invoke(report, [str(folder), *options], catch_exceptions=False)
        assert ": the prompt." not in done.stdout
    assert ": the prompt." in (tmp_path / "r.html").read_text(encoding="utf-8")
    CliRunner().invoke(report, [str(folder), "--no-texts", "--html", str(tmp_path / "n.html")], catch_exceptions=False)
    assert ": the prompt." not in (tmp_path / "n.html").read_text(encoding="utf-8")


def test_html_into_a_folder_that_is_made(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "new" / "deep" / "report.html"
    done = CliRunner().invoke(report, [str(folder), "--html", str(path)], catch_exceptions=False)
    assert done.stdout.endswith(f"\nReport: {path}\n")
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


BAD = (
    (("report", "none"), "Error: none: "),
    (("report", "RUN", "--metric", "clas"), "there is no metric 'clas'; did you mean class?"),
    (("report", "RUN", "--metric", "schema.violation.enum"), "does not say whether higher or lower is better"),
    (("report", "RUN", "--html", "FILE/report.html"), "report.html: cannot be written: "),
    (("report", "RUN", "--against", "none"), "Error: none: "),
    (("report", "RUN", "--max-risk", "nan"), "nan is not a finite number"),
    (("report", "RUN", "--level", "1"), "1.0 is not in the range"),
    (("report", "RUN", "--confidence", "jiont"), "'jiont' is not one of 'joint'"),
    (("compare", "RUN", "none"), "Error: none: "),
    (("compare", "RUN", "RUN", "--metric", "grad"), "did you mean grade?"),
    (("gate", "RUN"), "Missing option '--max-risk'"),
    (("power", "--rows", "9", "--runs", "RUN", "none"), "Error: none: "),
)
ENDINGS = """\
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
from evalayer_lab.cli import main

endings = []
for command in json.load(sys.stdin):
    sys.argv = ["evalayer", *command]
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        try:
            main()
        except SystemExit as ending:
            endings.append((ending.code, out.getvalue(), err.getvalue()))
print(json.dumps(endings))
"""


def test_bad_input_exits_with_2_and_one_line(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "FILE").write_text("")
    known = {"RUN": str(folder), "FILE/report.html": str(tmp_path / "FILE" / "report.html")}
    commands = [[known.get(word, word) for word in command] for command, _ in BAD]
    done = subprocess.run(
        [sys.executable, "-c", ENDINGS], input=json.dumps(commands), capture_output=True, text=True, check=True
    )
    endings = json.loads(done.stdout)
    for (command, words), (code, out, err) in zip(BAD, endings, strict=True):
        assert (code, out) == (2, ""), command
        errors = [line for line in err.splitlines() if line and not line.startswith(("Usage:", "Try "))]
        assert len(errors) == 1, command
        assert words in errors[0]
