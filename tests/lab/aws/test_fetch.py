"""Fetching the output of a job."""

from __future__ import annotations

import io
import resource
import tarfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import pytest
from tests.lab.aws.conftest import never
from tests.lab.aws.test_wait import FAILED, RUNNING
from tests.lab.conftest import Run, Server

from evalayer_lab.aws import Aws, AwsError
from evalayer_lab.aws.jobs import fetch, find_output
from evalayer_lab.inputs import InputError, S3Uri

DETAILS = "run/eval_results/details/model/2025/details_custom|gen_qa_gen_qa|0_2025-12-09T01-39-55.025383+00-00.parquet"
FILES = {
    "run/eval_results/results_2025.json": b"{}",
    "run/eval_results/inference_output.jsonl": b"x" * 3_000_000,
    DETAILS: b"PAR1",
    "run/tensorboard_results/eval/events.out.tfevents.1": b"",
}
URI = S3Uri("results", "x/letters")


def _tar(files: Mapping[str, bytes], link: str | None = None, pack: Literal["w", "w:gz"] = "w:gz") -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode=pack) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        if link:
            info = tarfile.TarInfo(link)
            info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tar.addfile(info)
    return raw.getvalue()


def _put(aws: Server, objects: Mapping[str, bytes]) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="results")
    for key, content in objects.items():
        s3.put_object(Bucket="results", Key=key, Body=content)


def _tree(folder: Path) -> dict[str, bytes]:
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found.pop(".fetched.json", None)
    return found


def test_the_output_of_a_job(
    aws: Server, job: str, run_command: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _put(aws, {"x/letters/output/output.tar.gz": _tar(FILES), "x/letters/output/model.tar.gz": b"not this"})
    done = run_command("fetch", job)
    assert done.code == 0, done.err
    assert done.out.splitlines()[-1] == "Report:  evalayer report output/letters/run"
    assert _tree(tmp_path / "output/letters") == FILES
    assert [path.name for path in (tmp_path / "output").iterdir()] == ["letters"], "nothing is left beside it"

    before = aws.calls.count("GET s3")
    again = run_command("fetch", job, "--json").json
    assert (again["downloaded"], again["files"], again["runs"]) == (0, 4, ["output/letters/run"])
    assert aws.calls.count("GET s3") == before + 1, "it is listed, and not downloaded"


@pytest.mark.parametrize("source", ["s3://results/x/letters/output/output.tar.gz", "s3://results/x/letters/"])
def test_the_output_at_a_uri(
    aws: Server, run_command: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    monkeypatch.chdir(tmp_path)
    _put(aws, {"x/letters/output/output.tar.gz": _tar(FILES)})
    assert run_command("fetch", source, "--json").json["folder"] == "output/letters"
    assert run_command("fetch", source, "--into", "here", "--json").json["runs"] == ["here/run"]


@pytest.mark.parametrize("start", ["x/letters/output/output/", "x/letters/", "x/letters/output/output/None/"])
def test_an_output_that_is_not_packed(aws: Server, session: Aws, tmp_path: Path, start: str) -> None:
    files = FILES if "None" not in start else {name.removeprefix("run/"): content for name, content in FILES.items()}
    _put(aws, {start + name: content for name, content in files.items()})
    _put(aws, {"x/letters/manifest.json": b"{}"})
    found = find_output(session, URI)
    assert (found.packed, len(found.objects)) == (False, 4)
    fetched = fetch(session, found, tmp_path / "out")
    run = "None" if "None" in start else "run"
    assert fetched.runs == (tmp_path / "out" / run,)
    assert {name.partition("/")[2]: content for name, content in _tree(tmp_path / "out").items()} == {
        name.partition("/")[2]: content for name, content in FILES.items()
    }
    assert fetch(session, found, tmp_path / "out").downloaded == 0


def test_a_download_goes_on_where_it_stopped(aws: Server, session: Aws, tmp_path: Path) -> None:
    content = _tar({"run/eval_results/a": bytes(range(256)) * 40_000})
    _put(aws, {"x/letters/output/output.tar.gz": content})
    found = find_output(session, URI)
    received: list[int] = []

    def stop(size: int) -> None:
        received.append(size)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(session, found, tmp_path / "out", on_bytes=stop)
    assert not (tmp_path / "out").exists()
    fetched = fetch(session, found, tmp_path / "out")
    assert fetched.downloaded == len(content) - received[0]
    assert (tmp_path / "out/run/eval_results/a").stat().st_size == 256 * 40_000


def test_a_passing_failure_is_tried_again(aws: Server, session: Aws, tmp_path: Path) -> None:
    _put(aws, {"x/letters/output/output.tar.gz": _tar(FILES)})
    found = find_output(session, URI)
    aws.plan(faults={"GET s3": ["throttled", "unheard", "broken"]})
    pauses: list[float] = []
    assert fetch(session, found, tmp_path / "out", sleep=pauses.append).files == 4
    assert pauses == [2, 4, 8]
    aws.plan(faults={"GET s3": ["denied"]})
    with pytest.raises(AwsError, match="the credentials may not call s3:GetObject"):
        fetch(session, found, tmp_path / "other", sleep=never)


def test_a_damaged_download_is_never_taken_up(aws: Server, session: Aws, tmp_path: Path) -> None:
    _put(aws, {"x/letters/run/eval_results/results_1.json": b"{}"})
    found = find_output(session, URI)
    aws.plan(faults={"GET s3": ["damaged"]})
    with pytest.raises(AwsError, match="checksum"):
        fetch(session, found, tmp_path / "out", sleep=never)
    fetched = fetch(session, found, tmp_path / "out", sleep=never)
    assert (fetched.folder / "run/eval_results/results_1.json").read_bytes() == b"{}"


def test_a_full_disk_costs_nothing_that_was_downloaded(aws: Server, session: Aws, tmp_path: Path) -> None:
    content = _tar({"run/eval_results/a": bytes(range(256)) * 40_000}, pack="w")
    _put(aws, {"x/letters/output/output.tar": content})
    found = find_output(session, URI / "output/output.tar")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 20, hard))
    try:
        with pytest.raises(InputError, match="out: cannot be written: File too large"):
            fetch(session, found, tmp_path / "out", sleep=never)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not (tmp_path / "out").exists()
    fetched = fetch(session, found, tmp_path / "out", sleep=never)
    assert 0 < fetched.downloaded <= len(content) - (3 << 20)
    assert (tmp_path / "out/run/eval_results/a").read_bytes() == bytes(range(256)) * 40_000


def test_two_that_fetch_the_same_at_once_download_it_once(aws: Server, session: Aws, tmp_path: Path) -> None:
    content = _tar(FILES)
    _put(aws, {"x/letters/output/output.tar.gz": content})
    found = find_output(session, URI)
    with ThreadPoolExecutor(2) as threads:
        both = list(threads.map(lambda _: fetch(session, found, tmp_path / "out", sleep=never), range(2)))
    assert sorted(each.downloaded for each in both) == [0, len(content)]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("into", [".", "a/..", "link", "file"])
def test_what_cannot_be_made_a_folder_is_said_before_the_download(
    aws: Server, session: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, into: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("empty")
    (tmp_path / "file").write_text("mine")
    _put(aws, {"x/letters/output/output.tar.gz": _tar(FILES)})
    with pytest.raises(InputError, match="give another"):
        fetch(session, find_output(session, URI), Path(into), on_bytes=lambda size: pytest.fail("it was downloaded"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "file", "link"]


def test_an_object_that_changes_meanwhile(aws: Server, session: Aws, tmp_path: Path) -> None:
    _put(aws, {"x/letters/output/output.tar.gz": _tar(FILES)})
    found = find_output(session, URI)
    _put(aws, {"x/letters/output/output.tar.gz": _tar({"run/eval_results/other": b"1"})})
    with pytest.raises(AwsError, match="s3:GetObject"):
        fetch(session, found, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("files", "link", "reason"),
    [
        ({"../evil": b"1"}, None, "../evil: has a name that leads out"),
        ({"/evil": b"1"}, None, "/evil: has an absolute name"),
        ({}, "evil", "evil: is a symbolic link"),
    ],
)
def test_an_archive_that_must_not_be_unpacked(
    aws: Server, session: Aws, tmp_path: Path, files: dict[str, bytes], link: str | None, reason: str
) -> None:
    _put(aws, {"x/letters/output/output.tar.gz": _tar(FILES | files, link)})
    with pytest.raises(InputError) as caught:
        fetch(session, find_output(session, URI), tmp_path / "deep" / "out")
    assert reason in str(caught.value)
    assert [path for path in tmp_path.rglob("*") if "evil" in path.name] == []
    assert not (tmp_path / "deep/out").exists()


def test_keys_that_leave_the_folder(aws: Server, session: Aws) -> None:
    _put(aws, {"x/letters/run/eval_results/../../../evil": b"1"})
    with pytest.raises(InputError, match="has a name that leads out of the folder"):
        find_output(session, URI)


def test_a_folder_that_holds_something_else(aws: Server, session: Aws, tmp_path: Path) -> None:
    _put(aws, {"x/letters/output/output.tar.gz": _tar(FILES)})
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(InputError, match="holds something else; give another folder with --into"):
        fetch(session, find_output(session, URI), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        ({}, "s3://results/x/letters: has neither an output.tar.gz nor a folder eval_results"),
        ({"a/output.tar.gz": b"", "b/output.tar.gz": b""}, "has 2 archives, such as x/letters/a/output.tar.gz; give"),
        ({"a/eval_results/r": b"", "b/eval_results/r": b""}, "has several outputs: a, b; give the folder of one"),
    ],
)
def test_there_is_no_one_output(aws: Server, session: Aws, objects: dict[str, bytes], reason: str) -> None:
    _put(aws, {f"x/letters/{key}": content for key, content in objects.items()})
    with pytest.raises(InputError) as caught:
        find_output(session, URI)
    assert reason in str(caught.value)


def test_a_job_without_an_output(aws: Server, job: str, run_command: Run) -> None:
    aws.plan(jobs={job: [RUNNING]})
    assert (
        "Error: the job letters is InProgress (Training); run: evalayer wait letters" in run_command("fetch", job).err
    )
    aws.plan(jobs={job: [FAILED]})
    _put(aws, {})
    done = run_command("fetch", job)
    assert done.code == 2
    assert "has neither an output.tar.gz nor a folder eval_results. It failed: " in done.err


def test_a_bucket_that_is_not_there(aws: Server, run_command: Run) -> None:
    done = run_command("fetch", "s3://nobodys/x")
    assert (done.code, done.err) == (2, "Error: s3://nobodys/x does not exist (NoSuchBucket)\n")
