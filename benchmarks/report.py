"""Reading results: rows with a confidence from 20 tokens, the likeliest 2 of each, and the whole report of them.

    python benchmarks/report.py [ROWS]

Prints, in one run on one tree of files,

- the first read, which parses the literal texts, finds each label's tokens and joins the files: seconds, processor time
  and the peak of memory of all its processes; beside pandas with `ast.literal_eval` on the first rows of the same file,
  as published notebooks do it;
- `evalayer report --json` from the cache that the first read leaves; beside DuckDB's plain scan of the columns that it
  reads, and pandas making the same tables: means, classification report, confidence by bins, accuracy by metadata;
- classification, calibration and segments alone, in this process.

Each is a process of its own but for the last.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, sleep
from typing import NamedTuple

from _result_tree import LABELS, write_tree

ROWS = 1_000_000
LITERAL_ROWS = 20_000  # of which pandas parses the literals
READ_SECONDS_PER_MILLION = 240
READ_MEGABYTES = 1500
MOST_SCANS = 3

READ = "import sys; from evalayer_lab.results import read_results; read_results(sys.argv[1])"
SCAN = """
import duckdb, sys
table = duckdb.connect().read_parquet(sys.argv[1])
named = ("metric.", "metadata.", "gold.", "predicted.", "confidence_", "generated", "no_confidence", "answer_")
columns = [name for name in table.columns if name.startswith(named)]
table.select(*(duckdb.ColumnExpression(name) for name in columns)).fetchnumpy()
"""
PANDAS_TABLES = """
import sys
import pandas as pd
from sklearn.metrics import classification_report, cohen_kappa_score, confusion_matrix, matthews_corrcoef
rows = pd.read_parquet(sys.argv[1])
rows.filter(like="metric.").agg(["mean", "sem", "count"])
gold, predicted = rows["gold.class"], rows["predicted.class"].fillna("(invalid)")
classification_report(gold, predicted, zero_division=0)
confusion_matrix(gold, predicted), cohen_kappa_score(gold, predicted), matthews_corrcoef(gold, predicted)
correct, confidence = rows["metric.class.correct"], rows["confidence_joint"]
correct.groupby(pd.cut(confidence, 15, include_lowest=True), observed=False).agg(["mean", "count"])
((confidence - correct) ** 2).mean()
keys = list(rows.filter(like="metadata."))
for key in keys:
    correct.groupby(rows[key]).agg(["mean", "sem", "count"])
correct.groupby([rows[keys[0]], rows[keys[1]]]).agg(["mean", "count"])
"""
PANDAS_LITERALS = """
import ast, json, math, sys
import pandas as pd
import pyarrow.parquet as pq
rows = next(pq.ParquetFile(sys.argv[1]).iter_batches(int(sys.argv[2]))).to_pandas()
rows["metrics"] = rows["metrics"].map(ast.literal_eval)
rows["metadata"] = rows["specifics"].map(lambda text: json.loads(ast.literal_eval(text)["metadata"]))
def confidence(row):
    label = json.loads(ast.literal_eval(row["predictions"])[0])["class"]
    for position in ast.literal_eval(row["pred_logprobs"])[0]:
        token = max(position, key=position.get)
        if label.startswith(token.strip().lower()) and token.strip():
            return math.exp(position[token])
    return 0.0
rows["confidence"] = rows.apply(confidence, axis=1)
"""


class Cost(NamedTuple):
    """What a process and its children took."""

    seconds: float
    processor: float
    megabytes: float


def cost_of(*command: str) -> Cost:
    """Run a process to its end."""
    peak = 0.0
    before, began = os.times(), perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    finished = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not finished.is_set():
            peak = max(peak, sum(map(resident, family(process.pid))))
            sleep(0.05)

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = process.wait()
    finished.set()
    watcher.join()
    after = os.times()
    if code:
        raise SystemExit(f"{command} failed")
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(perf_counter() - began, processor, peak)


def family(pid: int) -> list[int]:
    """A process and its children's children, of those that are still there."""
    found = [pid]
    for parent in found:
        for listed in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found.extend(map(int, listed.read_text().split()))
            except OSError:
                continue
    return found


def resident(pid: int) -> float:
    """Megabytes of memory of a process; 0 if it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except (OSError, IndexError):
        return 0.0


def show(name: str, cost: Cost, beside: Cost | None = None) -> None:
    """Print one line."""
    ratio = "" if beside is None else f"{cost.seconds / beside.seconds:8.2f}"
    print(f"{name:<44}{cost.seconds:9.2f}{cost.processor:9.2f}{cost.megabytes:9.0f}{ratio}")


def show_statistics(table: Path) -> None:
    """Time the statistics of all rows alone."""
    import numpy as np

    from evalayer_lab.results import read_results
    from evalayer_lab.statistics import (
        MetadataKey,
        classification_report,
        expected_calibration_error,
        find_failing_segments,
        segment_table,
    )

    results = read_results(table)
    metric = next(metric for metric in results.metrics if metric.class_labels)
    gold, predicted, labels = results.classes(metric)
    correct, confidence = results.values(f"{metric.name}.correct"), results.column("confidence_joint")
    known = ~np.isnan(confidence)
    keys = []
    for name in results.metadata_keys:
        codes, values = results.codes(f"metadata.{name}")
        keys.append(MetadataKey(name, values, codes))
    parts: dict[str, Callable[[], object]] = {
        "classification, with intervals": lambda: classification_report(gold, predicted, labels),
        "expected calibration error, 1,000 resamples": lambda: expected_calibration_error(
            confidence[known], correct[known], resamples=1000
        ),
        "segments, with all pairs": lambda: segment_table(correct, results.scored(metric), keys, pairs=True),
        "failing slices": lambda: find_failing_segments(correct, results.scored(metric), keys),
    }
    for name, part in parts.items():
        began = perf_counter()
        part()
        print(f"{name:<44}{perf_counter() - began:9.2f}")


def main() -> None:
    """Make the tree and measure."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    python = sys.executable
    with tempfile.TemporaryDirectory() as temporary:
        folder = write_tree(Path(temporary) / "run", rows)
        (details,) = folder.rglob("details_*.parquet")
        print(f"{rows:,} rows, {len(LABELS)} labels; {details.stat().st_size / 1e6:,.0f} MB of details\n")
        print(f"{'':<44}{'seconds':>9}{'cpu':>9}{'MB':>9}{'ratio':>8}")

        first = cost_of(python, "-c", READ, str(folder))
        show("first read", first)
        some = min(rows, LITERAL_ROWS)
        pandas = cost_of(python, "-c", PANDAS_LITERALS, str(details), str(some))
        whole = Cost(pandas.seconds * rows / some, pandas.processor * rows / some, pandas.megabytes * rows / some)
        show(f"pandas and literal_eval, from {some:,} rows", whole, first)

        (table,) = (folder / ".evalayer").glob("*/rows.parquet")
        scan = cost_of(python, "-c", SCAN, str(table))
        report = cost_of(python, "-m", "evalayer_lab", "report", str(folder), "--json")
        show("DuckDB's plain scan", scan)
        show("report --json from the cache", report, scan)
        show("pandas making such tables", cost_of(python, "-c", PANDAS_TABLES, str(table)), scan)
        print()
        show_statistics(folder)
        shutil.rmtree(folder)
    print()
    limit = READ_SECONDS_PER_MILLION * rows / 1e6
    print(f"first read: {first.seconds:.0f} s of {limit:.0f} s, {first.megabytes:,.0f} MB of {READ_MEGABYTES:,} MB")
    print(f"report: {report.seconds / scan.seconds:.2f} scans of at most {MOST_SCANS}")
    if first.seconds > limit or first.megabytes > READ_MEGABYTES or report.seconds > MOST_SCANS * scan.seconds:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
