"""Downloads the output of a job, once and whole."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from evalayer_lab.aws._errors import AwsError, asking
from evalayer_lab.aws._session import Aws
from evalayer_lab.aws.jobs._output import Object, Output
from evalayer_lab.inputs import InputError, S3Uri, writing
from evalayer_lab.inputs.archive import split_name, unpack

Sleep = Callable[[float], object]
OnBytes = Callable[[int], object]

RECORD: Final = ".fetched.json"
_CHUNK: Final = 1 << 20
_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class Fetched:
    """An output on this machine.

    Attributes:
        folder: the folder that holds it.
        runs: the folders with results in it, each of which `evalayer report` reads.
        files: how many files it has.
        downloaded: the bytes that were downloaded for it now; 0 if it was there already.
    """

    folder: Path
    runs: tuple[Path, ...]
    files: int
    downloaded: int


def fetch(
    aws: Aws, output: Output, into: Path, on_bytes: OnBytes = lambda count: None, sleep: Sleep = time.sleep
) -> Fetched:
    """Download an output and unpack it.

    It is put together beside `into` and then renamed, so there is a whole output or none. A download that was cut off
    goes on where it stopped, as long as the object is the same; one that is finished is not repeated.

    Args:
        aws: the region of the bucket.
        output: what to download.
        into: the folder to make.
        on_bytes: is called with the number of bytes that came.
        sleep: waits that many seconds before another attempt.

    Raises:
        InputError: `into` holds something else, a file cannot be written, or the archive must not be unpacked.
        AwsError: AWS did not send it.
    """
    record = _record(output)
    if _is_there(into, record):
        return _fetched(into, 0)
    work = into.parent / f".{into.name}.fetch"
    received = 0

    def count(size: int) -> None:
        nonlocal received
        received += size
        on_bytes(size)

    with writing(into), _alone(work):
        if not _is_there(into, record):  # as it is when another process fetched it meanwhile
            downloads = work / sha256(json.dumps(record).encode()).hexdigest()[:16]
            downloads.mkdir(parents=True, exist_ok=True)
            bucket = output.uri.bucket
            files = [_download(aws, bucket, one, _place(downloads, one), count, sleep) for one in output.objects]
            tree = downloads
            if output.packed:
                tree = work / "tree"
                shutil.rmtree(tree, ignore_errors=True)
                unpack(files[0], tree)
            (tree / RECORD).write_text(json.dumps(record), encoding="utf-8")
            if into.is_dir():
                into.rmdir()
            tree.rename(into)
        shutil.rmtree(work, ignore_errors=True)
    return _fetched(into, received)


def _is_there(into: Path, record: Mapping[str, Any]) -> bool:
    """Whether the output was fetched before.

    Raises:
        InputError: something else is there, or nothing can be.
    """
    if into.name in {"", ".."}:
        raise InputError("cannot be the name of a new folder; give another with --into", path=into)
    if into.is_dir() and any(into.iterdir()):
        if _read(into / RECORD) != record:
            raise InputError("holds something else; give another folder with --into", path=into)
        return True
    if into.is_symlink() or (into.exists() and not into.is_dir()):
        raise InputError("is a link or a file; give another folder with --into", path=into)
    return False


@contextmanager
def _alone(work: Path) -> Iterator[None]:
    """Make a folder and hold it; wait while another process does."""
    work.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(work, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _place(folder: Path, one: Object) -> Path:
    return folder.joinpath(*split_name(one.name)) if one.name else folder / "archive"


def _download(aws: Aws, bucket: str, one: Object, to: Path, on_bytes: OnBytes, sleep: Sleep) -> Path:
    if to.is_file() and to.stat().st_size == one.size:
        return to
    to.parent.mkdir(parents=True, exist_ok=True)
    part = to.with_name(f".{sha256(to.name.encode()).hexdigest()[:16]}.part")
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            _append(aws, bucket, one, part, on_bytes)
            break
        except AwsError as failure:
            if failure.kind == "other":  # the object is another now, or its checksum says that this is not it
                part.unlink(missing_ok=True)
            if not failure.is_passing or attempt == _ATTEMPTS:
                raise
            sleep(2.0**attempt)
    if part.stat().st_size != one.size:
        size = part.stat().st_size
        part.unlink()
        raise InputError(
            f"came with {size:,} bytes instead of {one.size:,}; fetch it again", path=f"s3://{bucket}/{one.key}"
        )
    return part.rename(to)


def _append(aws: Aws, bucket: str, one: Object, part: Path, on_bytes: OnBytes) -> None:
    uri = S3Uri(bucket, one.key)
    with part.open("ab") as file, asking("s3:GetObject", str(uri)):
        there = file.tell()
        if there >= one.size:
            return
        request: dict[str, Any] = {"Range": f"bytes={there}-"} if there else {}
        body = aws.s3.get_object(Bucket=bucket, Key=one.key, IfMatch=one.etag, **request)["Body"]
        for chunk in body.iter_chunks(_CHUNK):
            file.write(chunk)
            on_bytes(len(chunk))


def _record(output: Output) -> dict[str, Any]:
    etags = sha256("".join(f"{one.key}\0{one.etag}\0" for one in output.objects).encode()).hexdigest()
    return {"source": str(output.uri), "bytes": output.size, "digest": etags}


def _read(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _fetched(folder: Path, downloaded: int) -> Fetched:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != RECORD]
    runs = sorted(
        {path.parent for path in folder.rglob("*") if path.is_dir() and path.name in {"eval_results", "eval-results"}}
    )
    return Fetched(folder, tuple(runs), len(files), downloaded)
