"""Watches a job until it ends."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Final

from evalayer_lab.aws._errors import AwsError
from evalayer_lab.aws._job import Job, describe
from evalayer_lab.aws._session import Aws

_FIRST_SECONDS: Final = 5.0
_MOST_SECONDS: Final = 60.0
_GROWTH: Final = 1.5
_JITTER: Final = 0.2
_FAILURES: Final = 5


def wait(
    aws: Aws,
    name: str,
    on_poll: Callable[[Job], object],
    *,
    sleep: Callable[[float], object] = time.sleep,
    jitter: Callable[[], float] = random.random,
) -> Job:
    """Ask for a job again and again until it has ended.

    The pauses grow from 5 to 60 seconds, each varied by a fifth. Up to five calls in a row may fail for a passing
    reason. The job is not touched.

    Args:
        aws: the job's region.
        name: the job.
        on_poll: is called with each answer.
        sleep: waits that many seconds.
        jitter: gives numbers from 0 to 1.

    Returns:
        The job at its end.

    Raises:
        InputError: there is no such job.
        AwsError: AWS cannot be asked.
    """
    pause, failures = _FIRST_SECONDS, 0
    while True:
        try:
            job = describe(aws, name)
        except AwsError as failure:
            failures += 1
            if not failure.is_passing or failures >= _FAILURES:
                raise
        else:
            failures = 0
            on_poll(job)
            if job.has_ended:
                return job
        sleep(pause * (1 + _JITTER * (2 * jitter() - 1)))
        pause = min(pause * _GROWTH, _MOST_SECONDS)
