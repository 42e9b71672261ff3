"""Find a run in an output folder and read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evalayer_lab._errors import InputError
from evalayer_lab.report._details import Details, read_details
from evalayer_lab.report._run_file import MetricInfo, RunInfo, read_reported, read_run_file

_UNSCORED: Final = ".unscored"
_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class RunResults:
    """What a run left behind.

    Attributes:
        folder: the run's folder.
        run: what `run.json` says.
        reported: the folded values as the job reports them, by reported name.
        metrics: every metric of the rows: the task's in order of declaration, then others in order of name.
        details: the rows.
        notes: what a reader must know of how this was read, as sentences.
    """

    folder: Path
    run: RunInfo
    reported: Mapping[str, float]
    metrics: tuple[MetricInfo, ...]
    details: Details
    notes: tuple[str, ...]

    def values(self, name: str) -> NDArray[np.float64]:
        """The values of a reported name, shape (rows,); NaN where a row did not report it."""
        column = self.details.columns.get(name)
        return np.full(self.details.rows, np.nan) if column is None else column

    def scored(self, metric: MetricInfo) -> NDArray[np.bool_]:
        """On which rows the metric has a score, shape (rows,): all its names are reported, and it is not unscored."""
        unscored = self.details.columns.get(metric.name + _UNSCORED)
        mask = np.ones(self.details.rows, dtype=np.bool_) if unscored is None else unscored == 0.0
        for name in metric.reported:
            mask = mask & ~np.isnan(self.values(name))
        return mask


def load(path: str | PathLike[str]) -> RunResults:
    """Read the one run that a folder is, or holds at any depth.

    Args:
        path: a run's folder, or one above it.

    Raises:
        InputError: there is no run, there are several, or its files are missing, damaged or of different runs.
    """
    folder = _run_folder(Path(path))
    notes: list[str] = []
    run_file = folder / "run.json"
    results_file = _latest(folder.rglob("results_*.json"), folder, "results_*.json", notes)
    reported = read_reported(results_file)
    details_file = _details_file(folder, results_file)
    details = read_details(details_file)
    if run_file.is_file():
        run = read_run_file(run_file)
        if run.rows is not None and run.rows.scored != details.rows:
            raise InputError(
                f"it has {details.rows} rows, but run.json says that {run.rows.scored} were scored; "
                "one of the two is of another run, or cut short",
                path=details_file,
            )
    else:
        run = RunInfo(run_name=folder.resolve().name)
        notes.append(
            "There is no run.json: the metrics are inferred from the names that the rows report, and which way is good "
            "is known of classifications only."
        )
    if details.n_unread_metadata:
        which = "1 row has" if details.n_unread_metadata == 1 else f"{details.n_unread_metadata} rows have"
        notes.append(f"{which} metadata that is not a JSON object, and is in no segment.")
    return RunResults(folder, run, reported, _metrics(run, details), details, tuple(notes))


def _run_folder(path: Path) -> Path:
    if not path.exists():
        raise InputError("there is no such folder", path=path)
    if not path.is_dir():
        raise InputError("give the folder that a run wrote, not a file", path=path)
    if (path / "run.json").is_file():
        return path
    found = {file.parent for file in path.rglob("run.json")}
    for file in path.rglob("results_*.json"):
        above = file.parent
        found.add(above.parent if above != path and above.name.replace("-", "_").startswith("eval_result") else above)
    unfinished = sorted(path.rglob("journal.jsonl"))
    if not found and unfinished:
        raise InputError(
            "the run here is unfinished; give its `evalayer run` command again to go on", path=unfinished[0].parent
        )
    if not found:
        raise InputError("there is no run in this folder: neither run.json nor results_*.json", path=path)
    if len(found) > 1:
        shown = sorted(str(folder) for folder in found)
        more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
        raise InputError(f"there are {len(shown)} runs here; give one: {', '.join(shown[:_SHOWN])}{more}", path=path)
    return found.pop()


def _latest(files: Iterable[Path], folder: Path, pattern: str, notes: list[str]) -> Path:
    found = sorted(files, key=lambda file: file.name)
    if not found:
        raise InputError(f"there is no {pattern} in it; the folder is not complete", path=folder)
    if len(found) > 1:
        notes.append(f"There are {len(found)} {pattern} files; this is {found[-1].name}, the latest.")
    return found[-1]


def _details_file(folder: Path, results_file: Path) -> Path:
    found = sorted(folder.rglob("details_*.parquet"))
    timestamp = results_file.stem.removeprefix("results_")
    of_results = [file for file in found if file.stem.endswith(timestamp)]
    candidates = of_results or found
    if not candidates:
        raise InputError("there is no details_*.parquet in it; the folder is not complete", path=folder)
    if len(candidates) > 1:
        names = ", ".join(str(file.relative_to(folder)) for file in candidates[:_SHOWN])
        raise InputError(f"{len(candidates)} details files could belong to {results_file.name}: {names}", path=folder)
    return candidates[0]


def _metrics(run: RunInfo, details: Details) -> tuple[MetricInfo, ...]:
    declared = {name for metric in run.metrics for name in (*metric.reported, metric.name + _UNSCORED)}
    inferred: dict[str, list[str]] = {}
    for name in details.columns:
        if name not in declared:
            metric, _, part = name.partition(".")
            inferred.setdefault(metric or name, []).append(part)
    others = []
    for name, parts in inferred.items():
        if "" in parts:  # it reports a number of its own
            others.append(MetricInfo(name=name))
        elif parts != ["unscored"]:
            values = tuple(part for part in parts if part != "unscored")
            others.append(MetricInfo(name=name, parts=values, higher_is_better=True if "correct" in values else None))
    known = {metric.name for metric in run.metrics}
    return (*run.metrics, *(metric for metric in others if metric.name not in known))
