"""How a cost grows with the size of the work: it tells a square from a line on any machine, which no seconds do."""

from collections.abc import Callable
from time import thread_time

TIMES = 4
MOST = 2.0 * TIMES  # the geometric mean of 4, a line's, and of 16, a square's
ROUNDS = 6


def seconds(work: Callable[[], object]) -> float:
    """Return the processor time that this thread needs for some work; what else the machine does hardly counts."""
    started = thread_time()
    work()
    return thread_time() - started


def assert_linear(work: Callable[[int], object], size: int) -> None:
    """Check that work of four times the size costs about four times as much, and not sixteen times.

    Args:
        work: does work of a size.
        size: the smaller one; a square of it has to be much more than adding up 50,000 numbers, which is the least
            that counts.
    """
    small = large = least = float("inf")
    for turn in range(ROUNDS):  # the least of several, for other processes can only add to a cost
        least = min(least, seconds(lambda: sum(range(50_000))))
        small = min(small, seconds(lambda: work(size)))
        large = min(large, seconds(lambda: work(TIMES * size)))
        if turn and large <= MOST * max(small, least):
            return
    raise AssertionError(f"work of {TIMES} times the size costs {large / max(small, least):.1f} times as much")


def assert_within(work: Callable[[], object], times: float, rows: int) -> None:
    """Check that some work on many rows costs at most so many times what a loop of Python over these rows does."""

    def walk() -> float:
        total = 0.0
        for row in range(rows):
            total += row * 0.5
        return total

    loop = cost = float("inf")
    for _ in range(ROUNDS):
        loop, cost = min(loop, seconds(walk)), min(cost, seconds(work))
        if cost <= times * loop:
            return
    raise AssertionError(f"the work costs {cost / loop:.1f} loops over the rows; at most {times} are fine")
