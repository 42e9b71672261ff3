"""Where files are published: a folder or a place in S3. A partition is replaced, and nothing else is touched."""

from __future__ import annotations

import filecmp
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from evalayer_lab.aws import AwsError, asking
from evalayer_lab.inputs import InputError, S3Uri

if TYPE_CHECKING:
    from evalayer_lab.aws import Aws

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


class Target(Protocol):
    """A place for files."""

    def replace(self, partition: str, files: Sequence[Path]) -> Replaced:
        """Make a partition's files these.

        Each file is replaced as a whole. A file that is there with the same content is left alone.

        Args:
            partition: the partition's folder below the place.
            files: its files, named `part-<number>.parquet`.

        Raises:
            InputError: it cannot be written.
        """
        ...


@dataclass(frozen=True, slots=True)
class FolderTarget:
    """A folder, made if it is not there."""

    root: Path

    def replace(self, partition: str, files: Sequence[Path]) -> Replaced:
        """As `Target.replace`."""
        folder = self.root / partition
        try:
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
        except OSError as error:
            raise InputError(f"cannot be written: {error.strerror}", path=folder) from None
        return Replaced(
            tuple(str(folder / file.name) for file in files if file not in same),
            tuple(str(folder / file.name) for file in same),
            tuple(map(str, old)),
        )


@dataclass(frozen=True, slots=True)
class S3Target:
    """A prefix in S3."""

    root: S3Uri
    aws: Aws

    def replace(self, partition: str, files: Sequence[Path]) -> Replaced:
        """As `Target.replace`."""
        folder = self.root / partition
        there = self._list(folder)
        written, unchanged = [], []
        for file in files:
            uri = folder / file.name
            with file.open("rb") as content:
                digest = file_digest(content, "sha256").hexdigest()
            if file.name in there and self._hash(uri) == digest:
                unchanged.append(str(uri))
                continue
            with asking("s3:PutObject", str(uri)):
                self.aws.s3.upload_file(str(file), uri.bucket, uri.key, ExtraArgs={"Metadata": {_HASH: digest}})
            written.append(str(uri))
        names = {file.name for file in files}
        old = [folder / name for name in there if name not in names]
        for uri in old:
            with asking("s3:DeleteObject", str(uri)):
                self.aws.s3.delete_object(Bucket=uri.bucket, Key=uri.key)
        return Replaced(tuple(written), tuple(unchanged), tuple(map(str, old)))

    def _list(self, folder: S3Uri) -> list[str]:
        """The names of the files that a publication left in a folder."""
        prefix = f"{folder.key}/"
        with asking("s3:ListBucket", f"s3://{folder.bucket}"):
            pages = self.aws.s3.get_paginator("list_objects_v2").paginate(Bucket=folder.bucket, Prefix=prefix)
            names = [entry.get("Key", "").removeprefix(prefix) for page in pages for entry in page.get("Contents", [])]
        return sorted(name for name in names if _OURS.fullmatch(name))

    def _hash(self, uri: S3Uri) -> str | None:
        try:
            with asking("s3:GetObject", str(uri)):
                return self.aws.s3.head_object(Bucket=uri.bucket, Key=uri.key)["Metadata"].get(_HASH)
        except AwsError as failure:
            if failure.kind in {"missing", "denied"}:  # without the permission to read, it is written again
                return None
            raise


def _is_same(file: Path, other: Path) -> bool:
    return other.is_file() and filecmp.cmp(file, other, shallow=False)
