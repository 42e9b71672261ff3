"""The output tree, written from entries."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq

from evalayer_lab.output import Entry, write_rows

_WITHOUT_PANDAS = """
import sys
from pathlib import Path
from evalayer_lab.output._entry import Entry
from evalayer_lab.output._write import write_rows

entry = Entry(1, None, "prompt", "gold", None, "answer", None, {"m": 1.0}, None, None)
write_rows(Path(sys.argv[1]), [entry], aggregation="average", model="x", timestamp="t")
sys.exit("pandas" in sys.modules)
"""


def _entry(line: int, answer: str) -> Entry:
    return Entry(line, None, "prompt", "gold", None, answer, None, {"m": 1.0}, None, None)


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
