"""The local twin: 100,000 rows through both process types of the support ticket task, with an instant model.

Prints rows a second, the share of each stage, and the peak of memory, beside a plain loop that calls the same handler
on the same rows in the same run and writes one JSON line a row: no reader that checks, no journal, no parquet.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
ROWS = 100_000
TARGET_ROWS_A_SECOND = 5_000
TARGET_MEGABYTES = 400


def make_data(folder: Path) -> None:
    """Repeat the bundled tickets, each time with a number of its own, and answer each with its gold or a flaw."""
    rows = [json.loads(line) for line in (ROOT / "data/support_tickets/gen_qa.jsonl").read_text("utf-8").splitlines()]
    flaws = [
        json.loads(line)["inference"]
        for line in (ROOT / "data/support_tickets/answers.jsonl").read_text("utf-8").splitlines()
    ]
    with (
        (folder / "gen_qa.jsonl").open("w", encoding="utf-8") as data,
        (folder / "answers.jsonl").open("w", encoding="utf-8") as answers,
    ):
        for index in range(ROWS):
            row = rows[index % len(rows)]
            query = f"{row['query']}\n(ticket {index})"
            answer = flaws[index // 7 % len(flaws)] if index % 7 == 0 else row["response"]
            data.write(json.dumps({**row, "query": query}, ensure_ascii=False) + "\n")
            answers.write(json.dumps({"query": query, "inference": answer}, ensure_ascii=False) + "\n")


def run_twin(folder: Path) -> None:
    """Run the twin in this process and print what it took as JSON."""
    from evalayer_lab.backends.replay import ReplayBackend
    from evalayer_lab.function import load_handler
    from evalayer_lab.recipe import read_recipe
    from evalayer_lab.run import RunPlan, run

    plan = RunPlan(
        recipe=read_recipe(ROOT / "recipes/support_tickets.yaml")[0],
        recipe_path=ROOT / "recipes/support_tickets.yaml",
        data=folder / "gen_qa.jsonl",
        handler=load_handler(str(ROOT / "processors/app.py") + ":lambda_handler"),
        backend=ReplayBackend(folder / "answers.jsonl"),
        output=folder / "output",
    )
    started = perf_counter()
    outcome = run(plan)
    report(perf_counter() - started, outcome.processed, asdict(outcome.seconds))


def run_loop(folder: Path) -> None:
    """Call the handler in a plain loop and print what it took as JSON."""
    from evalayer_lab.function import load_handler

    handler = load_handler(str(ROOT / "processors/app.py") + ":lambda_handler").call
    with (folder / "answers.jsonl").open(encoding="utf-8") as lines:
        answers = {answer["query"]: answer["inference"] for answer in map(json.loads, lines)}
    started = perf_counter()
    done = 0
    with (folder / "gen_qa.jsonl").open(encoding="utf-8") as data, (folder / "loop.jsonl").open("w") as out:
        for line in data:
            row = json.loads(line)
            sample = {"system": row.get("system"), "prompt": row["query"], "gold": row["response"]}
            body = handler({"process_type": "preprocess", "data": sample}, None)["body"]
            completion = {
                "prompt": body["prompt"],
                "inference_output": answers[row["query"]],
                "gold": body["gold"],
            }
            scores = handler({"process_type": "postprocess", "data": completion}, None)["body"]
            out.write(json.dumps({**completion, "scores": scores}) + "\n")
            done += 1
    report(perf_counter() - started, done, {})


def report(seconds: float, rows: int, stages: dict[str, float]) -> None:
    """Print one measurement for the parent process."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "rows": rows, "stages": stages, "megabytes": peak}))


class Measured(NamedTuple):
    """What one mode took."""

    seconds: float
    rows: int
    stages: dict[str, float]
    megabytes: float


def measure(mode: str, folder: Path) -> Measured:
    """Measure one mode in a fresh process."""
    process = subprocess.run([sys.executable, __file__, mode, str(folder)], capture_output=True, text=True, check=True)
    return Measured(**json.loads(process.stdout.splitlines()[-1]))


def main() -> None:
    """Measure both and print them side by side."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_data(folder)
        twin, loop = measure("twin", folder), measure("loop", folder)
    print(f"{ROWS:,} rows, both process types, the support ticket task, an instant replay model, one process\n")
    print(f"{'':<28}{'rows/s':>8}{'seconds':>10}{'peak MB':>10}{'ratio':>8}")
    for label, measured in (("evalayer run", twin), ("plain loop, no output tree", loop)):
        speed = measured.rows / measured.seconds
        ratio = twin.seconds / measured.seconds
        print(f"{label:<28}{speed:>8,.0f}{measured.seconds:>10.1f}{measured.megabytes:>10.0f}{ratio:>8.2f}")
    print("\nshare of each stage of evalayer run")
    for stage, seconds in twin.stages.items():
        print(f"  {stage:<12}{seconds / twin.seconds:>6.0%}{seconds / ROWS * 1e6:>8.0f} us a row")
    print(f"\ntarget: at least {TARGET_ROWS_A_SECOND:,} rows/s in under {TARGET_MEGABYTES} MB")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        {"twin": run_twin, "loop": run_loop}[sys.argv[1]](Path(sys.argv[2]))
    else:
        main()
