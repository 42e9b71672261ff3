"""The first read of a run: from its files to a table of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial as bind
from pathlib import Path
from typing import Final

from evalayer_lab.inputs import InputError
from evalayer_lab.results._assemble import MAX_KEYS, Assembly
from evalayer_lab.results._details_file import DetailsFile
from evalayer_lab.results._fields import find_labelling
from evalayer_lab.results._inferences import chunks, line_at
from evalayer_lab.results._pieces import MAX_PROBLEMS, WORK, Outcome, Piece, Request
from evalayer_lab.results._results import Content
from evalayer_lab.results._run_file import RunInfo, metrics_of, read_reported, read_run_file
from evalayer_lab.results._shred import MAX_NAMES, write_empty
from evalayer_lab.results._store import ROWS
from evalayer_lab.results._workers import cores, work_all

_PIECE_ROWS: Final = 1 << 14
_SPLIT_ROWS: Final = 1 << 16  # a row group with more rows is shared between processes
_ALONE_ROWS: Final = 4000  # with fewer rows, starting processes takes longer than the work


def build(request: Request, folder: Path) -> Content:
    """Read a run and write its table of rows.

    Args:
        request: what to read.
        folder: an empty folder for the table, which also takes what is needed on the way there.

    Raises:
        InputError: something of the run is damaged, missing, or of another run.
    """
    tree = request.tree
    notes = list(tree.notes)
    run, reported = _own_words(request, notes)
    declared = metrics_of(run, reported)
    labelling = find_labelling(tree.details, declared, field=request.field, labels=request.labels)
    work = folder / WORK
    work.mkdir()
    piece = Piece("details", "", "", "", field=labelling.field, labels=labelling.labels, partial=request.partial)
    details, problems = _read_details(request, piece, work)
    write_empty(work / "empty.parquet")
    parts = [str(work / "empty.parquet"), *(file for outcome in details for file in outcome.files)]
    answers = _read_answers(request, piece, work, sum(outcome.rows for outcome in details))
    problems += [problem for outcome in answers for problem in outcome.problems]
    expected = None
    if request.dataset is not None:
        from evalayer_lab.results._expected import list_expected

        expected = [str(work / "expected.parquet")]
        notes += list_expected(request.dataset, Path(expected[0]), tree, parts, request.files)
    names = sorted({name for outcome in details for name in outcome.names})
    if len(names) > MAX_NAMES:
        raise InputError(f"the rows report {len(names)} different names; the most is {MAX_NAMES}", path=tree.folder)
    assembly = Assembly(work, parts, [file for outcome in answers for file in outcome.files], expected)
    try:
        metrics = metrics_of(run, dict.fromkeys(names))
        keys, n_keys = assembly.metadata_keys()
        columns = assembly.write(folder / ROWS, names, metrics, keys)
        join = assembly.report(unread=sum(outcome.unread for outcome in details), line_of=bind(_line_of, tree.folder))
        digest = assembly.digest()
        answers_match = assembly.answers_match
    finally:
        assembly.close()
    _check_count(request, run, join.rows, notes)
    if tree.run_file is None:
        notes.append(
            "There is no run.json: the metrics are inferred from the names that the rows report, and which way is good "
            "is known of classifications only."
        )
    notes += labelling.notes
    if n_keys > MAX_KEYS:
        notes.append(f"The metadata has {n_keys} different keys; the {MAX_KEYS} most frequent are kept.")
    if not answers_match:
        notes.append("No line of inference_output.jsonl has the prompt, gold and answer of a row of the details.")
    if join.unread_metadata.count:
        count = join.unread_metadata.count
        which = "1 row has" if count == 1 else f"{count} rows have"
        notes.append(f"{which} metadata that is not a JSON object, and is in no segment.")
    notes += [f"Not read: {problem}" for problem in problems[:MAX_PROBLEMS]]
    if len(problems) > MAX_PROBLEMS:
        notes.append(f"Not read: {len(problems) - MAX_PROBLEMS} more places.")
    return Content(
        run=run,
        reported=reported,
        metrics=metrics,
        join=join,
        notes=tuple(notes),
        digest=digest,
        rows=join.rows,
        field=labelling.field,
        labels=labelling.labels,
        columns=columns,
    )


def _own_words(request: Request, notes: list[str]) -> tuple[RunInfo, dict[str, float]]:
    """What `run.json` and `results_*.json` say; with `partial`, as far as they can be read."""
    tree = request.tree
    run, reported = RunInfo(run_name=tree.folder.resolve().name), dict[str, float]()
    try:
        if tree.run_file is not None:
            run = read_run_file(tree.run_file)
    except InputError as error:
        if not request.partial:
            raise
        notes.append(f"Not read: {tree.run_file}: {error.reason}")
    try:
        if tree.results_file is not None:
            reported = read_reported(tree.results_file)
    except InputError as error:
        if not request.partial:
            raise
        notes.append(f"Not read: {tree.results_file}: {error.reason}")
    return run, reported


def _read_details(request: Request, piece: Piece, work: Path) -> tuple[list[Outcome], list[str]]:
    problems: list[str] = []
    rows_of: dict[Path, list[int]] = {}
    for path in request.tree.details:
        try:
            with DetailsFile(path) as file:
                rows_of[path] = file.group_rows
        except InputError as error:
            if not request.partial:
                raise
            problems.append(f"{request.tree.name_of(path)}: {error.reason}")
    total = sum(sum(rows) for rows in rows_of.values())
    workers = _workers(request, total)
    pieces: list[Piece] = []
    for path, rows in rows_of.items():
        own = replace(piece, file=str(path), name=request.tree.name_of(path))
        for first, groups, shares in _plan(rows, workers):
            for share in range(shares):
                out = str(work / f"details-{len(pieces)}")
                pieces.append(replace(own, out=out, groups=groups, first=first, share=share, shares=shares))
    done = 0

    def on_done(outcome: Outcome) -> None:
        nonlocal done
        done += outcome.rows + outcome.unread
        if request.on_progress is not None:
            request.on_progress(done, total)

    outcomes = work_all(pieces, workers=workers, on_done=on_done)
    return outcomes, problems + [problem for outcome in outcomes for problem in outcome.problems]


def _plan(rows: Sequence[int], workers: int) -> list[tuple[int, tuple[int, ...], int]]:
    """Row groups that follow one another, with the first row of each piece, and by how many processes it is shared."""
    pieces: list[tuple[int, tuple[int, ...], int]] = []
    groups: list[int] = []
    first = begin = 0
    for group, count in enumerate(rows):
        groups.append(group)
        first += count
        if first - begin >= _PIECE_ROWS or group == len(rows) - 1:
            pieces.append((begin, tuple(groups), workers if first - begin > _SPLIT_ROWS else 1))
            groups, begin = [], first
    return pieces


def _read_answers(request: Request, piece: Piece, work: Path, rows: int) -> list[Outcome]:
    pieces: list[Piece] = []
    for path in request.tree.inferences:
        name = request.tree.name_of(path)
        for start, end in chunks(path):
            out = str(work / f"answers-{len(pieces)}")
            own = replace(piece, kind="inferences", file=str(path), name=name, out=out, first=start, end=end)
            pieces.append(own)
    return work_all(pieces, workers=_workers(request, rows), on_done=lambda _: None)


def _workers(request: Request, rows: int) -> int:
    if request.workers is not None:
        return request.workers
    return cores() if rows > _ALONE_ROWS else 1


def _line_of(folder: Path, name: str, position: int) -> int:
    with (folder / name).open("rb") as file:
        return line_at(file, position)


def _check_count(request: Request, run: RunInfo, rows: int, notes: list[str]) -> None:
    if run.rows is None or run.rows.scored == rows:
        return
    reason = f"there are {rows} rows, but run.json says that {run.rows.scored} were scored"
    if not request.partial:
        path = request.tree.details[0] if len(request.tree.details) == 1 else request.tree.folder
        raise InputError(f"{reason}; one of the two is of another run, or cut short", path=path)
    notes.append(f"{reason[0].upper()}{reason[1:]}.")
