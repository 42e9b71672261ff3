"""Where the output of a job is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from evalayer_lab.aws._errors import AwsError, asking
from evalayer_lab.aws._job import describe
from evalayer_lab.aws._session import Aws
from evalayer_lab.inputs import InputError, S3Uri
from evalayer_lab.inputs.archive import split_name

ARCHIVE: Final = "output.tar.gz"
_ARCHIVES: Final = (".tar.gz", ".tgz", ".tar")
_RESULTS: Final = "eval_results"
MOST_OBJECTS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Object:
    """An object of an output.

    Attributes:
        key: its key.
        name: its name below the output's folder; empty for an archive.
        size: its bytes.
        etag: its ETag, which changes with its content.
    """

    key: str
    name: str
    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class Output:
    """The output of a job.

    Attributes:
        uri: the archive, or the folder of an output that is not packed.
        objects: the archive alone, or every file of the folder.
        packed: whether it is an archive.
    """

    uri: S3Uri
    objects: tuple[Object, ...]
    packed: bool

    @property
    def size(self) -> int:
        """Its bytes."""
        return sum(one.size for one in self.objects)


def output_of_job(aws: Aws, name: str) -> Output:
    """Find the output of a job that has ended.

    Raises:
        InputError: there is no such job, it has not ended, or it left no output.
        AwsError: AWS cannot be asked.
    """
    job = describe(aws, name)
    if not job.has_ended:
        raise InputError(f"the job {name} is {job.status} ({job.secondary}); run: evalayer wait {name}")
    try:
        return find_output(aws, S3Uri.parse(job.output, "its output") / name)
    except AwsError:
        raise
    except InputError as failure:
        reason = f" It {job.status.lower()}: {job.failure or job.secondary}." if job.status != "Completed" else ""
        raise InputError(f"{failure}.{reason}") from failure


def find_output(aws: Aws, uri: S3Uri) -> Output:
    """Find an output: the archive that is named, or the one below a prefix, or else a folder with results below it.

    Raises:
        InputError: there is none, or there are several.
        AwsError: AWS cannot be asked.
    """
    if uri.key.endswith(_ARCHIVES):
        with asking("s3:GetObject", str(uri)):
            found = aws.s3.head_object(Bucket=uri.bucket, Key=uri.key)
        return Output(uri, (Object(uri.key, "", found["ContentLength"], found["ETag"]),), packed=True)
    listed = _list(aws, uri)
    archives = [one for one in listed if one.key.rpartition("/")[2] == ARCHIVE]
    if len(archives) > 1:
        raise InputError(
            f"has {len(archives)} archives, such as {archives[0].key}; give the S3 URI of one", path=str(uri)
        )
    if archives:
        return Output(S3Uri(uri.bucket, archives[0].key), (archives[0],), packed=True)
    return _folder(uri, listed)


def _list(aws: Aws, uri: S3Uri) -> list[Object]:
    prefix = f"{uri.key}/" if uri.key else ""
    found: list[Object] = []
    with asking("s3:ListBucket", str(uri)):
        for page in aws.s3.get_paginator("list_objects_v2").paginate(Bucket=uri.bucket, Prefix=prefix):
            found += [_object(one, prefix) for one in page.get("Contents", []) if not one.get("Key", "").endswith("/")]
            if len(found) > MOST_OBJECTS:
                raise InputError(f"has more than {MOST_OBJECTS:,} objects; give the folder of one job", path=str(uri))
    return found


def _object(listed: Mapping[str, Any], prefix: str) -> Object:
    return Object(listed["Key"], listed["Key"][len(prefix) :], listed["Size"], listed["ETag"])


def _folder(uri: S3Uri, listed: list[Object]) -> Output:
    """Take the folder that the runs' folders are in, whose `eval_results` are below."""
    runs = set()
    for one in listed:
        parts = one.name.split("/")
        if _RESULTS in parts[:-1]:
            runs.add("/".join(parts[: parts.index(_RESULTS)]))
    if not runs:
        raise InputError(f"has neither an {ARCHIVE} nor a folder {_RESULTS}", path=str(uri))
    if len(runs) > 1:
        raise InputError(f"has several outputs: {', '.join(sorted(runs)[:5])}; give the folder of one", path=str(uri))
    run = runs.pop()
    above = run.rpartition("/")[0]
    start = f"{above}/" if above else ""
    objects = []
    for one in listed:
        if one.name.startswith(f"{run}/" if run else ""):
            name = one.name[len(start) :]
            try:
                split_name(name)
            except ValueError as error:
                raise InputError(str(error), path=str(uri), field=ascii(name)) from error
            objects.append(Object(one.key, name, one.size, one.etag))
    return Output(uri / above if above else uri, tuple(objects), packed=False)
