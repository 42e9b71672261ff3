"""Where results are: a folder, an archive of one, or a place in S3."""

from __future__ import annotations

import json
from contextlib import ExitStack
from difflib import get_close_matches
from os import PathLike, fspath
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from evalayer_lab._archive import unpack
from evalayer_lab._errors import InputError
from evalayer_lab.results._hashes import hash_files, write_json
from evalayer_lab.results._store import draft_of, key_of, note_use, private_folder, prune, publish, store_of

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
    store = store_of(path.parent) if cache else None
    if store is None:
        into = Path(stack.enter_context(TemporaryDirectory(prefix="evalayer-")), "tree")
        unpack(path, into)
        return into
    digest = hash_files(path.parent, [path], store)[path]
    holder = store / f"unpacked-{key_of(digest)[:16]}"
    if not _is_whole(holder):
        with draft_of(holder) as draft:
            files = unpack(path, draft / "tree")
            sizes = {str(file.relative_to(draft)): file.stat().st_size for file in files}
            write_json(draft / _LIST, sizes)
            publish(draft, holder, is_good=_is_whole)
        prune(store)
    note_use(holder)
    return holder / "tree"


def _fetched(uri: str, *, cache: bool, stack: ExitStack) -> Path:
    """Fetch an output from S3 to a folder for temporary files, once for its content."""
    from evalayer_lab.aws._s3 import S3Uri
    from evalayer_lab.aws._session import Aws
    from evalayer_lab.aws.jobs import fetch, find_output

    aws = Aws.connect()
    output = find_output(aws, S3Uri.parse(uri, "the results"))
    own = private_folder() if cache else None
    if own is None:
        own = Path(stack.enter_context(TemporaryDirectory(prefix="evalayer-")))
    content = key_of([str(output.uri), [[one.key, one.etag] for one in output.objects]])
    return fetch(aws, output, own / f"fetched-{content[:16]}").folder


def _near(path: Path) -> str:
    """Name what lies beside a path that is not there and is called alike."""
    try:
        beside = [one.name for one in path.parent.iterdir()]
    except OSError:
        return ""
    near = get_close_matches(path.name, beside, n=1)
    return f"; did you mean {path.parent / near[0]}?" if near else ""


def _is_whole(holder: Path) -> bool:
    """Whether every unpacked file is still there."""
    try:
        sizes = json.loads((holder / _LIST).read_bytes())
        return all((holder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, AttributeError, RecursionError):
        return False
