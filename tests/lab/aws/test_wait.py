"""Watching a job."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.lab.aws.conftest import never
from tests.lab.conftest import REGION, Run, Server

from evalayer_lab.aws import Aws, AwsError, Job
from evalayer_lab.aws.jobs import LogReader, tail, wait
from evalayer_lab.inputs import InputError

RUNNING = {"TrainingJobStatus": "InProgress", "SecondaryStatus": "Training", "TrainingEndTime": None}
FAILED = {
    "TrainingJobStatus": "Failed",
    "SecondaryStatus": "Failed",
    "FailureReason": "AlgorithmError: \x1b[31mno rows",
}
GROUP = "/aws/sagemaker/TrainingJobs"


def _log(aws: Server, job: str, instance: int, *lines: str) -> None:
    logs = aws.client("logs")
    if not logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"]:
        logs.create_log_group(logGroupName=GROUP)
    stream = f"{job}/algo-{instance}-1765000000"
    if not logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=stream)["logStreams"]:
        logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": line} for line in lines]
    logs.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=events)


def test_it_waits_until_the_end_with_growing_pauses(aws: Server, session: Aws, job: str) -> None:
    aws.plan(jobs={job: [RUNNING] * 9 + [{}]})
    pauses: list[float] = []
    seen: list[Job] = []
    ended = wait(session, job, seen.append, sleep=pauses.append, jitter=lambda: 0.5)
    assert ended.status == "Completed"
    assert [one.status for one in seen] == ["InProgress"] * 9 + ["Completed"]
    assert pauses[:3] == [5.0, 7.5, 11.25]
    assert pauses[-1] == 60.0
    assert sorted(pauses) == pauses


def test_the_pauses_vary_by_a_fifth(aws: Server, session: Aws, job: str) -> None:
    for jitter, expected in ((0.0, 4.0), (1.0, 6.0)):
        aws.plan(jobs={job: [RUNNING, {}]})
        pauses: list[float] = []
        wait(session, job, lambda found: None, sleep=pauses.append, jitter=lambda value=jitter: value)  # type: ignore[misc]
        assert pauses == [pytest.approx(expected)]


def test_a_few_failed_calls_do_not_end_the_watch(aws: Server, session: Aws, job: str) -> None:
    aws.plan(faults={"DescribeTrainingJob": ["throttled", "broken", "unheard", "throttled"]})
    assert wait(session, job, lambda found: None, sleep=lambda seconds: None).status == "Completed"
    aws.plan(faults={"DescribeTrainingJob": ["broken"] * 5})
    with pytest.raises(AwsError, match="failed on AWS's side"):
        wait(session, job, lambda found: None, sleep=lambda seconds: None)
    aws.plan(faults={"DescribeTrainingJob": ["expired"]})
    with pytest.raises(AwsError, match="does not accept the credentials"):
        wait(session, job, lambda found: None, sleep=never)


def test_a_job_that_is_not_there(session: Aws) -> None:
    with pytest.raises(InputError, match="there is no job nothing in us-east-1; give --region"):
        wait(session, "nothing", lambda found: None, sleep=never)


def test_a_completed_job(aws: Server, job: str, run_command: Run) -> None:
    done = run_command("wait", job)
    assert done.code == 0
    assert done.out.splitlines()[-1] == f"Fetch:  evalayer fetch {job} --region {REGION}"
    assert "Completed, Completed" in done.err
    found = run_command("wait", job, "--json").json
    assert (found["name"], found["status"], found["failure"]) == (job, "Completed", "")
    assert found["output"] == "s3://results/x"


@pytest.mark.parametrize(("state", "reason"), [(FAILED, r"AlgorithmError: "), ({**FAILED, "FailureReason": ""}, "")])
def test_a_failed_job_shows_why_and_the_tail_of_its_log(
    aws: Server, job: str, run_command: Run, state: dict[str, Any], reason: str
) -> None:
    _log(aws, job, 1, *(f"line {number}" for number in range(50)), "Unexpected error: \x1b[31mred")
    _log(aws, job, 2, "another instance")
    _log(aws, "letters-other", 1, "of another job")
    aws.plan(jobs={job: [state]})
    done = run_command("wait", job)
    assert done.code == 1
    assert done.out.startswith("Failed: " + reason)
    assert "algo-1: line 49\nalgo-1: Unexpected error: [31mred\nalgo-2: another instance\n" in done.err
    assert "line 10\n" not in done.err
    assert "other job" not in done.err
    assert "\x1b" not in done.err + done.out


def test_a_failed_job_without_a_log(aws: Server, job: str, run_command: Run) -> None:
    aws.plan(jobs={job: [FAILED]})
    assert "the job has no log" in run_command("wait", job).err
    aws.plan(faults={"DescribeLogStreams": ["denied"]})
    done = run_command("wait", job)
    assert done.code == 1
    assert "the credentials may not call logs:DescribeLogStreams" in done.err


def test_a_stopped_job(aws: Server, job: str, run_command: Run) -> None:
    state = {"TrainingJobStatus": "Stopped", "SecondaryStatus": "MaxRuntimeExceeded", "SecondaryStatusTransitions": []}
    aws.plan(jobs={job: [state]})
    done = run_command("wait", job, "--json")
    assert (done.code, done.json["status"], done.json["secondary"]) == (1, "Stopped", "MaxRuntimeExceeded")


def test_the_log_is_followed(aws: Server, session: Aws, job: str) -> None:
    reader = LogReader(session, job)
    assert list(reader.read()) == []
    _log(aws, job, 1, "one", "two")
    assert list(reader.read()) == ["algo-1: one", "algo-1: two"]
    assert list(reader.read()) == []
    _log(aws, job, 1, "three")
    assert list(reader.read()) == ["algo-1: three"]
    assert tail(session, job, 2) == ["algo-1: two", "algo-1: three"]


def test_the_log_is_printed(aws: Server, job: str, run_command: Run) -> None:
    _log(aws, job, 1, "Inferencing server has started.")
    done = run_command("wait", job, "--logs")
    assert done.code == 0
    assert done.err.startswith("algo-1: Inferencing server has started.\n")


def test_ctrl_c_does_not_stop_the_job(aws: Server, job: str) -> None:
    aws.plan(jobs={job: [RUNNING]})
    # A program that was started in the background, as these tests may be, ignores the signal.
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = f"{heed}; from evalayer_lab.cli.wait import wait; wait(['{job}'])"
    root = Path(__file__).parents[3]
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=root,
        env=os.environ,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr
        first = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        process.wait()
    assert "InProgress, Training" in first
    assert process.returncode == 130
    assert "The job is still running. To watch it again: evalayer wait letters" in rest
    assert "aws sagemaker stop-training-job --training-job-name letters --region us-east-1" in rest
    assert "StopTrainingJob" not in aws.calls


@pytest.mark.parametrize("fault", ["throttled", "denied"])
def test_a_log_that_cannot_be_read_does_not_end_the_watch(
    aws: Server, job: str, run_command: Run, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    aws.plan(faults={"DescribeLogStreams": [fault]})
    done = run_command("wait", job, "--logs")
    assert done.code == 0
    assert "logs:DescribeLogStreams" in done.err
    assert "Completed in" in done.out
