"""Rows of Parquet and Arrow files, and of the folders that Hugging Face datasets are kept in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from evalayer_lab.dataset._findings import shown
from evalayer_lab.dataset._lines import open_file
from evalayer_lab.inputs import InputError, reading

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH_ROWS: Final = 1000
_STATE: Final = "state.json"
_SPLITS: Final = "dataset_dict.json"
_SHARD: Final = re.compile(r"(.+?)-\d+-of-\d+")
_MAX_STATE_BYTES: Final = 1024 * 1024


def parquet_rows(path: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield number, from 1, and cells of the rows of a Parquet file.

    Raises:
        InputError: it cannot be read.
    """
    import pyarrow.parquet as pq

    with open_file(path) as file, _named(path, "Parquet"):
        yield from _rows(pq.ParquetFile(file).iter_batches(batch_size=_BATCH_ROWS))


def arrow_rows(path: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield number, from 1, and cells of the rows of an Arrow file or stream.

    Raises:
        InputError: it cannot be read.
    """
    import pyarrow as pa

    with open_file(path) as file, _named(path, "Arrow"):
        is_file = file.read(6) == b"ARROW1"
        file.seek(0)
        if is_file:
            reader = pa.ipc.open_file(file)
            yield from _rows(reader.get_batch(index) for index in range(reader.num_record_batches))
        else:
            yield from _rows(pa.ipc.open_stream(file))


def folder_files(folder: Path, split: str | None) -> tuple[Sequence[Path], Literal["parquet", "arrow"]]:
    """The files of a dataset that was saved to a folder, or of a folder of Parquet files, in order, and their format.

    Raises:
        InputError: there are none, or they are of several splits and none or another is asked for.
    """
    if (folder / _SPLITS).is_file():
        splits = _texts(_json(folder / _SPLITS), "splits", folder / _SPLITS)
        folder = folder / _chosen(split, splits, folder)
        split = None
    if (folder / _STATE).is_file():
        _refuse_split(split, folder)
        return _saved_files(folder), "arrow"
    by_split: dict[str, list[Path]] = {}
    for file in sorted(folder.rglob("*.parquet")):
        shard = _SHARD.match(file.name)
        name = shard[1] if shard else file.parent.name if file.parent not in {folder, folder / "data"} else ""
        by_split.setdefault(name, []).append(file)
    if not by_split:
        raise InputError(f"has neither {_STATE} (of a saved dataset) nor Parquet files", path=folder)
    if len(by_split) == 1 and split is None:
        return next(iter(by_split.values())), "parquet"
    return by_split[_chosen(split, list(by_split), folder)], "parquet"


def _saved_files(folder: Path) -> Sequence[Path]:
    path = folder / _STATE
    state = _json(path)
    if state.get("_indices_files") or state.get("_indices_data_files"):
        raise InputError(
            "the dataset was saved with a selection of rows; save it again with a newer version", path=path
        )
    entries = state.get("_data_files")
    names = [entry.get("filename") for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    if not names:
        raise InputError("does not name any data files", path=path, field="_data_files")
    for name in names:
        if not isinstance(name, str) or not name or Path(name).name != name:
            raise InputError("names a file that is not in its folder", path=path, field="_data_files")
    return [folder / str(name) for name in names]


def _chosen(split: str | None, splits: Sequence[str], folder: Path) -> str:
    known = ", ".join(shown(name) for name in splits)
    if split is None:
        raise InputError(f"has the splits {known}; choose one with --split", path=folder)
    if split not in splits or Path(split).name != split:
        raise InputError(f"has no split {split!r}; there are: {known}", path=folder)
    return split


def _refuse_split(split: str | None, folder: Path) -> None:
    if split is not None:
        raise InputError("is a single split; leave --split out", path=folder)


def _json(path: Path) -> Mapping[str, Any]:
    with open_file(str(path)) as file:
        text = file.read(_MAX_STATE_BYTES)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError("not JSON", path=path) from error
    if not isinstance(value, dict):
        raise InputError("is not a JSON object", path=path)
    return value


def _texts(value: Mapping[str, Any], field: str, path: Path) -> Sequence[str]:
    texts = value.get(field)
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise InputError("is not a list of names", path=path, field=field)
    return texts


def _rows(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    number = 0
    for batch in batches:
        for start in range(0, batch.num_rows, _BATCH_ROWS):
            for cells in batch.slice(start, _BATCH_ROWS).to_pylist():
                number += 1
                yield number, cells


@contextmanager
def _named(path: str, kind: str) -> Iterator[None]:
    import pyarrow as pa

    try:
        with reading(path):
            yield
    except (pa.ArrowException, ValueError) as error:  # what a consumer raises never comes through here as either
        raise InputError(
            f"cannot be read as {kind}: {str(error).splitlines()[0] if str(error) else error}", path=path
        ) from error
