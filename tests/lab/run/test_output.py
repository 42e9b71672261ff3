"""The output tree, written from entries."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pyarrow.parquet as pq

from evalayer import Task
from evalayer_lab.output import Entry, RunRecord, read_record, write_record, write_rows
from evalayer_metrics import classification

_WITHOUT_PANDAS = """
import sys
from pathlib import Path
from evalayer_lab.output import Entry, write_rows

entry = Entry(line=1, system=None, prompt="prompt", gold="gold", metadata=None, inference="answer", logprobs=None,
              scores={"m": 1.0}, unscored=None, failure=None)
write_rows(Path(sys.argv[1]), [entry], aggregation="average", model="x", timestamp="t")
sys.exit("pandas" in sys.modules)
"""


def _entry(line: int, answer: str) -> Entry:
    return Entry(
        line=line,
        system=None,
        prompt="prompt",
        gold="gold",
        metadata=None,
        inference=answer,
        logprobs=None,
        scores={"m": 1.0},
        unscored=None,
        failure=None,
    )


def test_a_group_of_long_rows_ends_before_it_fills_the_memory(tmp_path: Path) -> None:
    answer = "x" * 2**22
    totals = write_rows(
        tmp_path,
        (_entry(line, answer) for line in range(1, 19)),
        aggregation="average",
        model="x",
        timestamp="t",
    )
    assert totals.processed == 18
    (path,) = tmp_path.rglob("*.parquet")
    file = pq.ParquetFile(path)
    assert [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)] == [16, 2]
    assert file.read(["predictions"]).column(0).unique().to_pylist() == [repr([answer])]


def test_writing_does_not_import_pandas(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", _WITHOUT_PANDAS, str(tmp_path)], check=True)


_RECORD = """{
  "status": "complete",
  "evalayer": "0.1",
  "python": "PYTHON",
  "libraries": "LIBRARIES",
  "run_name": "words",
  "started": "2026-01-02T03:04:05+00:00",
  "aggregation": "sum",
  "task": "words",
  "paths": {
    "recipe": "r\\u00e9.yaml",
    "dataset": "\\\\udcff.jsonl"
  },
  "recipe": {
    "run": {
      "name": "words"
    }
  },
  "dataset": {
    "sha256": "abc",
    "limit": null
  },
  "handler": {
    "sha256": "def"
  },
  "backend": {
    "name": "replay",
    "answers": "a.jsonl",
    "labels": [
      "a",
      "b"
    ]
  },
  "rows": {
    "read": 3,
    "bad": 1,
    "failed": 1,
    "scored": 2
  },
  "failures": {
    "postprocess: KeyError": 1
  },
  "metrics": [
    {
      "name": "classification",
      "parts": [
        "correct",
        "tp.a",
        "fp.a",
        "fn.a"
      ],
      "corpus": true,
      "higher_is_better": true
    }
  ],
  "unscored": {
    "classification": {
      "why": 2
    }
  },
  "aggregates": {
    "x": Infinity
  },
  "decoded": {},
  "undecoded": {
    "classification": "InvalidMetric('classification.correct was not reported')"
  },
  "uneven": {},
  "assumptions": [
    "A row on which the model or the handler fails is left out of the aggregates and counted; what the container does \
with it is not documented.",
    "Metric names carry the prefix lambda_ in eval_results, as rft_eval jobs write them; the naming for custom metrics \
of gen_qa is not documented.",
    "The container's own text metrics (rouge, em, qem, f1, bleu) are not computed."
  ]
}
"""


def test_the_record_is_written_as_it_always_was_and_can_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "words"
    folder.mkdir()
    good = replace(_entry(1, "a"), scores={"x": 1.7e308}, unscored={"classification": "why"})
    failed = replace(_entry(3, "b"), scores=None, failure="postprocess: KeyError")
    totals = write_rows(folder, [good, good, failed], aggregation="sum", model="m", timestamp="t")
    write_record(
        folder,
        {
            "evalayer": "0.1",
            "recipe": {"run": {"name": "words"}},
            "dataset": "abc",
            "limit": None,
            "handler": ["app.py:handler", "def"],
            "backend": {"name": "replay", "answers": "a.jsonl", "labels": ("a", "b")},
        },
        totals,
        started="2026-01-02T03:04:05+00:00",
        task=Task("words", metrics=[classification(labels=["a"])]),
        paths={"recipe": "ré.yaml", "dataset": Path("\udcff.jsonl")},
        bad_rows=1,
    )
    text = (folder / "run.json").read_text(encoding="ascii")
    written = json.loads(text)
    expected = _RECORD.replace('"PYTHON"', json.dumps(written["python"]))
    libraries = json.dumps(written["libraries"], indent=2).replace("\n", "\n  ")
    assert text == expected.replace('"LIBRARIES"', libraries)
    record = read_record(folder / "run.json")
    assert json.loads(json.dumps(asdict(record))) == written
    assert record.metrics[0].class_labels == ("a",)
    assert record.backend is not None
    assert record.backend["name"] == "replay"


def test_a_record_of_another_version_is_read(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"run_name": "old", "colour": "red", "backend": {"name": "x"}}')
    record = read_record(tmp_path / "run.json")
    assert record == RunRecord(run_name="old", backend=record.backend)
    assert (record.status, record.rows, record.metrics, record.decoded) == ("complete", None, (), {})
