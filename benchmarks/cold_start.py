"""A fresh process that builds a handler of two plain metrics and answers one event, beside a bare interpreter.

The runs are interleaved, so that a busy moment of the machine meets all three alike.
"""

import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

RUNS = 31
GOAL_MS = 25.0
GOAL_SHARE = 1 / 3
ANSWER = "from _event import POSTPROCESS; from {} import lambda_handler; lambda_handler(POSTPROCESS, None)"
PROGRAMS = {
    "bare interpreter": "pass",
    "evalayer": ANSWER.format("_evalayer_handler"),
    "pydantic models": ANSWER.format("_pydantic_handler"),
}


def milliseconds(program: str, bytecode: str) -> float:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment["PYTHONPYCACHEPREFIX"] = bytecode
    started = perf_counter()
    subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parent, env=environment, check=True)
    return (perf_counter() - started) * 1000


def main() -> None:
    times: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    with TemporaryDirectory() as bytecode:
        for program in PROGRAMS.values():
            milliseconds(program, bytecode)  # compiles every module, as an installation does
        for _ in range(RUNS):
            for name, program in PROGRAMS.items():
                times[name].append(milliseconds(program, bytecode))
    medians = {name: median(runs) for name, runs in times.items()}
    bare, ours, theirs = medians.values()
    print(f"cold start: one process, one handler, one event; median of {RUNS} interleaved runs")
    print(f"{'':18}{'ms':>8}{'added ms':>10}{'of pydantic':>13}")
    for name, value in medians.items():
        print(f"{name:18}{value:8.1f}{value - bare:10.1f}{(value - bare) / (theirs - bare):13.2f}")
    share = (ours - bare) / (theirs - bare)
    print(f"at most {GOAL_MS:.0f} ms added: {'yes' if ours - bare <= GOAL_MS else 'NO'}")
    print(f"at most a third of what pydantic adds: {'yes' if share <= GOAL_SHARE else 'NO'}")


if __name__ == "__main__":
    main()
