"""Every built-in metric is a plugin like any other."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint, entry_points

import pytest

import evalayer_metrics
from evalayer import Completion, InvalidMetric, Task

BUILT_IN = sorted(
    (entry for entry in entry_points(group="evalayer.metrics") if entry.dist and entry.dist.name == "evalayer"),
    key=lambda entry: entry.name,
)
BY_NAME = ["exact_match", "quasi_exact_match", "token_f1", "rouge_l", "length_ratio", "numeric_match", "json_fields"]


def test_entry_points_are_the_exported_names() -> None:
    assert [entry.name for entry in BUILT_IN] == evalayer_metrics.__all__ == sorted(evalayer_metrics.__all__)
    assert len(BUILT_IN) == 11


@pytest.mark.parametrize("entry", BUILT_IN, ids=lambda entry: entry.name)
def test_entry_point_loads_what_the_package_exports(entry: EntryPoint) -> None:
    loaded = entry.load()
    assert getattr(evalayer_metrics, entry.name) is loaded
    assert entry.name in dir(evalayer_metrics)
    first, _, rest = str(loaded.__doc__).strip().partition("\n")
    assert first.endswith(".")
    assert not rest.startswith("\n\n\n")
    assert ">>>" in rest


@pytest.mark.parametrize("name", [*BY_NAME, "reasoning_coherence", "description_quality"])
def test_metric_is_usable_by_name(name: str) -> None:
    task = Task("a task", metrics=[name])
    scores = task.score(
        Completion("the vpn", '{"class": "a", "n": 1, "thought": "vpn", "description": "vpn"}', '{"n": 1}')
    )
    assert not scores.unscored
    assert set(scores.values) == set(task.reported_names(name))


@pytest.mark.parametrize("name", ["classification", "schema_adherence"])
def test_metric_with_settings_says_so(name: str) -> None:
    with pytest.raises(InvalidMetric, match=rf"from evalayer_metrics\.{name} import {name}"):
        Task("a task", metrics=[name])


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="rouge_m"):
        evalayer_metrics.rouge_m  # noqa: B018


def _run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def test_importing_one_metric_imports_no_other_and_nothing_foreign() -> None:
    modules = _run(
        "import sys; from evalayer_metrics import classification; print(*sorted(m for m in sys.modules "
        "if m.partition('.')[0] not in sys.stdlib_module_names and not m.startswith(('_', 'evalayer.'))))"
    ).split()
    assert set(modules) <= {"evalayer", "evalayer_metrics", "evalayer_metrics._json", "evalayer_metrics.classification"}


def test_no_metric_needs_more_than_the_standard_library_to_import() -> None:
    foreign = _run(
        "import sys; from evalayer_metrics import *; print(*sorted({m.partition('.')[0] for m in sys.modules} "
        "- set(sys.stdlib_module_names) - {'evalayer', 'evalayer_metrics', '__main__', '__mp_main__'}))"
    ).split()
    assert not [name for name in foreign if not name.startswith("_")]


def test_metric_stays_a_metric_after_its_file_is_imported() -> None:
    code = (
        "import evalayer_metrics.rouge_l; from evalayer_metrics.rouge_l import rouge_l as direct; "
        "from evalayer_metrics import rouge_l; print(rouge_l is direct)"
    )
    assert _run(code) == "True"
