"""A third-party distribution of a metric: really installed, listed, used by name, and refused where it must be."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLUGIN = ROOT / "tests" / "plugin"
USE = """
import json, sys
from evalayer import EvalayerError, Task, build_lambda_handler
try:
    handler = build_lambda_handler(Task("replies", metrics=[sys.argv[1]]))
except EvalayerError as error:
    print(json.dumps({"error": type(error).__name__, "message": str(error)}))
else:
    data = {"prompt": "Who can help?", "inference_output": sys.argv[2], "gold": ""}
    print(json.dumps(handler({"process_type": "postprocess", "data": data})))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "--target", str(folder), str(PLUGIN)], check=True)
    return folder


def offer(folder: Path, distribution: str, name: str, code: str) -> Path:
    """Lay out an installed distribution, as an installer does, that offers one metric called `name`."""
    module = distribution.replace("-", "_")
    (folder / f"{module}.py").write_text(code)
    metadata = folder / f"{module}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[evalayer.metrics]\n{name} = {module}:{name}\n")
    return folder


def python(*arguments: str, path: tuple[Path, ...], cwd: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def use(name: str, answer: str, *path: Path) -> Mapping[str, object]:
    response: Mapping[str, object] = json.loads(python("-c", USE, name, answer, path=path, cwd=path[0]))
    return response


def test_its_own_tests_pass(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "test_contacts.py").write_bytes((PLUGIN / "test_contacts.py").read_bytes())
    command = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--doctest-modules")
    report = python(*command, "test_contacts.py", str(installed / "evalayer_contacts"), path=(installed,), cwd=tmp_path)
    assert "4 passed" in report


def test_the_command_line_lists_it_with_its_distribution(installed: Path, tmp_path: Path) -> None:
    listed = python("-m", "evalayer_lab", "metrics", path=(installed,), cwd=tmp_path)
    line = next(line for line in listed.splitlines() if line.startswith("no_invented_contacts "))
    assert line.endswith("Whether every e-mail address in the answer stands in the prompt too.  [evalayer-contacts]")
    rows = json.loads(python("-m", "evalayer_lab", "metrics", "--json", path=(installed,), cwd=tmp_path))
    assert {row["name"]: row["distribution"] for row in rows}["no_invented_contacts"] == "evalayer-contacts"


@pytest.mark.parametrize(("answer", "value"), [("Ask help@example.com", 0.0), ("Ask the front desk", 1.0)])
def test_a_task_uses_it_by_name(installed: Path, answer: str, value: float) -> None:
    assert use("no_invented_contacts", answer, installed) == {
        "statusCode": 200,
        "body": [
            {"metric": "no_invented_contacts", "value": value},
            {"metric": "no_invented_contacts.unscored", "value": 0.0},
        ],
    }


def test_without_it_the_name_is_unknown(tmp_path: Path) -> None:
    response = use("no_invented_contacts", "", tmp_path)
    assert response["error"] == "UnknownMetric"
    assert "'no_invented_contacts'" in str(response["message"])


def test_a_near_match_is_suggested(installed: Path) -> None:
    assert "did you mean no_invented_contacts?" in str(use("no_inventd_contacts", "", installed)["message"])


def test_one_name_of_two_distributions_is_an_error_that_names_both(installed: Path, tmp_path: Path) -> None:
    offer(tmp_path, "other-contacts", "no_invented_contacts", "no_invented_contacts = None\n")
    response = use("no_invented_contacts", "", installed, tmp_path)
    assert response["error"] == "ConflictingMetrics"
    assert "evalayer-contacts (evalayer_contacts:no_invented_contacts)" in str(response["message"])
    assert "other-contacts (other_contacts:no_invented_contacts)" in str(response["message"])


def test_one_distribution_found_twice_is_no_conflict(installed: Path) -> None:
    assert use("no_invented_contacts", "", installed, installed / ".." / installed.name)["statusCode"] == 200


def test_a_plugin_that_cannot_be_imported_is_named(tmp_path: Path) -> None:
    offer(tmp_path, "broken-plugin", "broken", "raise RuntimeError('no licence')\n")
    response = use("broken", "", tmp_path)
    assert response["error"] == "InvalidMetric"
    for part in ("'broken'", "broken-plugin", "broken_plugin:broken", "RuntimeError: no licence"):
        assert part in str(response["message"])


def test_an_entry_point_that_is_no_metric_is_refused(tmp_path: Path) -> None:
    offer(tmp_path, "no-metric", "plain", "plain = 3\n")
    response = use("plain", "", tmp_path)
    assert response["error"] == "InvalidMetric"
    assert "is not a metric" in str(response["message"])
