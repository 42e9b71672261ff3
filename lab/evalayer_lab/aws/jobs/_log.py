"""The log of a job in CloudWatch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from evalayer_lab.aws._errors import AwsError, asking, one_line
from evalayer_lab.aws._session import Aws

if TYPE_CHECKING:
    from mypy_boto3_logs.type_defs import GetLogEventsRequestTypeDef

GROUP: Final = "/aws/sagemaker/TrainingJobs"
_MOST_STREAMS: Final = 16
_MOST_PAGES: Final = 100


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
