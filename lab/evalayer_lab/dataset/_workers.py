"""Parts of a large dataset, counted in processes of their own.

A worker is a program: it reads one task a line and answers each with one line. Unlike the pools of
the standard library, that way nothing of the caller's own program is run a second time.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from subprocess import DEVNULL, PIPE, Popen
from typing import Any, Final

import orjson

from evalayer_lab.dataset._content import Tally, tally
from evalayer_lab.dataset._kinds import Kind
from evalayer_lab.dataset._lines import Span
from evalayer_lab.inputs import InputError

_MOST: Final = 4
_PROGRAM: Final = f"from {__name__} import work; work()"


def processors() -> int:
    """How many workers there should be: one for each processor that this process may use, at most 4."""
    try:
        usable = len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        usable = os.cpu_count() or 1
    return min(usable, _MOST)


def tally_in_parallel(path: str, kind: Kind, spans: Iterable[Span], *, limit: int, workers: int) -> Iterator[Tally]:
    """Count each span in one of several processes and yield the tallies in order.

    A span that no worker answers for is counted in this process.

    Raises:
        InputError: the file cannot be read or is of another format.
    """
    started = list(_start(workers))
    idle: SimpleQueue[Popen[bytes]] = SimpleQueue()
    for worker in started:
        idle.put(worker)

    def count(span: Span) -> Tally:
        answer = None
        if started:
            worker = idle.get()
            answer = _ask(worker, {"path": path, "kind": kind, "span": span, "limit": limit})
            idle.put(worker)
        return tally(path, kind, span, limit=limit) if answer is None else Tally.from_json(answer, path, limit)

    threads = ThreadPoolExecutor(len(started) or 1)
    try:
        yield from threads.map(count, spans)
    finally:
        threads.shutdown(cancel_futures=True)
        for worker in started:
            worker.kill()
            worker.communicate()


def _start(workers: int) -> Iterator[Popen[bytes]]:
    for _ in range(workers):
        try:
            yield Popen([sys.executable, "-P", "-c", _PROGRAM], stdin=PIPE, stdout=PIPE, stderr=DEVNULL)  # noqa: S603
        except OSError:  # no such interpreter, or no room for another process
            return


def _ask(worker: Popen[bytes], task: dict[str, Any]) -> dict[str, Any] | None:
    """A worker's answer; None if it has none."""
    if worker.stdin is None or worker.stdout is None:
        raise AssertionError("a worker is started with pipes")
    try:
        worker.stdin.write(json.dumps(task).encode() + b"\n")
        worker.stdin.flush()
        answer = orjson.loads(worker.stdout.readline())
    except (OSError, orjson.JSONDecodeError):  # it has ended
        return None
    return answer if isinstance(answer, dict) else None


def work() -> None:
    """Be a worker: answer the tasks on standard input until there are no more."""
    for line in sys.stdin.buffer:
        task = json.loads(line)
        try:
            answer = tally(task["path"], task["kind"], tuple(task["span"]), limit=task["limit"]).to_json()
        except InputError:
            answer = None  # the parent will meet it too
        sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
        sys.stdout.buffer.flush()
