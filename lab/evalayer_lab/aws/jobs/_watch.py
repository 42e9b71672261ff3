"""Watches a job until it ends, and reads its log in CloudWatch."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from evalayer_lab.aws._errors import AwsError, asking, one_line
from evalayer_lab.aws._job import Job, describe
from evalayer_lab.aws._session import Aws

if TYPE_CHECKING:
    from mypy_boto3_logs.type_defs import GetLogEventsRequestTypeDef

_FIRST_SECONDS: Final = 5.0
_MOST_SECONDS: Final = 60.0
_GROWTH: Final = 1.5
_JITTER: Final = 0.2
_FAILURES: Final = 5
GROUP: Final = "/aws/sagemaker/TrainingJobs"
_MOST_STREAMS: Final = 16
_MOST_PAGES: Final = 100


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


def tail(aws: Aws, job: str, lines: int) -> list[str]:
    """Return the last lines of a job's log, of each of its instances; nothing if it has no log.

    Raises:
        AwsError: AWS cannot be asked.
    """
    found = []
    for stream in _streams(aws, job):
        with asking("logs:GetLogEvents", f"the log of {job}"):
            events = aws.logs.get_log_events(logGroupName=GROUP, logStreamName=stream, limit=lines, startFromHead=False)
        found += [_shown(stream, event.get("message", "")) for event in events["events"][-lines:]]
    return found


class LogReader:
    """Reads what is new in the log of a job, each time it is asked.

    Args:
        aws: the job's region.
        job: the job.
    """

    def __init__(self, aws: Aws, job: str) -> None:
        self._aws = aws
        self._job = job
        self._tokens: dict[str, str] = {}

    def read(self) -> Iterator[str]:
        """Yield the lines that came since the last time.

        Raises:
            AwsError: AWS cannot be asked.
        """
        for stream in _streams(self._aws, self._job):
            for _ in range(_MOST_PAGES):
                token = self._tokens.get(stream)
                request: GetLogEventsRequestTypeDef = {
                    "logGroupName": GROUP,
                    "logStreamName": stream,
                    "startFromHead": True,
                }
                if token:
                    request["nextToken"] = token
                with asking("logs:GetLogEvents", f"the log of {self._job}"):
                    page = self._aws.logs.get_log_events(**request)
                yield from (_shown(stream, event.get("message", "")) for event in page["events"])
                self._tokens[stream] = page["nextForwardToken"]
                if page["nextForwardToken"] == token:  # as at the end of a stream
                    break


def _streams(aws: Aws, job: str) -> list[str]:
    try:
        with asking("logs:DescribeLogStreams", f"the log of {job}"):
            found = aws.logs.describe_log_streams(
                logGroupName=GROUP, logStreamNamePrefix=f"{job}/", limit=_MOST_STREAMS
            )
    except AwsError as failure:
        if failure.kind == "missing":
            return []
        raise
    return [stream["logStreamName"] for stream in found["logStreams"] if "logStreamName" in stream]


def _shown(stream: str, message: str) -> str:
    """Write a line with its instance, and without what would steer a terminal."""
    instance = stream.partition("/")[2].rpartition("-")[0] or stream
    return f"{instance}: {one_line(message)}"
