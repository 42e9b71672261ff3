from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from tests.lab.publish.conftest import Publish

from evalayer_lab.cli.publish import publish

PLACES = {
    "parquet": ["--to", "published"],
    "athena": ["--to", "s3://bucket/prefix", "--dry-run"],
    "cloudwatch": ["--dry-run"],
    "mlflow": ["--uri", "http://localhost:9"],
    "tensorboard": ["--to", "logs"],
}


def test_every_place_has_a_case_here() -> None:
    assert set(publish.commands) == set(PLACES)


@pytest.mark.parametrize("place", PLACES)
def test_an_output_that_cannot_be_read_is_one_line(
    place: str, folder: Path, run_publish: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "damaged.tar.gz").write_bytes(b"not gzip")
    for name in ("missing", "empty", "damaged.tar.gz"):
        done = run_publish(place, name, *PLACES[place])
        assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
        assert name in done.err
    assert {path.name for path in tmp_path.iterdir() if path.suffix != ".evalayer"} <= {
        "empty",
        "damaged.tar.gz",
        ".evalayer",
    }


@pytest.mark.parametrize("place", PLACES)
def test_help_has_an_example(place: str) -> None:
    command = publish.commands[place]
    shown = command.get_help(click.Context(command, info_name=f"evalayer publish {place}"))
    assert re.search(rf"Examples:\n +evalayer publish {place}\b", shown)


def test_a_misspelt_place_gets_the_near_one(run_publish: Publish) -> None:
    done = run_publish("cloudwach", "output")
    assert done.code == 2
    assert "did you mean cloudwatch?" in done.err


def test_the_command_line_starts_without_heavy_libraries() -> None:
    script = "import sys, evalayer_lab.cli.publish; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"boto3", "duckdb", "mlflow", "numpy", "pyarrow", "rich", "tensorboardX", "pydantic"} & set(loaded)
