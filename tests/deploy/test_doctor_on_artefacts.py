"""The doctor finds nothing in what is shipped, and finds what is then broken in it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def _examine(*arguments: str | Path) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-m", "evalayer_lab", "doctor", *map(str, arguments), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("runtime", ["python3.13", "python3.12"])
def test_what_sam_builds_has_no_finding(sam_build: Callable[[str], Path], runtime: str, tmp_path: Path) -> None:
    built = sam_build(runtime)
    template = tmp_path / "template.yaml"
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    assert text.count("Default: python3.13") == 1
    template.write_text(text.replace("Default: python3.13", f"Default: {runtime}"), encoding="utf-8")
    code, report = _examine(
        *("--template", template, "--recipe", ROOT / "recipes/support_tickets.yaml"),
        *("--layer", built / "EvalayerLayer", "--function", built / "EvaluationFunction"),
    )
    assert (code, [one for one in report["findings"] if one["severity"] != "skipped"]) == (0, [])


def test_the_layer_of_another_architecture_is_found(
    sam_build: Callable[[str], Path], built_layer: Callable[[str], Path]
) -> None:
    function = sam_build("python3.13") / "EvaluationFunction"
    code, report = _examine(
        "--template", ROOT / "template.yaml", "--layer", built_layer("x86_64"), "--function", function
    )
    assert code == 1
    assert "elf-architecture" in {finding["code"] for finding in report["findings"]}


def test_a_metadata_folder_stripped_from_the_built_layer_is_found(
    sam_build: Callable[[str], Path], tmp_path: Path
) -> None:
    built = sam_build("python3.13")
    layer = tmp_path / "layer"
    shutil.copytree(built / "EvalayerLayer", layer)
    for folder in (layer / "python").glob("evalayer-*.dist-info"):
        shutil.rmtree(folder)
    code, report = _examine(
        "--template", ROOT / "template.yaml", "--layer", layer, "--function", built / "EvaluationFunction"
    )
    assert code == 1
    assert "evalayer" in json.dumps(report["findings"])
