"""Metrics by name: installed entry points, near matches, conflicts, broken plugins."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evalayer import Completion, ConflictingMetrics, InvalidMetric, Task, UnknownMetric, installed_metrics

ROW = Completion("p", "a", "a")
PLUGIN = """
from evalayer import Completion, CorpusMetric, Metric, metric

@metric
def shouts(completion):
    return completion.text.isupper()

class Length(Metric):
    def __init__(self, name="length"):
        super().__init__(name)

    def score(self, completion):
        return len(completion.text)

ready = Length("ready")

def needs_labels(labels):
    return Length("labels")

number = 3
"""

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Put a distribution with the module `<module>` and the given entry points on the path."""
    modules: list[str] = []

    def put(distribution: str, module: str, source: str = PLUGIN, **entries: str) -> Path:
        root = tmp_path / distribution
        info = root / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        lines = "\n".join(f"{name} = {module}:{attribute}" for name, attribute in entries.items())
        (info / "entry_points.txt").write_text(f"[evalayer.metrics]\n{lines}\n")
        (root / f"{module}.py").write_text(source)
        monkeypatch.syspath_prepend(root)
        importlib.invalidate_caches()
        modules.append(module)
        return root

    yield put
    for module in modules:
        sys.modules.pop(module, None)


def test_a_name_is_resolved_when_the_task_is_declared(install: Install) -> None:
    install("acme-metrics", "acme_metrics", acme_shouts="shouts", acme_length="Length", acme_ready="ready")
    task = Task("t", metrics=["acme_shouts", "acme_length", "acme_ready"])
    assert [metric.name for metric in task.metrics] == ["shouts", "length", "ready"]
    assert task.score(ROW).values["length"] == 1.0


def test_nothing_is_imported_before_its_name_is_used(install: Install) -> None:
    install("acme-metrics", "acme_lazy", "raise RuntimeError('imported')", acme_lazy="x")
    assert "acme_lazy" in installed_metrics()
    assert "acme_lazy" not in sys.modules


def test_a_typo_fails_with_the_near_match_and_what_exists(install: Install) -> None:
    install("acme-metrics", "acme_metrics", acme_shouts="shouts")
    with pytest.raises(UnknownMetric) as caught:
        Task("t", metrics=["acme_shout"])
    text = str(caught.value)
    assert text.startswith("unknown metric 'acme_shout'; did you mean acme_shouts? available: ")
    assert set(text.partition("available: ")[2].split(", ")) == set(installed_metrics())
    with pytest.raises(UnknownMetric, match=r"unknown metric '🦕'; available: "):
        Task("t", metrics=["🦕"])


def test_two_distributions_with_one_name_conflict(install: Install) -> None:
    install("acme-metrics", "acme_metrics", shared="shouts")
    install("other-metrics", "other_metrics", shared="ready")
    with pytest.raises(ConflictingMetrics) as caught:
        Task("t", metrics=["shared"])
    text = str(caught.value)
    assert text.startswith("metric 'shared' is offered by ")
    for part in ("acme-metrics (acme_metrics:shouts)", "other-metrics (other_metrics:ready)", "pass the object"):
        assert part in text
    assert Task("t", metrics=["exact_match"]).metrics, "a conflict of one name must not spoil the others"


def test_one_distribution_seen_twice_on_the_path_is_no_conflict(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = install("acme-metrics", "acme_metrics", acme_shouts="shouts")
    monkeypatch.syspath_prepend(root)
    assert Task("t", metrics=["acme_shouts"]).metrics[0].name == "shouts"


def test_a_metric_with_settings_cannot_be_used_by_name(install: Install) -> None:
    install("acme-metrics", "acme_metrics", acme_labels="needs_labels")
    with pytest.raises(InvalidMetric, match=r"from acme_metrics import needs_labels, and write needs_labels\(…\)"):
        Task("t", metrics=["acme_labels"])


@pytest.mark.parametrize(
    ("source", "attribute", "reason"),
    [
        ("import no_such_module", "x", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("1 / 0", "x", "ZeroDivisionError: division by zero"),
        ("", "missing", "AttributeError"),
    ],
)
def test_a_plugin_that_cannot_be_imported_is_named(install: Install, source: str, attribute: str, reason: str) -> None:
    install("acme-metrics", "acme_broken", source, acme_broken=attribute)
    with pytest.raises(InvalidMetric, match="metric 'acme_broken' of acme-metrics cannot be imported") as caught:
        Task("t", metrics=["acme_broken"])
    assert reason in str(caught.value)


def test_an_entry_point_of_something_else_is_refused(install: Install) -> None:
    install("acme-metrics", "acme_metrics", acme_number="number")
    with pytest.raises(InvalidMetric, match=r"acme_number.*of acme-metrics.*is not a metric: it is of the type int"):
        Task("t", metrics=["acme_number"])
