"""`evalayer dataset convert`, `enrich` and `sample`."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from evalayer_lab.cli.dataset import dataset
from evalayer_lab.inputs import InputError

ROOT = Path(__file__).parents[3]
TICKETS = ROOT / "data/support_tickets/gen_qa.jsonl"
TRAIN = ROOT / "data/support_tickets/train.jsonl"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(dataset, [str(argument) for argument in arguments])


@pytest.fixture
def faq(tmp_path: Path) -> Path:
    path = tmp_path / "faq.csv"
    path.write_text("question,answer,topic,tone\nq,r,a,kind\nq2,r2,b,kind\n", encoding="utf-8")
    return path


MAP = ("--map", "query=question", "--map", "response=answer")


def test_convert_says_what_it_wrote(tmp_path: Path, faq: Path) -> None:
    out = tmp_path / "gen_qa.jsonl"
    result = run("convert", faq, "--out", out, *MAP, "--metadata", "topic", "--system", "@tone")
    assert result.exit_code == 0, result.output
    assert result.output == (
        f"Wrote 2 rows to {out}\nMapped: query from question, response from answer, system from tone\n"
    )
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert rows[0] == {"query": "q", "response": "r", "system": "kind", "metadata": '{"topic":"a"}'}


def test_convert_takes_a_system_prompt_for_all_and_names_unused_columns(tmp_path: Path, faq: Path) -> None:
    result = run("convert", faq, "--out", tmp_path / "o.jsonl", *MAP, "--system", "Be brief.")
    assert "Unused: topic, tone" in result.output
    assert json.loads((tmp_path / "o.jsonl").read_bytes().splitlines()[1])["system"] == "Be brief."


def test_convert_exits_with_1_if_a_row_is_left_out(tmp_path: Path, faq: Path) -> None:
    faq.write_text("question,answer\nq,r\n,r\n", encoding="utf-8")
    result = run("convert", faq, "--out", tmp_path / "o.jsonl", *MAP)
    assert result.exit_code == 1
    assert f"error: {faq}:3: question: is blank" in result.output
    assert "Wrote 1 row to" in result.output
    assert "; 1 left out" in result.output
    result = run("convert", faq, "--out", tmp_path / "o.jsonl", *MAP, "--overwrite", "--json", "--max-problems", "0")
    assert result.exit_code == 1
    assert json.loads(result.output) == {
        "path": str(faq),
        "out": str(tmp_path / "o.jsonl"),
        "kind": "gen_qa",
        "rows": 2,
        "written": 1,
        "errors": 1,
        "warnings": 0,
        "findings": [],
        "columns": {"query": "question", "response": "answer"},
        "unused": [],
    }
    assert isinstance(run("convert", faq, "--out", tmp_path / "new.jsonl", *MAP, "--strict").exception, InputError)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--map", "query"), "is not FIELD=COLUMN"),
        (("--map", "=x"), "is not FIELD=COLUMN"),
        (("--map", "query=question", "--map", "query=answer"), "query is given twice"),
        (("--delimiter", "ab"), "'ab' is not one character"),
        (("--kind", "gen-qa"), "is not one of"),
    ],
)
def test_convert_refuses_options_that_make_no_sense(
    tmp_path: Path, faq: Path, options: tuple[str, ...], words: str
) -> None:
    result = run("convert", faq, "--out", tmp_path / "o.jsonl", *options)
    assert result.exit_code == 2
    assert words in result.output


def test_enrich_prints_the_values_it_added(tmp_path: Path) -> None:
    result = run("enrich", TICKETS, "--out", tmp_path / "gen_qa.jsonl")
    assert result.exit_code == 0, result.output
    assert "Wrote 220 rows to" in result.output
    assert [line.split()[:3] for line in result.output.splitlines()[1:5]] == [
        ["task", "220", "0"],
        ["difficulty", "0", "220"],
        ["length", "220", "0"],
        ["language", "220", "0"],
    ]


def test_enrich_adds_what_is_asked_for(tmp_path: Path) -> None:
    rows = tmp_path / "gen_qa.jsonl"
    rows.write_text(
        '{"query": "the wifi is down", "response": "r"}\n{"query": "q", "response": ""}\n', encoding="utf-8"
    )
    rules = tmp_path / "rules.yaml"
    rules.write_text("network: [wifi, vpn]\n", encoding="utf-8")
    level = tmp_path / "enrich_level.py"
    level.write_text("def level(row):\n    print('noise')\n    return 'easy'\n", encoding="utf-8")
    options = ("--add", "domain, difficulty", "--domain-rules", rules, "--difficulty", f"{level}:level", "--json")
    code = "from evalayer_lab.cli import main; main()"
    arguments = ["dataset", "enrich", str(rows), "--out", str(tmp_path / "o.jsonl"), *map(str, options)]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "noise\n"
    printed = json.loads(done.stdout)
    assert printed["added"] == {
        "domain": {"rows": 1, "values": {"network": 1}, "other": 0},
        "difficulty": {"rows": 1, "values": {"easy": 1}, "other": 0},
    }
    assert (printed["changed"], printed["errors"], printed["kept"]) == (1, 1, {"domain": 0, "difficulty": 0})
    assert printed["domain"] == {"about": "rules of 1 domains", "rows": 0, "accuracy": None, "commonest": None}


def test_enrich_trains_a_classifier_on_a_key(tmp_path: Path) -> None:
    rows = tmp_path / "gen_qa.jsonl"
    rows.write_text('{"query": "the wifi is down", "response": "r", "metadata": "easy"}\n', encoding="utf-8")
    result = run("enrich", rows, "--out", tmp_path / "o.jsonl", "--domain-from", f"{TRAIN}:category")
    assert result.exit_code == 0, result.output
    assert "Domains are from a classifier trained on 160 rows; right on" in result.output
    assert "Left as they are: 1 rows whose metadata is not a JSON object" in result.output


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--add", "dificulty"), "did you mean difficulty?"),
        (("--add", ""), "cannot be added"),
        (("--domain-from", "a", "--domain-rules", "b"), "not both"),
    ],
)
def test_enrich_refuses_options_that_make_no_sense(tmp_path: Path, options: tuple[str, ...], words: str) -> None:
    result = run("enrich", TICKETS, "--out", tmp_path / "o.jsonl", *options)
    assert result.exit_code == 2
    assert words in result.output


def test_enrich_needs_a_source_of_domains(tmp_path: Path) -> None:
    assert isinstance(run("enrich", TICKETS, "--out", tmp_path / "o", "--add", "domain").exception, InputError)


def test_sample_prints_its_strata(tmp_path: Path) -> None:
    out = tmp_path / "gen_qa.jsonl"
    result = run("sample", TICKETS, "--out", out, "--rows", "22", "--stratify", "difficulty")
    assert result.exit_code == 0, result.output
    assert [line.split() for line in result.output.splitlines()] == [
        ["difficulty", "rows", "taken"],
        ["easy", "100", "10"],
        ["hard", "44", "4"],
        ["medium", "76", "8"],
        ["Wrote", "22", "of", "220", "rows", "to", str(out)],
    ]
    lines = TICKETS.read_bytes().splitlines()
    places = [lines.index(line) for line in out.read_bytes().splitlines()]
    assert places == sorted(places)


def test_sample_as_json(tmp_path: Path) -> None:
    rows = tmp_path / "gen_qa.jsonl"
    rows.write_text('{"query": "q", "response": "r"}\n' * 3 + "{}\n", encoding="utf-8")
    result = run("sample", rows, "--out", tmp_path / "o.jsonl", "--rows", "2", "--by", "equal", "--json")
    assert result.exit_code == 1
    printed = json.loads(result.output)
    assert (printed["rows"], printed["taken"], printed["errors"]) == (4, 2, 2)
    assert printed["strata"] == [{"values": {}, "rows": 3, "taken": 2}]


@pytest.mark.parametrize("indent", [None, 2])
def test_the_way_out_of_an_array_is_a_command_that_works(tmp_path: Path, indent: int | None) -> None:
    path = tmp_path / "my rows" / "gen_qa.jsonl"
    path.parent.mkdir()
    path.write_text(json.dumps([{"query": "q", "response": "r"}] * 2, indent=indent), encoding="utf-8")
    command = str(run("check", path).exception).partition("convert it: evalayer dataset ")[2]
    out = tmp_path / "out.jsonl"
    result = run(*[word.replace("converted/gen_qa.jsonl", str(out)) for word in shlex.split(command)])
    assert result.exit_code == 0, result.output
    assert out.read_text(encoding="utf-8") == '{"query":"q","response":"r"}\n' * 2


@pytest.mark.parametrize("command", ["convert", "enrich", "sample"])
def test_a_missing_file_is_an_input_error(tmp_path: Path, command: str) -> None:
    options = ["--rows", "1"] if command == "sample" else []
    result = run(command, tmp_path / "none.jsonl", "--out", tmp_path / "o.jsonl", *options)
    assert isinstance(result.exception, InputError)
    assert "No such file" in str(result.exception)
    assert list(tmp_path.iterdir()) == []


def test_a_warning_is_never_counted_as_left_out(tmp_path: Path) -> None:
    path = tmp_path / "gen_qa.jsonl"
    path.write_text('{"query": "q", "response": "r", "Query": "x"}\n' * 3, encoding="utf-8")
    result = run("sample", path, "--rows", "1", "--out", tmp_path / "o.jsonl")
    assert (result.exit_code, result.output.count("[unknown-field]")) == (0, 3)
    assert "more finding" not in result.output
    result = run("sample", path, "--rows", "1", "--out", tmp_path / "o.jsonl", "--overwrite", "--max-problems", "1")
    assert "… and 2 more findings; --max-problems 3 prints all" in result.output
