"""What tests of different packages share: external tools, and the artefacts that are built once for all of them."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent


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


@pytest.fixture(scope="session")
def require() -> Callable[[str], Path]:
    """Return a function that finds a program, and otherwise skips the test, or fails it if EVALAYER_REQUIRE=all."""

    def find(tool: str) -> Path:
        found = shutil.which(tool, path=os.pathsep.join([str(BIN), os.environ.get("PATH", "")]))
        if found:
            return Path(found)
        reason = f"{tool} is not installed"
        if os.environ.get("EVALAYER_REQUIRE") == "all":
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
