"""Read the results of a run, from its files the first time, and then from the table that this leaves."""

from __future__ import annotations

import json
import shutil
import weakref
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, fields, is_dataclass
from os import PathLike, fspath
from pathlib import Path
from tempfile import TemporaryDirectory
from types import NoneType
from typing import Any, Final, get_args, get_origin, get_type_hints

from evalayer import __version__
from evalayer_lab.inputs import InputError, near_match
from evalayer_lab.inputs.archive import unpack
from evalayer_lab.output import PARTIAL, find_tree, without_copies
from evalayer_lab.results._pieces import WORK, Progress, Request
from evalayer_lab.results._results import Content, Results
from evalayer_lab.results._store import (
    ROWS,
    find_store,
    hash_file,
    hash_files,
    make_draft,
    make_key,
    note_use,
    private_folder,
    prune,
    publish,
    read_manifest,
    read_signature,
    write_json,
    write_manifest,
)

_ARCHIVES: Final = (".tar.gz", ".tgz", ".tar")
_LIST: Final = "unpacked.json"


def open_source(source: str | PathLike[str], *, cache: bool, stack: ExitStack) -> Path:
    """Return the folder of results; an archive is unpacked, once for its content.

    Args:
        source: a folder, a tar or tar.gz file, or an `s3://` URI.
        cache: unpack beside the archive; else to a folder that `stack` deletes.
        stack: what to do at the end.

    Raises:
        InputError: there is nothing there, or it cannot be unpacked.
        AwsError: S3 cannot be asked.
    """
    text = fspath(source)
    if text.startswith("s3://"):
        return _fetched(text, cache=cache, stack=stack)
    path = Path(text)
    if path.is_dir():
        return path
    if not path.exists():
        raise InputError(f"there is no such folder or file{_near(path)}", path=path)
    if not path.name.endswith(_ARCHIVES):
        raise InputError("give the folder that a run wrote, or its output.tar.gz", path=path)
    store = find_store(path.parent) if cache else None
    if store is None:
        into = Path(stack.enter_context(TemporaryDirectory(prefix="evalayer-")), "tree")
        unpack(path, into)
        return into
    digest = hash_files(path.parent, [path], store)[path]
    holder = store / f"unpacked-{make_key(digest)[:16]}"
    if not _is_whole(holder):
        with make_draft(holder) as draft:
            files = unpack(path, draft / "tree")
            sizes = {str(file.relative_to(draft)): file.stat().st_size for file in files}
            write_json(draft / _LIST, sizes)
            publish(draft, holder, is_good=_is_whole)
        prune(store)
    note_use(holder)
    return holder / "tree"


def _fetched(uri: str, *, cache: bool, stack: ExitStack) -> Path:
    """Fetch an output from S3 to a folder for temporary files, once for its content."""
    from evalayer_lab.aws import Aws
    from evalayer_lab.aws.jobs import fetch, find_output
    from evalayer_lab.inputs import S3Uri

    aws = Aws.connect()
    output = find_output(aws, S3Uri.parse(uri, "the results"))
    own = private_folder() if cache else None
    if own is None:
        own = Path(stack.enter_context(TemporaryDirectory(prefix="evalayer-")))
    content = make_key([str(output.uri), [[one.key, one.etag] for one in output.objects]])
    return fetch(aws, output, own / f"fetched-{content[:16]}").folder


def _near(path: Path) -> str:
    """Name what lies beside a path that is not there and is called alike."""
    try:
        beside = [one.name for one in path.parent.iterdir()]
    except OSError:
        return ""
    near = near_match(path.name, beside)
    return "" if near is None else f"; did you mean {path.parent / near}?"


def _is_whole(holder: Path) -> bool:
    """Whether every unpacked file is still there."""
    try:
        sizes = json.loads((holder / _LIST).read_bytes())
        return all((holder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, AttributeError, RecursionError):
        return False


def read_results(
    path: str | PathLike[str],
    *,
    field: str | None = None,
    labels: Sequence[str] | None = None,
    dataset: str | PathLike[str] | None = None,
    partial: bool = False,
    cache: bool = True,
    on_progress: Progress | None = None,
) -> Results:
    """Read the results of the one run that a folder or an archive holds, of the local twin or of a real job.

    The first read parses the texts of every row, on all cores, in bounded memory. It leaves a table in columns in
    `.evalayer` beside the output, or, where that cannot be written, in a folder for temporary files. Later reads use
    the table as long as the content of the files and the arguments are the same. It can be deleted at any time; of
    several tables, those that are not among the 8 used last go after a day.

    Args:
        path: a run's folder or one above it, its `output.tar.gz`, or an `s3://` URI, which is fetched to a
            folder for temporary files.
        field: the field of the JSON object in answers and golds that holds the label; inferred if None.
        labels: the labels; inferred if None.
        dataset: the `gen_qa` dataset of the run: what rows are expected, and metadata for rows that have none.
        partial: leave out what cannot be read, and name it in the notes, instead of refusing the run.
        cache: keep the table; else it is deleted when the results are no longer used, and relations of them end.
        on_progress: is called with the number of rows read so far and the number of all rows, during a first read.

    Raises:
        InputError: there is no run, there are several, or its files are missing, damaged or of different runs. It
            names the file, and what was expected there. Or one of them was changed while it was read.
        AwsError: S3 cannot be asked.
    """
    with ExitStack() as stack:
        folder = open_source(path, cache=cache, stack=stack)
        try:
            tree = find_tree(folder, partial=partial)
        except InputError as error:  # of an archive, the place where it was unpacked says nothing
            raise InputError(error.reason, path=path if folder != Path(path) else error.path) from error
        store = find_store(tree.folder) if cache else None
        if store is None:
            store = Path(stack.enter_context(TemporaryDirectory(prefix="evalayer-")))
        sources = [*tree.files, *([] if dataset is None else [Path(dataset)])]
        before = {source: read_signature(source) for source in sources}
        hashes = hash_files(tree.folder, tree.files, store)
        tree = without_copies(tree, hashes)
        request = Request(
            tree=tree,
            files={tree.relative_name(file): before[file] for file in tree.files},
            field=field,
            labels=None if labels is None else tuple(labels),
            dataset=None if dataset is None else Path(dataset),
            partial=partial,
            on_progress=on_progress,
        )
        parts = {
            "version": __version__,
            "files": sorted((tree.relative_name(file), hashes[file]) for file in tree.files),
            "field": field,
            "labels": request.labels,
            "dataset": None if request.dataset is None else hash_file(request.dataset),
        }
        keys = [make_key(parts), make_key({**parts, "partial": True})][: 2 if partial else 1]
        found = next((found for key in keys if (found := _read_table(store / key, key))), None)
        table, content = found or _read_files(request, store / keys[-1], keys[-1], before)
        results = Results(tree.folder, table, content, request.files)
        weakref.finalize(results, stack.pop_all().close)
        return results


def _read_files(
    request: Request, folder: Path, key: str, before: Mapping[Path, tuple[int, int]]
) -> tuple[Path, Content]:
    from evalayer_lab.results._build import build

    with make_draft(folder) as draft:
        try:
            content = build(request, draft)
        except InputError as error:
            if error.path is None or Path(error.path) not in request.tree.files:
                raise
            reason = f"{error.reason.rstrip('.')}; {PARTIAL}"
            raise InputError(reason, path=error.path, line=error.line, field=error.field) from error
        shutil.rmtree(draft / WORK)
        for path, signature in before.items():
            if read_signature(path) != signature:
                raise InputError("changed while it was being read; read the results again", path=path)
        write_manifest(draft, key, {"content": asdict(content)})
        publish(draft, folder, is_good=lambda found: _read_table(found, key) is not None)
    prune(folder.parent)
    return folder / ROWS, content


def _read_table(folder: Path, key: str) -> tuple[Path, Content] | None:
    """The table and what is kept beside it, if they are there and whole."""
    manifest = read_manifest(folder, key)
    if manifest is None:
        return None
    try:
        return folder / ROWS, _restore(Content, manifest["content"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _restore(kind: Any, value: Any) -> Any:
    """A record from what `dataclasses.asdict` and JSON made of it."""
    arguments = get_args(kind)
    if is_dataclass(kind) and isinstance(kind, type):
        types = get_type_hints(kind)
        return kind(**{each.name: _restore(types[each.name], value[each.name]) for each in fields(kind)})
    if get_origin(kind) is tuple:
        return tuple(_restore(arguments[0], each) for each in value)
    if NoneType in arguments:
        return None if value is None else _restore(arguments[0], value)
    return value
