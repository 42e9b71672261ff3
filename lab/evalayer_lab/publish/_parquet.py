"""Publish a run as a partition of two tables of Parquet files. A partition is replaced, and nothing else is touched."""

from __future__ import annotations

import filecmp
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import file_digest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from evalayer_lab.aws import AwsError, asking
from evalayer_lab.inputs import S3Uri, writing
from evalayer_lab.publish._tables import OnRows, Table, TableName, tables, write_files

if TYPE_CHECKING:
    from evalayer_lab.aws import Aws
    from evalayer_lab.publish._publication import Publication

_OURS: Final = re.compile(r"part-\d{5}\.parquet")
_HASH: Final = "evalayer-sha256"


@dataclass(frozen=True, slots=True)
class Replaced:
    """What became of a partition.

    Attributes:
        written: the files that were written.
        unchanged: the files that were there with the same content.
        deleted: files of an earlier publication of the same run that this one does not have.
    """

    written: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PublishedFiles:
    """The files of a run.

    Attributes:
        run: the run's id.
        partition: the values of the partition keys.
        files: what became of each table's partition.
    """

    run: str
    partition: Mapping[str, str]
    files: Mapping[TableName, Replaced]


def publish_parquet(
    publication: Publication,
    to: Path,
    *,
    texts: bool = False,
    file_rows: int | None = None,
    on_rows: OnRows = lambda count: None,
) -> PublishedFiles:
    """Write a run's partition of the tables below a folder; what was published of the run before is replaced.

    The same run gives the same bytes. Each file is replaced as a whole.

    Args:
        publication: the run.
        to: the folder that holds the tables, made if it is not there.
        texts: whether the rows have their prompt, answer and gold.
        file_rows: rows of a file, in four row groups; by default 1,048,576, with texts 262,144.
        on_rows: is called with the number of rows that were written, or whose texts were read.

    Raises:
        InputError: the folder cannot be written, two columns would have one name, or the run's output has changed.
    """
    described = tables(publication, texts=texts)
    return publish_files(publication, described, partial(_replace_in_folder, to), on_rows, file_rows)


def publish_files(
    publication: Publication,
    described: Sequence[Table],
    replace: Callable[[str, Sequence[Path]], Replaced],
    on_rows: OnRows,
    file_rows: int | None = None,
) -> PublishedFiles:
    """Write a run's partition of each table; `replace` puts the files of one in the place of those that are there."""
    with TemporaryDirectory(prefix="evalayer-") as work:
        files: dict[TableName, Replaced] = {
            table.name: replace(
                f"{table.name}/{publication.run.partition_path}",
                write_files(publication, table, Path(work, table.name), file_rows=file_rows, on_rows=on_rows),
            )
            for table in described
        }
    return PublishedFiles(publication.run.id, publication.run.partition, files)


def _replace_in_folder(root: Path, partition: str, files: Sequence[Path]) -> Replaced:
    folder = root / partition
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        same = [file for file in files if _is_same(file, folder / file.name)]
        for file in files:
            if file not in same:
                draft = folder / f".{file.name}.{os.getpid()}"
                try:
                    shutil.copyfile(file, draft)
                    draft.replace(folder / file.name)
                finally:
                    draft.unlink(missing_ok=True)
        names = {file.name for file in files}
        old = sorted(path for path in folder.iterdir() if _OURS.fullmatch(path.name) and path.name not in names)
        for path in old:
            path.unlink()
    return Replaced(
        tuple(str(folder / file.name) for file in files if file not in same),
        tuple(str(folder / file.name) for file in same),
        tuple(map(str, old)),
    )


def replace_in_s3(aws: Aws, root: S3Uri, partition: str, files: Sequence[Path]) -> Replaced:
    """Make a partition's files these; one that is there with the same content is left alone."""
    folder = root / partition
    there = _list(aws, folder)
    written, unchanged = [], []
    for file in files:
        uri = folder / file.name
        with file.open("rb") as content:
            digest = file_digest(content, "sha256").hexdigest()
        if file.name in there and _hash(aws, uri) == digest:
            unchanged.append(str(uri))
            continue
        with asking("s3:PutObject", str(uri)):
            aws.s3.upload_file(str(file), uri.bucket, uri.key, ExtraArgs={"Metadata": {_HASH: digest}})
        written.append(str(uri))
    names = {file.name for file in files}
    old = [folder / name for name in there if name not in names]
    for uri in old:
        with asking("s3:DeleteObject", str(uri)):
            aws.s3.delete_object(Bucket=uri.bucket, Key=uri.key)
    return Replaced(tuple(written), tuple(unchanged), tuple(map(str, old)))


def _list(aws: Aws, folder: S3Uri) -> list[str]:
    """The names of the files that a publication left in a folder."""
    prefix = f"{folder.key}/"
    with asking("s3:ListBucket", f"s3://{folder.bucket}"):
        pages = aws.s3.get_paginator("list_objects_v2").paginate(Bucket=folder.bucket, Prefix=prefix)
        names = [entry.get("Key", "").removeprefix(prefix) for page in pages for entry in page.get("Contents", [])]
    return sorted(name for name in names if _OURS.fullmatch(name))


def _hash(aws: Aws, uri: S3Uri) -> str | None:
    try:
        with asking("s3:GetObject", str(uri)):
            return aws.s3.head_object(Bucket=uri.bucket, Key=uri.key)["Metadata"].get(_HASH)
    except AwsError as failure:
        if failure.kind in {"missing", "denied"}:  # without the permission to read, it is written again
            return None
        raise


def _is_same(file: Path, other: Path) -> bool:
    return other.is_file() and filecmp.cmp(file, other, shallow=False)
