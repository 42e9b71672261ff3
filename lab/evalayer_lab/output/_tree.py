"""Find the files of one run in an output folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import Final

from evalayer_lab.inputs import InputError

CACHE: Final = ".evalayer"
PARTIAL: Final = "`evalayer report --partial` reads what there is"
_MAX_FILES: Final = 100_000
_MAX_DEPTH: Final = 24
_SHOWN: Final = 10
_EXPECTED: Final = (
    "expected <run>/eval_results with results_<time>.json, inference_output.jsonl and "
    "details/<model>/<time>/details_<task>_<time>.parquet"
)
_TIME: Final = re.compile(r"_([0-9]{4}-[0-9]{2}-[0-9]{2}T[^_]*)$")
_SHARD: Final = re.compile(r"[|_.-]?(?:part|node|rank|replica|shard|worker)?[|_.-]?[0-9]+(?:[-_.]?of[-_.]?[0-9]+)?$")


@dataclass(frozen=True, slots=True)
class Tree:
    """The files of one run.

    Attributes:
        folder: the run's folder.
        run_file: `run.json`, which the twin writes and the container does not.
        results_file: `results_<time>.json`; None if it is missing and need not be there.
        details: the details files of the run, one or several, in order of name.
        inferences: every `inference_output.jsonl`.
        notes: what was chosen and why, as sentences.
    """

    folder: Path
    run_file: Path | None
    results_file: Path | None
    details: tuple[Path, ...]
    inferences: tuple[Path, ...]
    notes: tuple[str, ...]

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that is read."""
        single = (self.run_file, self.results_file)
        return (*(file for file in single if file), *self.details, *self.inferences)

    def name_of(self, file: Path) -> str:
        """The path of a file below the run's folder."""
        return file.relative_to(self.folder).as_posix()


def find_tree(path: Path, *, partial: bool) -> Tree:
    """Find the one run that a folder is, or holds at any depth.

    Args:
        path: the folder.
        partial: do without files that should be there.

    Raises:
        InputError: there is no run, there are several, or files of it are missing.
    """
    if path.name.startswith("eval_result") and (path.parent / "run.json").is_file():
        path = path.parent
    files = list(_walk(path))
    folder = _run_folder(path, files)
    others = {file.parent for file in _named(files, "run.json")} - {folder}
    own = [file for file in files if file.is_relative_to(folder) and others.isdisjoint(file.parents)]
    notes: list[str] = []
    results_file = _latest_results(folder, own, notes, partial=partial)
    details = _details(folder, own, results_file, notes, partial=partial)
    run_file = folder / "run.json"
    return Tree(
        folder=folder,
        run_file=run_file if run_file in own else None,
        results_file=results_file,
        details=tuple(details),
        inferences=tuple(sorted(_named(own, "inference_output.jsonl"))),
        notes=tuple(notes),
    )


def without_copies(tree: Tree, hashes: Mapping[Path, str]) -> Tree:
    """Leave out details and inference files that are byte for byte copies of another one of the same name.

    Files of different names are shards, which may hold the same rows.
    """
    notes = list(tree.notes)
    kept: list[tuple[Path, ...]] = []
    for files in (tree.details, tree.inferences):
        first_of = {(file.name, hashes[file]): file for file in reversed(files)}
        kept.append(tuple(file for file in files if first_of[file.name, hashes[file]] == file))
        if len(kept[-1]) < len(files):
            notes.append(f"Files that are copies of another were left out: {len(files) - len(kept[-1])}.")
    return Tree(tree.folder, tree.run_file, tree.results_file, kept[0], kept[1], tuple(notes))


def _walk(folder: Path) -> Iterator[Path]:
    """Every file below a folder; no link to a folder is followed."""
    todo = [(folder, 0)]
    seen = 0
    while todo:
        current, depth = todo.pop()
        try:
            entries = list(islice(os.scandir(current), _MAX_FILES - seen + 1))
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", path=current) from None
        seen += len(entries)
        if seen > _MAX_FILES:
            raise InputError(f"there are more than {_MAX_FILES:,} files here; give the folder of the run", path=folder)
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.is_dir(follow_symlinks=False):
                if depth == _MAX_DEPTH:
                    raise InputError(f"folders are nested deeper than {_MAX_DEPTH} levels", path=folder)
                if entry.name != CACHE:
                    todo.append((Path(entry.path), depth + 1))
            else:
                yield Path(entry.path)


def _named(files: Sequence[Path], pattern: str) -> list[Path]:
    return [file for file in files if fnmatchcase(file.name, pattern)]


def _run_folder(path: Path, files: Sequence[Path]) -> Path:
    if path / "run.json" in files:
        return path
    found = {file.parent for file in _named(files, "run.json")}
    for pattern in ("results_*.json", "details_*.parquet"):
        for file in _named(files, pattern):
            if not any(file.is_relative_to(folder) for folder in found):
                found.add(_above_results(file, path))
    unfinished = sorted(_named(files, "journal.jsonl"))
    if not found and unfinished:
        raise InputError(
            "the run here is unfinished; give its `evalayer run` command again to go on", path=unfinished[0].parent
        )
    if not found:
        raise InputError(f"there is no run here: neither run.json nor results_*.json; {_EXPECTED}", path=path)
    if len(found) > 1:
        shown = sorted(map(str, found))
        more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
        raise InputError(f"there are {len(shown)} runs here; give one: {', '.join(shown[:_SHOWN])}{more}", path=path)
    return found.pop()


def _above_results(file: Path, top: Path) -> Path:
    """The folder of the run that a file of results is of: the one above `eval_results`, or that of the file."""
    below = [folder for folder in file.parents if folder == top or folder.is_relative_to(top)]
    for folder in below:
        if folder.name.replace("-", "_").startswith("eval_result"):
            return folder.parent if folder != top else folder
    for folder in below:
        if folder.name == "details":
            return folder.parent if folder != top else folder
    return file.parent


def _latest_results(folder: Path, files: Sequence[Path], notes: list[str], *, partial: bool) -> Path | None:
    found = sorted(_named(files, "results_*.json"), key=lambda file: (file.name, str(file)))
    if not found:
        if not partial:
            raise InputError(
                f"there is no results_*.json in it; the folder is not complete; {PARTIAL}: {_EXPECTED}", path=folder
            )
        notes.append("There is no results_*.json: what the job reported is not known.")
        return None
    if len(found) > 1:
        notes.append(f"There are {len(found)} results_*.json files; this is {found[-1].name}, the latest.")
    return found[-1]


def _details(
    folder: Path, files: Sequence[Path], results_file: Path | None, notes: list[str], *, partial: bool
) -> list[Path]:
    by_time: dict[str, list[Path]] = {}
    for file in sorted(_named(files, "details_*.parquet")):
        found = _TIME.search(file.stem)
        by_time.setdefault(found[1] if found else "", []).append(file)
    if not by_time:
        if not partial:
            raise InputError(
                "there is no details_*.parquet in it; the folder is not complete, or of a benchmark, which reports its "
                f"averages only; {PARTIAL}: {_EXPECTED}",
                path=folder,
            )
        notes.append("There is no details_*.parquet: no row can be read.")
        return []
    time = results_file.stem.removeprefix("results_") if results_file else ""
    if time not in by_time:
        time = max(by_time)
    if len(by_time) > 1:
        notes.append(f"There are details of {len(by_time)} times; these are of {time or 'no time'}.")
    chosen = by_time[time]
    tasks = {_SHARD.sub("", _TIME.sub("", file.stem)) for file in chosen}
    if len(tasks) > 1:
        names = ", ".join(str(file.relative_to(folder)) for file in chosen[:_SHOWN])
        raise InputError(f"the {len(chosen)} details files of one time are of different tasks: {names}", path=folder)
    return chosen


METRIC_PREFIX: Final = "lambda_"  # what a Lambda function reports, in results and details
