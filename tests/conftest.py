"""What tests of different packages share: external tools, and the artefacts that are built once for all of them."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
# What takes the most time, the slowest first: run first by `make test`, left out by `make test-fast`.
SLOW = (
    "tests/lab/emulator",
    "tests/test_docs.py",
    "tests/deploy",
    "tests/lab/doctor",
    "tests/lab/report",
    "tests/lab/results",
    "tests/lab/statistics",
    "tests/lab/aws",
    "tests/lab/publish",
    "tests/examples",
    "tests/lab/test_init.py",
    "tests/lab/run/test_resume.py",
    "tests/dropin/test_oracle.py",
    "tests/metrics/test_schema_adherence.py",
    "tests/lab/dataset/test_check_parallel.py",
    "tests/lab/dataset/test_read_gen_qa.py",
    "tests/lab/recipe",
    "tests/lab/answers",
    "tests/test_plugin.py",
    "tests/test_fuzz_events.py",
    "tests/lab/test_cli.py",
    "tests/lab/test_archive.py",
    "tests/lab/test_handler_invoke.py",
)
# What gives a test its tools; see `require`.
INSTALL = {
    "chromedriver": "apt-get install chromium-driver",
    "chromium": "apt-get install chromium",
    "mmdebstrap": "apt-get install mmdebstrap",
    "python3.12": "uv python install 3.12",
    "python3.13": "uv python install 3.13",
    "qemu-aarch64-static": "apt-get install qemu-user-static",
    "sagemaker-sdk": "make .venv/oracle/.done",
    "sam": "pip install aws-sam-cli",
}
NO_PACKAGE = {"python3.12", "python3.13"}  # not in every Debian: a test may lack one even where all is required

# No test knows how fast this machine is: no time limit of Hypothesis, and no complaint about slow or large examples.
settings.register_profile(
    "evalayer",
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
        HealthCheck.function_scoped_fixture,
    ],
)
settings.load_profile("evalayer")
# Workers of pytest share the cores already: further threads of NumPy would only wait for each other.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import the slow tests where they are left out."""
    is_left_out = config.option.markexpr == "not slow" and place(collection_path) < len(SLOW)
    return True if is_left_out else None  # None leaves it to others


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow tests and put them first, so that no worker begins them last."""
    places = {item: place(item.path) for item in items}
    for item in items:
        if places[item] < len(SLOW):
            item.add_marker("slow")
    items.sort(key=lambda item: places[item])


def place(path: Path) -> int:
    """Return where a file or folder stands in SLOW; its length if nowhere."""
    return next((number for number, slow in enumerate(SLOW) if path.is_relative_to(ROOT / slow)), len(SLOW))


def find_python(version: str) -> Path | None:
    """Find a Python such as 3.13 on the path, or where pyenv and uv put theirs."""
    name = f"python{version}"
    homes = (Path.home() / ".pyenv/versions").glob(f"{version}*/bin")
    managed = (Path.home() / ".local/share/uv/python").glob(f"cpython-{version}*/bin")
    on_path = (Path(folder) for folder in os.get_exec_path())
    for folder in (BIN, *on_path, *sorted(homes), *sorted(managed)):
        python = folder / name
        if python.exists() and subprocess.run([python, "--version"], capture_output=True, check=False).returncode == 0:
            return python
    return None


def find_tool(tool: str) -> Path | None:
    """Find one of INSTALL."""
    if tool == "sagemaker-sdk":
        python = ROOT / ".venv/oracle/bin/python"
        return python if python.exists() else None
    if tool.startswith("python"):
        return find_python(tool.removeprefix("python"))
    found = shutil.which(tool, path=os.pathsep.join([str(BIN), os.environ.get("PATH", "")]))
    return Path(found) if found else None


@pytest.fixture(scope="session")
def require() -> Callable[[str], Path]:
    """Return a function that finds a tool, and otherwise skips the test, or fails it if EVALAYER_REQUIRE=all."""

    def find(tool: str) -> Path:
        found = find_tool(tool)
        if found:
            return found
        reason = f"install {tool}: {INSTALL[tool]}"
        if os.environ.get("EVALAYER_REQUIRE") == "all" and tool not in NO_PACKAGE:
            pytest.fail(reason)
        pytest.skip(reason)

    return find


@pytest.fixture(scope="session")
def build_once(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str, Callable[[Path], None]], Path]:
    """Return a function that fills a folder the first time any worker of this session asks for it by name."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def build(name: str, fill: Callable[[Path], None]) -> Path:
        folder, done = shared / name, shared / f"{name}.done"
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                fill(folder)
                done.touch()
        return folder

    return build


@pytest.fixture(scope="session")
def build_environment() -> dict[str, str]:
    """Return the environment of a build, in which the Pythons of the runtimes are found if this host has them."""
    pythons = [str(python.parent) for version in ("3.13", "3.12") if (python := find_python(version))]
    path = os.pathsep.join([str(BIN), *pythons, os.environ["PATH"]])
    return {**os.environ, "PATH": path, "PYTHON": sys.executable, "SAM_CLI_TELEMETRY": "0"}


@pytest.fixture(scope="session")
def services() -> Iterator[None]:
    """Let botocore read its descriptions of a service once, and not for every session: that takes most of the time."""
    from botocore.loaders import JSONFileLoader

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", staticmethod(cache(JSONFileLoader().load_file)))
        yield


@pytest.fixture(scope="session")
def built_layer(
    build_once: Callable[[str, Callable[[Path], None]], Path], build_environment: dict[str, str]
) -> Callable[..., Path]:
    """Return a function (arch, runtime="python3.13") that gives a folder holding `python/`, as /opt does in Lambda."""

    def build(arch: str, runtime: str = "python3.13") -> Path:
        def fill(folder: Path) -> None:
            script = str(ROOT / "layer" / "build_layer.py")
            command = [sys.executable, script, "layer", "--runtime", runtime, "--arch", arch, "--into", str(folder)]
            done = subprocess.run(command, env=build_environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr

        return build_once(f"layer-{runtime}-{arch}", fill)

    return build
