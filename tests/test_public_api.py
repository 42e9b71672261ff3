"""The public names, and what importing them costs."""

import pkgutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import evalayer
import evalayer_metrics
from evalayer import installed_metrics

ROOT = Path(__file__).parents[1]


def imported_by(statement: str) -> set[str]:
    """The modules that a fresh interpreter has after a statement, beyond those it starts with."""

    def modules(code: str) -> set[str]:
        command = [sys.executable, "-c", f"import sys; {code}; print(*sys.modules)"]
        return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())

    return modules(statement) - modules("pass")


def foreign(modules: set[str]) -> set[str]:
    return {name for name in modules if name.partition(".")[0] not in sys.stdlib_module_names}


def test_all_is_what_is_public() -> None:
    public = {
        name for name, value in vars(evalayer).items() if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    imported_when_asked_for = {"installed_metrics"}
    assert sorted(evalayer.__all__) == sorted({*public, *imported_when_asked_for, "__version__"})


def test_a_name_that_is_not_public_is_missing() -> None:
    with pytest.raises(AttributeError, match="module 'evalayer' has no attribute 'instaled_metrics'"):
        evalayer.instaled_metrics  # noqa: B018


def test_every_metric_is_a_file_an_export_and_an_entry_point() -> None:
    files = sorted(name for _, name, _ in pkgutil.iter_modules(evalayer_metrics.__path__) if not name.startswith("_"))
    assert list(evalayer_metrics.__all__) == files
    offered = {
        name: entry.value for name, (entry,) in installed_metrics().items() if "evalayer_metrics" in entry.module
    }
    assert offered == {name: f"evalayer_metrics.{name}:{name}" for name in files}
    for name in files:
        assert getattr(evalayer_metrics, name) is installed_metrics()[name][0].load()


@pytest.mark.parametrize("package", [evalayer, evalayer_metrics])
def test_every_public_name_is_documented(package: ModuleType) -> None:
    for name in package.__all__:
        value = getattr(package, name)
        if callable(value) and getattr(value, "__module__", "").startswith(package.__name__):
            assert value.__doc__, name


def test_evalayer_needs_the_standard_library_only() -> None:
    modules = imported_by("import evalayer")
    assert "evalayer._task" in modules
    assert {name for name in foreign(modules) if name.partition(".")[0] != "evalayer"} == set()


def test_evalayer_leaves_slow_modules_of_the_standard_library_for_later() -> None:
    slow = {"asyncio", "difflib", "hashlib", "importlib.metadata", "logging", "random", "traceback", "urllib.parse"}
    assert imported_by("import evalayer") & slow == set()


def test_the_metrics_import_nothing_foreign_before_one_is_made() -> None:
    every = ", ".join(f"evalayer_metrics.{name}" for _, name, _ in pkgutil.iter_modules(evalayer_metrics.__path__))
    modules = imported_by(f"import {every}")
    ours = {"evalayer", "evalayer_metrics"}
    assert {name for name in foreign(modules) if name.partition(".")[0] not in ours} == set()


def test_the_deployed_function_imports_nothing_of_the_lab() -> None:
    modules = imported_by(f"sys.path.insert(0, {str(ROOT / 'processors')!r}); import app")
    assert "support_tickets" in modules
    assert {name for name in modules if name.startswith("evalayer_lab")} == set()


def test_the_list_of_commands_imports_no_other_room_of_the_lab() -> None:
    modules = imported_by(
        "sys.argv[1:] = ['--help']; from evalayer_lab.cli._main import root; root(standalone_mode=False)"
    )
    ours = {name for name in modules if name.startswith("evalayer_lab.") and not name.startswith("evalayer_lab.cli")}
    assert "evalayer_lab.cli.run" in modules
    assert ours == set()
