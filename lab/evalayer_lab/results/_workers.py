"""Pieces of work on all cores, in processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import asdict
from queue import SimpleQueue
from typing import Final

from evalayer_lab.inputs import InputError
from evalayer_lab.results._pieces import Outcome, Piece

_MAX_WORKERS: Final = 16
# The import path is handed on, for the caller may have changed it. Unlike with multiprocessing, the caller's main
# module is not imported again, so a script that reads results needs no guard.
_PROGRAM: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from evalayer_lab.results._workers import serve; serve()"
)


def cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def work_all(pieces: Sequence[Piece], *, workers: int, on_done: Callable[[Outcome], object]) -> list[Outcome]:
    """Do every piece of work, and return the outcomes in the order of the pieces.

    Args:
        pieces: the pieces.
        workers: how many processes to share them between; with fewer than 2, this process does them all.
        on_done: is called in this thread with every outcome, in order.

    Raises:
        InputError: what a piece reads is damaged; of several such pieces, the first.
    """
    outcomes: list[Outcome] = []
    workers = min(workers, len(pieces), _MAX_WORKERS)
    if workers < 2 or not sys.executable:
        for piece in pieces:
            outcomes.append(_work(piece))
            on_done(outcomes[-1])
        return outcomes
    idle: SimpleQueue[_Worker] = SimpleQueue()

    def hand_out(piece: Piece) -> Outcome:
        worker = idle.get()
        try:
            return worker.work(piece)
        finally:
            idle.put(worker)

    with ExitStack() as stack:
        for _ in range(workers):
            worker = _Worker()
            stack.callback(worker.stop)
            idle.put(worker)
        threads = ThreadPoolExecutor(workers)
        stack.callback(threads.shutdown, wait=False, cancel_futures=True)
        for future in [threads.submit(hand_out, piece) for piece in pieces]:
            outcomes.append(future.result())
            on_done(outcomes[-1])
    return outcomes


def serve() -> None:
    """Do the pieces of work that come in on standard input, one JSON object a line, and answer each with a line."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this process ends it
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        try:
            answer = {"outcome": asdict(_work(Piece.from_json(json.loads(line))))}
        except InputError as error:
            fields = {"reason": error.reason, "path": error.path, "line": error.line, "field": error.field}
            answer = {"error": fields}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


class _Worker:
    """A process that does pieces of work; started with the first one, and again after it died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def work(self, piece: Piece) -> Outcome:
        if self._process is None:
            self._process = subprocess.Popen(  # noqa: S603 (this interpreter, and nothing of the input)
                [sys.executable, "-c", _PROGRAM, json.dumps(sys.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                encoding="ascii",
            )
        process = self._process
        line = ""
        if process.stdin is not None and process.stdout is not None:
            try:
                process.stdin.write(json.dumps(asdict(piece)) + "\n")
                process.stdin.flush()
                line = process.stdout.readline()
            except BrokenPipeError:
                pass
        if not line:
            status = process.wait()
            self.stop()
            reason = f"the process that read it ended with status {status}; it may be damaged, or memory ran out"
            if not piece.partial:
                raise InputError(reason, path=piece.file)
            return Outcome(problems=[f"{piece.name}: {reason}"])
        answer = json.loads(line)
        if "error" in answer:
            raise InputError(**answer["error"])
        return Outcome(**answer["outcome"])

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):
                    if pipe is not None:
                        pipe.close()


def _work(piece: Piece) -> Outcome:
    if piece.kind == "details":
        from evalayer_lab.results._shred import shred

        return shred(piece)
    from evalayer_lab.results._inferences import list_inferences

    return list_inferences(piece)
