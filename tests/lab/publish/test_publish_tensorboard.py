from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.lab.publish.conftest import RECORD, STARTED, Publish
from tests.lab.results.result_tree import Row, write_tree

from evalayer_lab.publish import Publication, publish_tensorboard
from evalayer_lab.results import read_results


def read(folder: Path) -> dict[str, dict[str, tuple[float, int, float]]]:
    """The scalars of each run in a log directory: time, step and value by tag."""
    from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer

    logging.getLogger("tensorboard").setLevel(logging.ERROR)
    multiplexer = EventMultiplexer().AddRunsFromDirectory(str(folder)).Reload()
    found: dict[str, dict[str, tuple[float, int, float]]] = {}
    for run, kinds in multiplexer.Runs().items():
        found[run] = {}
        for tag in kinds["scalars"]:
            (event,) = multiplexer.Scalars(run, tag)
            found[run][tag] = (event.wall_time, event.step, event.value)
    return found


def test_runs_lie_side_by_side(publication: Publication, rows: list[Row], tmp_path: Path) -> None:
    started = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
    other = Publication.from_results(
        read_results(write_tree(tmp_path / "tickets", rows[:30], run=RECORD | {"started": started}))
    )
    logs = tmp_path / "logs"
    for each in (publication, other):
        publish_tensorboard(each, logs)
    found = read(logs)
    assert set(found) == {publication.run.id, other.run.id}
    for each in (publication, other):
        for figure in each.figures:
            rest = figure.name.removeprefix(figure.metric).removeprefix(".") or figure.metric
            tag = f"{figure.metric}/{rest}".replace("%", "_25")
            ends = {"": figure.estimate.value, "_low": figure.estimate.low, "_high": figure.estimate.high}
            for end, value in ends.items():
                if value is None:
                    assert tag + end not in found[each.run.id]
                else:
                    _, step, read_back = found[each.run.id][tag + end]
                    assert step == 0
                    assert read_back == pytest.approx(value, rel=1e-6)
    assert found[publication.run.id]["class/f1_macro"][0] == pytest.approx(STARTED.timestamp())


def test_publishing_again_replaces_the_file(publication: Publication, tmp_path: Path) -> None:
    first = publish_tensorboard(publication, tmp_path)
    before = read(tmp_path)
    (first.parent / "events.out.tfevents.1.evalayer").write_bytes(b"")
    (first.parent / "events.out.tfevents.1.own").write_bytes(b"")
    assert publish_tensorboard(publication, tmp_path) == first
    assert sorted(path.name for path in first.parent.iterdir()) == ["events.out.tfevents.1.own", first.name]
    (first.parent / "events.out.tfevents.1.own").unlink()
    assert read(tmp_path) == before


def test_the_command_names_the_file(folder: Path, run_publish: Publish, tmp_path: Path) -> None:
    done = run_publish("tensorboard", folder, "--to", tmp_path, "--json")
    assert Path(done.json["file"]).parent == tmp_path / done.json["run"]
    assert run_publish("tensorboard", folder, "--to", tmp_path).out == f"Wrote {done.json['file']}\n"
    (tmp_path / "file").write_text("")
    refused = run_publish("tensorboard", folder, "--to", tmp_path / "file")
    assert (refused.code, len(refused.err.splitlines())) == (2, 1)
