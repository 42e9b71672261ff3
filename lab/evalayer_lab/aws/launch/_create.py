"""Creates the job, once: by its name, which AWS gives only one job."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Final

from evalayer_lab.aws._errors import AwsError, asking
from evalayer_lab.aws._job import find
from evalayer_lab.aws._session import Aws
from evalayer_lab.aws.launch._plan import DIGEST_TAG, Input, Plan
from evalayer_lab.inputs import InputError, reading

Sleep = Callable[[float], object]
OnBytes = Callable[[int], object]

_ATTEMPTS: Final = 5
_LOOKS: Final = 3


@dataclass(frozen=True, slots=True)
class Launched:
    """A job.

    Attributes:
        job: its name.
        arn: its ARN.
        status: its `TrainingJobStatus`.
        created: whether it was created now, and not earlier.
        failure: why it failed, if it did.
    """

    job: str
    arn: str
    status: str
    created: bool
    failure: str = ""


def find_job(plan: Plan, aws: Aws) -> Launched | None:
    """Find the job that an earlier launch created.

    Raises:
        InputError: there is a job of that name that was launched with something else.
        AwsError: AWS cannot be asked.
    """
    found = find(aws, plan.job)
    if found is None:
        return None
    with asking("sagemaker:ListTags", f"the job {plan.job}"):
        tags = aws.sagemaker.list_tags(ResourceArn=found.arn)["Tags"]
    if {"Key": DIGEST_TAG, "Value": plan.digest} not in tags:
        raise InputError(
            f"there is a job {plan.job} already, launched with another recipe, dataset or option; give another --name"
        )
    return Launched(plan.job, found.arn, found.status, created=False, failure=found.failure)


def upload(plan: Plan, aws: Aws, on_bytes: OnBytes = lambda count: None) -> list[Input]:
    """Put the job's files where the request says they are, except for those that are there.

    Returns:
        What was uploaded.

    Raises:
        InputError: the dataset cannot be read any more, or has changed since it was checked.
        AwsError: AWS did not take them.
    """
    done = []
    for one in plan.inputs:
        if _is_there(one, aws):
            continue
        with asking("s3:PutObject", str(one.uri)):
            if isinstance(one.source, Path):
                with reading(one.source):
                    file = one.source.open("rb")
                with file:
                    content: Any = _Unchanged(file, one)
                    aws.s3.upload_fileobj(content, one.uri.bucket, one.uri.key, Callback=on_bytes)
            else:
                aws.s3.put_object(Bucket=one.uri.bucket, Key=one.uri.key, Body=one.source)
                on_bytes(one.size)
        done.append(one)
    return done


class _Unchanged:
    """The content of a file as long as it is what was checked: its last piece is given only with the right digest."""

    def __init__(self, file: BinaryIO, one: Input) -> None:
        self._file = file
        self._one = one
        self._digest = sha256()

    def read(self, size: int = -1) -> bytes:
        """Read the next piece."""
        piece = self._file.read(size)
        self._digest.update(piece)
        is_last = size < 0 or len(piece) < size
        if is_last and self._digest.hexdigest() != self._one.sha256:
            raise InputError("has changed since it was checked; give the same command again", path=self._file.name)
        return piece


def _is_there(one: Input, aws: Aws) -> bool:
    try:
        with asking("s3:GetObject", str(one.uri)):
            return aws.s3.head_object(Bucket=one.uri.bucket, Key=one.uri.key)["ContentLength"] == one.size
    except AwsError as failure:
        if failure.kind in {"missing", "denied"}:  # denied is also the answer for what is missing and cannot be listed
            return False
        raise


def create_job(plan: Plan, aws: Aws, sleep: Sleep = time.sleep) -> Launched:
    """Create the job.

    CreateTrainingJob is repeated only where AWS refused it for its rate. Where no answer came, the job is looked for
    by its name, so that none is created twice.

    Raises:
        InputError: there is a job of that name that was launched with something else.
        AwsError: AWS did not create it, or it cannot be known whether it did.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with asking("sagemaker:CreateTrainingJob", f"the job {plan.job}"):
                arn = aws.sagemaker_once.create_training_job(**plan.request)["TrainingJobArn"]
            return Launched(plan.job, arn, "InProgress", created=True)
        except AwsError as failure:
            if failure.kind == "throttled" and attempt < _ATTEMPTS:
                sleep(2**attempt * random.uniform(0.5, 1))  # noqa: S311 (jitter)
                continue
            if failure.code != "ResourceInUse" and failure.kind not in {"unanswered", "unreachable"}:
                raise
            found = _look(plan, aws, sleep)
            if found is None:
                raise AwsError(
                    f"{failure}. There is no job {plan.job} so far; run the same command again: it finds the job or "
                    "creates it, and never creates a second one",
                    failure.kind,
                    failure.code,
                ) from failure
            return found
    raise AssertionError("the last attempt returns or raises")


def _look(plan: Plan, aws: Aws, sleep: Sleep) -> Launched | None:
    for look in range(_LOOKS):
        if look:
            sleep(2.0**look)
        if found := find_job(plan, aws):
            return found
    return None
