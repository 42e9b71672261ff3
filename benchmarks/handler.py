"""Warm events a second, beside the same contract on pydantic models, in one process.

The rounds are interleaved, so that a busy moment of the machine meets both alike.
"""

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import _evalayer_handler
import _pydantic_handler
from _event import POSTPROCESS, PREPROCESS

ROUNDS = 15
EVENTS = 5000
HANDLERS: dict[str, Callable[[Any, Any], Any]] = {
    "evalayer": _evalayer_handler.lambda_handler,
    "pydantic models": _pydantic_handler.lambda_handler,
}


def events_per_second(handler: Callable[[Any, Any], Any], event: object) -> float:
    started = perf_counter()
    for _ in range(EVENTS):
        handler(event, None)
    return EVENTS / (perf_counter() - started)


def main() -> None:
    print(f"warm handler: events a second, median of {ROUNDS} interleaved rounds of {EVENTS}")
    print(f"{'':18}{'evalayer':>12}{'pydantic':>12}{'ratio':>8}")
    for kind, event in (("preprocess", PREPROCESS), ("postprocess", POSTPROCESS)):
        answers = [handler(event, None) for handler in HANDLERS.values()]
        if answers[0] != answers[1]:
            raise SystemExit(f"the two handlers disagree on a {kind} event: {answers}")
        rates: dict[str, list[float]] = {name: [] for name in HANDLERS}
        for _ in range(ROUNDS):
            for name, handler in HANDLERS.items():
                rates[name].append(events_per_second(handler, event))
        ours, theirs = (median(rounds) for rounds in rates.values())
        print(f"{kind:18}{ours:12,.0f}{theirs:12,.0f}{ours / theirs:8.2f}")


if __name__ == "__main__":
    main()
