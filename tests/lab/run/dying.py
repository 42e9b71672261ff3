"""Runs `evalayer run` in processes that die: python dying.py ARGUMENT…

It reads a line for each run, in JSON its output folder, what ends it, and a number, and prints how it ended, as a wait
status. A run dies before its nth change of a file below the folder ("change"), before its nth "row", of which the
handler tells by an audit event, or in the middle of the write that makes a file larger than so many "bytes". The
libraries are imported once, and every run is a fork of that.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from typing import Any

import duckdb  # noqa: F401 (what a run needs)
import pyarrow.parquet  # noqa: F401
import scipy.stats  # noqa: F401
import tensorboardX  # noqa: F401

import evalayer_lab.cli.run
import evalayer_lab.report
import evalayer_lab.results
import evalayer_lab.run  # noqa: F401
from evalayer_lab.cli import main

CHANGES = {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate"}


def dies_before(is_step: Callable[[str, tuple[Any, ...]], bool], number: int) -> None:
    """Kill this process when a step comes for the nth time."""
    left = number

    def watch(event: str, values: tuple[Any, ...]) -> None:
        nonlocal left
        if is_step(event, values):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def run(output: str, kind: str = "", number: int = 0) -> None:
    """Run until the death, or to the end."""

    def is_change(event: str, values: tuple[Any, ...]) -> bool:
        opened = event == "open" and isinstance(values[2], int) and bool(values[2] & (os.O_WRONLY | os.O_RDWR))
        return (opened or event in CHANGES) and str(values[0]).startswith(output)

    if kind == "change":
        dies_before(is_change, number)
    elif kind == "row":
        dies_before(lambda event, values: event == "row", number)
    elif kind == "bytes":
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (number, number))
    sys.argv = ["evalayer", "run", *sys.argv[1:], "--output", output]
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    main()


if __name__ == "__main__":
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            run(*json.loads(line))
        print(os.waitpid(child, 0)[1], flush=True)
