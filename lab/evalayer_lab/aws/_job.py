"""A training job, as AWS describes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from evalayer_lab.aws._errors import AwsError, asking, one_line
from evalayer_lab.aws._session import Aws
from evalayer_lab.inputs import InputError

_ENDED: Final = {"Completed", "Failed", "Stopped"}


@dataclass(frozen=True, slots=True)
class Job:
    """What AWS says of a job.

    Attributes:
        name: its name.
        arn: its ARN.
        status: `InProgress`, `Completed`, `Failed`, `Stopping` or `Stopped`.
        secondary: what it does, such as `Downloading` or `Training`.
        message: what AWS adds to that.
        failure: why it failed; empty if it did not.
        output: the S3 URI that it writes below, without the job's name.
        created: when it was created.
        ended: when it ended; None if it did not.
        billable_seconds: what is paid for, of each instance; None if not known yet.
    """

    name: str
    arn: str
    status: str
    secondary: str
    message: str
    failure: str
    output: str
    created: datetime
    ended: datetime | None
    billable_seconds: int | None

    @property
    def has_ended(self) -> bool:
        """Whether nothing changes any more."""
        return self.status in _ENDED


def find(aws: Aws, name: str) -> Job | None:
    """Ask for a job; None if there is none of that name.

    Raises:
        AwsError: AWS cannot be asked.
    """
    try:
        with asking("sagemaker:DescribeTrainingJob", f"the job {name}"):
            found = aws.sagemaker.describe_training_job(TrainingJobName=name)
    except AwsError as failure:
        if failure.kind == "missing" or failure.code == "ValidationException":  # "Requested resource not found."
            return None
        raise
    transitions = found.get("SecondaryStatusTransitions", [])
    return Job(
        name=name,
        arn=found["TrainingJobArn"],
        status=found["TrainingJobStatus"],
        secondary=found["SecondaryStatus"],
        message=one_line(transitions[-1].get("StatusMessage", "")) if transitions else "",
        failure=one_line(found.get("FailureReason", "")),
        output=found["OutputDataConfig"]["S3OutputPath"],
        created=found["CreationTime"],
        ended=found.get("TrainingEndTime"),
        billable_seconds=found.get("BillableTimeInSeconds"),
    )


def describe(aws: Aws, name: str) -> Job:
    """Ask for a job.

    Raises:
        InputError: there is no such job.
        AwsError: AWS cannot be asked.
    """
    job = find(aws, name)
    if job is None:
        raise InputError(f"there is no job {name} in {aws.region}; give --region if it runs elsewhere")
    return job
