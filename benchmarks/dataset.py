"""Checking a dataset: a gen_qa file of one million rows of about 500 bytes, with metadata.

Prints rows a second and the peak of memory of `evalayer dataset check`, with as many workers as there are processors
and with one, beside three programs that one would write for the same check, on the same file in the same run: a plain
loop of json and dict checks, a loop of pydantic models, and pandas. Each counts rows, errors, forbidden phrases,
duplicates, lengths and metadata values; none reports lines, unknown or repeated fields, as evalayer does.
"""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
ROWS = 1_000_000
TARGET_SECONDS = 10
TARGET_MEGABYTES = 200
WORKERS = min(len(os.sched_getaffinity(0)), 4)
PHRASES = ("Bot:", "User:", "Assistant:", "[EOS]", "<image>", "<video>")


def make_data(path: Path) -> None:
    """Make rows out of the words of the bundled tickets: 99 of 100 are good, and one of 100 stands there twice."""
    rows = [json.loads(line) for line in (ROOT / "data/support_tickets/gen_qa.jsonl").read_text("utf-8").splitlines()]
    words = " ".join(row["query"] for row in rows).split()
    choose = random.Random(0)  # noqa: S311 (not for secrets)
    with path.open("w", encoding="utf-8") as file:
        for index in range(ROWS):
            source = rows[index % len(rows)]
            row = {
                "system": "You are a help desk agent who sorts tickets by what has to be repaired.",
                "query": f"{' '.join(choose.choices(words, k=40))} ({index})",
                "response": json.dumps({"class": json.loads(source["response"])["class"]}) if index % 100 else " ",
                "metadata": source["metadata"],
            }
            line = json.dumps(row, ensure_ascii=bool(index % 2)) + "\n"
            file.write(line * 2 if index % 100 == 50 else line if index % 100 != 51 else "")


def with_evalayer(path: Path, workers: int = WORKERS) -> Mapping[str, int]:
    """`evalayer dataset check`."""
    from evalayer_lab.dataset import check_dataset

    report = check_dataset(path, workers=workers)
    return {"good": report.good, "errors": report.errors, "duplicates": report.duplicates}


class Content:
    """What each of the others counts of its good rows."""

    def __init__(self) -> None:
        self.good = self.errors = self.duplicates = self.phrases = 0
        self._seen: set[int] = set()
        self._lengths: dict[str, Counter[int]] = {"system": Counter(), "query": Counter(), "response": Counter()}
        self._metadata: dict[str, Counter[str]] = {}

    def add(self, row: Mapping[str, Any]) -> None:
        """Count a good row."""
        self.good += 1
        key = hash((row.get("system"), row["query"], row["response"], row.get("metadata")))
        self.duplicates += key in self._seen
        self._seen.add(key)
        for field, lengths in self._lengths.items():
            if row.get(field) is not None:
                lengths[len(row[field])] += 1
        for text in (row["query"], row["response"], row.get("system") or "", row.get("metadata") or ""):
            self.phrases += any(phrase in text for phrase in PHRASES)
        if row.get("metadata"):
            for name, value in json.loads(row["metadata"]).items():
                self._metadata.setdefault(name, Counter())[value] += 1

    def result(self) -> Mapping[str, int]:
        """Sum up."""
        return {"good": self.good, "errors": self.errors, "duplicates": self.duplicates}


def with_json(path: Path) -> Mapping[str, int]:
    """A plain loop."""
    content = Content()
    known = {"query", "response", "system", "images", "metadata"}
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            required = (row.get("query"), row.get("response"))
            if (
                all(isinstance(text, str) and text.strip() for text in required)
                and all(isinstance(row.get(field, ""), str) for field in ("system", "metadata"))
                and known >= row.keys()
            ):
                content.add(row)
            else:
                content.errors += 1
    return content.result()


def with_pydantic(path: Path) -> Mapping[str, int]:
    """A loop of models."""
    from pydantic import BaseModel, StringConstraints, ValidationError

    class Row(BaseModel):
        query: Annotated[str, StringConstraints(strict=True, pattern=r"\S")]
        response: Annotated[str, StringConstraints(strict=True, pattern=r"\S")]
        system: str | None = None
        metadata: str | None = None

    content = Content()
    with path.open("rb") as lines:
        for line in lines:
            try:
                row = Row.model_validate_json(line)
            except ValidationError:
                content.errors += 1
            else:
                content.add(row.__dict__)
    return content.result()


def with_pandas(path: Path) -> Mapping[str, int]:
    """Pandas, in pieces of 100,000 rows."""
    import pandas as pd

    good = errors = duplicates = 0
    seen: set[int] = set()
    lengths: dict[str, Counter[int]] = {"system": Counter(), "query": Counter(), "response": Counter()}
    metadata: dict[str, Counter[str]] = {}
    pattern = r"Bot:|User:|Assistant:|\[EOS\]|<image>|<video>"
    for piece in pd.read_json(path, lines=True, chunksize=100_000, dtype=False, convert_dates=False):
        is_good = (piece["query"].str.strip() != "") & (piece["response"].str.strip() != "")
        rows = piece[is_good]
        good += len(rows)
        errors += len(piece) - len(rows)
        for key in pd.util.hash_pandas_object(rows, index=False):
            duplicates += key in seen
            seen.add(key)
        for field, counts in lengths.items():
            counts.update(rows[field].str.len().tolist())
            rows[field].str.contains(pattern).sum()
        for text, count in rows["metadata"].value_counts().items():
            for name, value in json.loads(str(text)).items():
                metadata.setdefault(name, Counter())[value] += count
    return {"good": good, "errors": errors, "duplicates": duplicates}


PROGRAMS: Mapping[str, Callable[[Path], Mapping[str, int]]] = {
    "evalayer dataset check": with_evalayer,
    "the same, one process": lambda path: with_evalayer(path, workers=1),
    "json and dict checks": with_json,
    "pydantic models": with_pydantic,
    "pandas": with_pandas,
}


class Measured(NamedTuple):
    """What one program took and found."""

    seconds: float
    cpu_seconds: float
    megabytes: float
    found: Mapping[str, int]


def measure(name: str, path: Path) -> Measured:
    """Measure one program in a fresh process."""
    process = subprocess.run([sys.executable, __file__, name, str(path)], capture_output=True, text=True, check=True)
    return Measured(**json.loads(process.stdout.splitlines()[-1]))


def run(name: str, path: Path) -> None:
    """Run one program in this process and print what it took as JSON. Memory is that of the workers too, at most."""
    started = perf_counter()
    found = PROGRAMS[name](path)
    seconds = perf_counter() - started
    own, workers = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = own.ru_utime + own.ru_stime + workers.ru_utime + workers.ru_stime
    megabytes = (own.ru_maxrss + WORKERS * workers.ru_maxrss) / 1024
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, "megabytes": megabytes, "found": found}))


def main() -> None:
    """Measure all and print them side by side."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gen_qa.jsonl"
        make_data(path)
        size = path.stat().st_size
        measured = {name: measure(name, path) for name in PROGRAMS}
    first = next(iter(measured.values()))
    print(f"{ROWS:,} gen_qa rows, {size / ROWS:.0f} bytes a row; found {dict(first.found)}\n")
    print(f"{'':<26}{'rows/s':>9}{'seconds':>9}{'CPU s':>8}{'peak MB':>9}{'speed':>8}{'memory':>8}")
    for name, one in measured.items():
        if one.found != first.found:
            raise SystemExit(f"{name} found {one.found}")
        print(
            f"{name:<26}{ROWS / one.seconds:>9,.0f}{one.seconds:>9.1f}{one.cpu_seconds:>8.1f}{one.megabytes:>9.0f}"
            f"{first.seconds / one.seconds:>8.2f}{one.megabytes / first.megabytes:>8.2f}"
        )
    print(f"\ntarget: under {TARGET_SECONDS} s and {TARGET_MEGABYTES} MB")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        run(sys.argv[1], Path(sys.argv[2]))
    else:
        main()
