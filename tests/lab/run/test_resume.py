"""A run that is killed goes on, and its output is that of a quiet run."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

_KILLS = 25
_ROWS = 10_000
_HANDLER = """
from time import sleep

from evalayer import Sample, Task, Unscored, build_lambda_handler

task = Task("words", metrics=["exact_match"])

@task.preprocess
def ask(sample):
    return Sample(f"Say it: {sample.prompt}", sample.gold, "be brief")

@task.metric
def share(completion):
    sleep(0.0002)
    if not completion.text:
        return Unscored("no answer")
    return len(completion.text) / 7

lambda_handler = build_lambda_handler(task)
"""
_RECIPE = """
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


def _project(folder: Path, rows: int = _ROWS) -> None:
    (folder / "app.py").write_text(_HANDLER)
    (folder / "recipe.yaml").write_text(_RECIPE)
    with (folder / "gen_qa.jsonl").open("w") as data, (folder / "answers.jsonl").open("w") as answers:
        for index in range(rows):
            query = f"word {index % (rows // 2)}"  # every content twice
            data.write(json.dumps({"query": query, "response": query, "metadata": '{"kind": "word"}'}) + "\n")
            if index % 5:
                answers.write(json.dumps({"query": query, "inference": f"{query} {index}" if index % 3 else ""}) + "\n")


def _start(folder: Path, output: str) -> subprocess.Popen[bytes]:
    arguments = ["recipe.yaml", "--data", "gen_qa.jsonl", "--answers", "answers.jsonl", "--handler", "app.py"]
    return subprocess.Popen(
        [sys.executable, "-m", "evalayer_lab", "run", *arguments, "--output", output],
        cwd=folder,
        env={**os.environ, "SOURCE_DATE_EPOCH": "1750000000"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1


def _finish(process: subprocess.Popen[bytes]) -> None:
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors.decode()


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        # The header of the events holds the time of writing; the cache of reading is no part of the output.
        if path.is_file() and "tfevents" not in path.name and ".evalayer" not in path.parts
    }


def test_killed_25_times_and_resumed_gives_the_output_of_a_quiet_run(tmp_path: Path) -> None:
    _project(tmp_path)
    began = time.monotonic()
    _finish(_start(tmp_path, "quiet"))
    usual = time.monotonic() - began

    moments = random.Random(20_260_101)
    folder = tmp_path / "killed" / "words"
    interrupted_at: list[int] = []
    journal = folder / "journal.jsonl"
    while len(interrupted_at) < _KILLS:
        before = _size(journal)
        process = _start(tmp_path, "killed")
        if len(interrupted_at) % 5:  # every fifth is killed while it sets up
            while _size(journal) == before and process.poll() is None:
                time.sleep(0.005)
        time.sleep(moments.uniform(0, usual / 10))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if (folder / "run.json").exists():
            shutil.rmtree(folder)  # it got to the end before enough kills: begin anew
        interrupted_at.append(journal.read_bytes().count(b"\n") if journal.exists() else 0)
    assert len(set(interrupted_at)) > 5, "hardly a kill came between two batches: give it more rows"

    _finish(_start(tmp_path, "killed"))
    _assert_same(tmp_path)


def test_killed_while_it_writes_its_output_and_resumed_gives_the_output_of_a_quiet_run(tmp_path: Path) -> None:
    _project(tmp_path, rows=3_000)
    _finish(_start(tmp_path, "quiet"))
    folder = tmp_path / "killed" / "words"
    moments = random.Random(7)
    in_writing = 0
    for _ in range(8):
        process = _start(tmp_path, "killed")
        while not (folder / "eval_results").exists() and process.poll() is None:
            time.sleep(0.001)
        time.sleep(moments.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if (folder / "run.json").exists():
            shutil.rmtree(folder)
        else:
            in_writing += (folder / "eval_results").exists()
            shutil.rmtree(folder / "eval_results", ignore_errors=True)  # so that the next one is seen to begin
    assert in_writing > 2, "hardly a kill came while the output was being written: give it more rows"
    _finish(_start(tmp_path, "killed"))
    _assert_same(tmp_path)


def _assert_same(root: Path) -> None:
    quiet, killed = _digests(root / "quiet"), _digests(root / "killed")
    assert list(quiet) == list(killed)
    assert quiet == killed
    record = json.loads((root / "quiet" / "words" / "run.json").read_text())
    assert record["rows"]["scored"] + record["rows"]["failed"] == record["rows"]["read"]
    assert 0 < record["rows"]["failed"] < record["rows"]["read"]
