"""Pieces of work shared between processes.

A worker is a program of its own that reads one piece a line and answers each with one line. Unlike with the pools of
the standard library, the caller's main module is not imported a second time, so a script needs no guard.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from importlib import import_module
from queue import SimpleQueue
from typing import Any, Final, TypeAlias

from evalayer_lab.inputs import InputError

Piece: TypeAlias = Mapping[str, Any]
Task: TypeAlias = Callable[[Piece], Any]
# The import path is handed on, for the caller may have changed it.
_PROGRAM: Final = (
    f"import json, sys; sys.path[:] = json.loads(sys.argv[1]); from {__name__} import serve; serve(sys.argv[2])"
)


def cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def work_all(
    task: str, pieces: Iterable[Piece], *, workers: int, on_loss: Callable[[Piece, str], Any]
) -> Iterator[Any]:
    """Do every piece of work, and yield the outcomes in the order of the pieces.

    Args:
        task: `"module:function"`, a function from a piece to its outcome.
        pieces: the pieces; they and their outcomes are values that JSON can hold.
        workers: how many processes to share them between; with fewer than 2, this process does them all.
        on_loss: gives the outcome of a piece whose process ended without one, from the piece and what became of the
            process; is called in this process, in order.

    Raises:
        InputError: the task raised it; of several such pieces, for the first.
    """
    todo = list(pieces)
    workers = min(workers, len(todo))
    if workers < 2 or not sys.executable:
        yield from map(_load(task), todo)
        return
    idle: SimpleQueue[_Worker] = SimpleQueue()

    def hand_out(piece: Piece) -> Any:
        worker = idle.get()
        try:
            return worker.work(piece)
        finally:
            idle.put(worker)

    with ExitStack() as stack:
        for _ in range(workers):
            worker = _Worker(task)
            stack.callback(worker.stop)
            idle.put(worker)
        threads = ThreadPoolExecutor(workers)
        stack.callback(threads.shutdown, wait=False, cancel_futures=True)
        futures = [threads.submit(hand_out, piece) for piece in todo]
        for piece, future in zip(todo, futures, strict=True):
            outcome = future.result()
            yield on_loss(piece, outcome.reason) if isinstance(outcome, _Lost) else outcome


def serve(task: str) -> None:
    """Be a worker: do the pieces that come in on standard input, and answer each with a line."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this process ends it
    answers, sys.stdout = sys.stdout, sys.stderr
    work = _load(task)
    for line in sys.stdin:
        try:
            answer = {"outcome": work(json.loads(line))}
        except InputError as error:
            fields = {"reason": error.reason, "path": error.path, "line": error.line, "field": error.field}
            answer = {"error": fields}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


@dataclass(frozen=True, slots=True)
class _Lost:
    """There is no outcome."""

    reason: str


class _Worker:
    """A process that does pieces of work; started with the first one, and again after it ended."""

    def __init__(self, task: str) -> None:
        self._task = task
        self._process: subprocess.Popen[str] | None = None

    def work(self, piece: Piece) -> Any:
        try:
            process = self._process or self._start()
        except OSError as error:
            return _Lost(f"could not be started: {error.strerror}")
        line = ""
        if process.stdin is not None and process.stdout is not None:
            with suppress(BrokenPipeError):
                process.stdin.write(json.dumps(piece) + "\n")
                process.stdin.flush()
                line = process.stdout.readline()
        if not line:
            status = process.wait()
            self.stop()
            return _Lost(f"ended with status {status}")
        answer = json.loads(line)
        if "error" in answer:
            raise InputError(**answer["error"])
        return answer["outcome"]

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):
                    if pipe is not None:
                        pipe.close()

    def _start(self) -> subprocess.Popen[str]:
        self._process = subprocess.Popen(  # noqa: S603 (this interpreter, and nothing of the input)
            [sys.executable, "-c", _PROGRAM, json.dumps(sys.path), self._task],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="ascii",
        )
        return self._process


def _load(task: str) -> Task:
    module, _, name = task.partition(":")
    function: Task = getattr(import_module(module), name)
    return function
