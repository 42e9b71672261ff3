"""A run that is killed goes on, and its output is that of a quiet run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

BATCH = 32  # rows that are journalled at once
ROWS = 600
HANDLER = """
import sys

from evalayer import Sample, Task, Unscored, build_lambda_handler

task = Task("words", metrics=["exact_match"])

@task.preprocess
def ask(sample):
    return Sample(f"Say it: {sample.prompt}", sample.gold, "be brief")

@task.metric
def share(completion):
    sys.audit("row")
    if not completion.text:
        return Unscored("no answer")
    return len(completion.text) / 7

lambda_handler = build_lambda_handler(task)
"""
RECIPE = """
run: {name: words, model_type: "amazon.nova-lite-v1:0:300k", model_name_or_path: nova-lite/prod, data_s3_path: ""}
evaluation: {task: gen_qa, strategy: gen_qa, metric: all}
inference: {max_new_tokens: 10, temperature: 0, top_logprobs: 0}
processor:
  lambda_arn: ""
  lambda_type: custom_metrics
  preprocessing: {enabled: true}
  postprocessing: {enabled: true}
  aggregation: average
"""
Run = Callable[..., int]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("words")
    (folder / "app.py").write_text(HANDLER)
    (folder / "recipe.yaml").write_text(RECIPE)
    with (folder / "gen_qa.jsonl").open("w") as data, (folder / "answers.jsonl").open("w") as answers:
        for index in range(ROWS):
            query = f"word {index % (ROWS // 2)}"  # every content twice
            data.write(json.dumps({"query": query, "response": query, "metadata": '{"kind": "word"}'}) + "\n")
            if index % 5:
                answers.write(json.dumps({"query": query, "inference": f"{query} {index}" if index % 3 else ""}) + "\n")
    return folder


@pytest.fixture(scope="module")
def run(project: Path) -> Iterator[Run]:
    """Return a function (output folder, what ends it, number) that runs and returns the signal, or 0 at the end."""
    arguments = ["recipe.yaml", "--data", "gen_qa.jsonl", "--answers", "answers.jsonl", "--handler", "app.py"]
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("dying.py")), *arguments],
        cwd=project,
        env={**os.environ, "SOURCE_DATE_EPOCH": "1750000000"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:

        def start(output: Path, *death: str | int) -> int:
            assert process.stdin
            assert process.stdout
            process.stdin.write(json.dumps([str(output), *death]) + "\n")
            process.stdin.flush()
            status = int(process.stdout.readline())
            assert os.WIFSIGNALED(status) or status == 0
            return os.WTERMSIG(status)

        yield start


@pytest.fixture(scope="module")
def quiet(project: Path, run: Run) -> Path:
    """The folder of a run that nothing disturbs."""
    run(project / "quiet")
    return project / "quiet"


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        # The header of the events holds the time of writing; the cache of reading is no part of the output.
        # A journal beside the record is that of a run which died at its very end.
        if path.is_file()
        and path.name != "journal.jsonl"
        and "tfevents" not in path.name
        and ".evalayer" not in path.parts
    }


def assert_same(killed: Path, quiet: Path) -> None:
    assert digests(killed) == digests(quiet)
    record = json.loads((killed / "words" / "run.json").read_text())
    assert record["rows"]["scored"] + record["rows"]["failed"] == record["rows"]["read"]
    assert 0 < record["rows"]["failed"] < record["rows"]["read"]


def test_killed_at_its_rows_and_resumed_gives_the_output_of_a_quiet_run(tmp_path: Path, run: Run, quiet: Path) -> None:
    journal = tmp_path / "words" / "journal.jsonl"
    assert run(tmp_path, "change", 2) == signal.SIGKILL
    assert not journal.exists()
    for size in (10, 700):  # within the first line, of settings, and within the first entry
        assert run(tmp_path, "bytes", size) == signal.SIGXFSZ
        assert journal.stat().st_size == size
    done = 0
    for row in (1, 2, 40, 40, 40, 100):
        assert run(tmp_path, "row", row) == signal.SIGKILL
        whole = journal.read_bytes().count(b"\n") - 1
        assert (whole - done) % BATCH == 0
        assert (whole > done) == (row > BATCH)
        done = whole
    for further in (1, 100, 1_000, 5_000):
        size = journal.stat().st_size + further
        assert run(tmp_path, "bytes", size) == signal.SIGXFSZ
        assert journal.stat().st_size == size
    assert done < journal.read_bytes().count(b"\n") - 1 < ROWS
    assert run(tmp_path) == 0
    assert_same(tmp_path, quiet)


def test_killed_while_it_writes_its_output_and_resumed_gives_the_output_of_a_quiet_run(
    tmp_path: Path, run: Run, quiet: Path
) -> None:
    """It dies before its first change of a file, then before its second, until its record stands."""
    largest = max(path.stat().st_size for path in (quiet / "words" / "eval_results").rglob("*.*"))
    for size in (largest // 2, largest - 1):
        assert run(tmp_path, "bytes", size) == signal.SIGXFSZ
    changes = 0
    while not (tmp_path / "words" / "run.json").exists():
        changes += 1
        assert run(tmp_path, "change", changes) == signal.SIGKILL
    assert changes > 9
    assert_same(tmp_path, quiet)
