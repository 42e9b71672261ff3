"""A run as it is published: who it is, its rows and its figures."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from evalayer_lab.publish._figures import Figure, figures

if TYPE_CHECKING:
    from evalayer_lab.report import Document
    from evalayer_lab.results import Results

_UNKNOWN: Final = "unknown"
_LONGEST: Final = 80
_STAMP: Final = re.compile(r"results_(\d{4}-\d\d-\d\dT\d\d)-(\d\d)-(\d\d(?:\.\d+)?)([+-]\d\d)-(\d\d)\.json")


@dataclass(frozen=True, slots=True)
class Run:
    """What tells a run from every other one.

    Attributes:
        id: its name, its time and a digest; of letters, digits, `.`, `_` and `-` only. The same run has the same id.
        name: `run.name` of the recipe.
        task: the task's name.
        model: what answered.
        started: when it began, in UTC; None if its output does not say.
    """

    id: str
    name: str
    task: str
    model: str
    started: datetime | None

    @property
    def partition(self) -> dict[str, str]:
        """The values of the partition keys: letters, digits, `.`, `_` and `-` only."""
        return {"task": slug(self.task), "run": self.id}

    @property
    def partition_path(self) -> str:
        """The folder of the run's partition below that of a table."""
        return "/".join(f"{key}={value}" for key, value in self.partition.items())


@dataclass(frozen=True, slots=True)
class Publication:
    """What is published of a run.

    Attributes:
        run: which run it is.
        results: its rows.
        document: its report, without texts.
        figures: every figure of the report that has an interval or a value of its own.
    """

    run: Run
    results: Results
    document: Document
    figures: tuple[Figure, ...]

    @property
    def row_counts(self) -> dict[str, int]:
        """How many rows the report says were scored, failed and were bad, as far as it says so."""
        counts = {f"rows.{name}": getattr(self.document.rows, name) for name in ("scored", "failed", "bad")}
        return {name: count for name, count in counts.items() if count is not None}

    @classmethod
    def from_results(cls, results: Results, *, task: str | None = None, model: str | None = None) -> Publication:
        """Compute what is published of a run.

        Args:
            results: the run.
            task: the task's name, for the output of a job, which does not say it.
            model: what answered; by default the folder of the details is named for it.
        """
        from evalayer_lab.report import analyse

        document = analyse(results)
        return cls(_identify(results, task, model), results, document, figures(document))


def slug(text: str) -> str:
    """A text as part of a path.

    >>> slug("Tickets, v2/é")
    'Tickets-v2'
    """
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text)[:_LONGEST].strip("-.") or _UNKNOWN


def _identify(results: Results, task: str | None, model: str | None) -> Run:
    info = results.run
    started = _moment(info.started) or _moment(_results_stamp(results.folder))
    moment = "" if started is None else f"{started:%Y%m%dT%H%M%SZ}-"
    content = [info.run_name, started and started.isoformat(), results.digest, sorted(results.reported.items())]
    digest = sha256(json.dumps(content).encode()).hexdigest()[:8]
    return Run(
        id=f"{slug(info.run_name)}-{moment}{digest}",
        name=info.run_name,
        task=task or info.task or _UNKNOWN,
        model=model or _model(results),
        started=started,
    )


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _results_stamp(folder: Path) -> str | None:
    """The time in the name of the latest `results_*.json`, as ISO 8601."""
    for path in sorted(folder.rglob("results_*.json"), key=lambda path: path.name, reverse=True):
        if match := _STAMP.fullmatch(path.name):
            return "{}:{}:{}{}:{}".format(*match.groups())
    return None


def _model(results: Results) -> str:
    """The container and the twin write the details of a model to `details/<model>/<time>/`."""
    found = results.connection.execute("SELECT min(source_file) FROM rows").fetchall()[0][0]
    parts = Path(found or "").parts
    if "details" in parts[:-3]:
        return parts[parts.index("details") + 1]
    return _UNKNOWN if results.run.backend is None else results.run.backend["name"]
