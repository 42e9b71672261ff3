"""Functions and layers as they are built for Lambda, in the runtime emulator."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.lab.emulator.functions import NATIVE, PROBE, ROOT

from evalayer_lab.handler import DEFAULT_PYTHON, RuntimeEmulator


@pytest.fixture(scope="session")
def python(build_environment: dict[str, str], require: Callable[[str], Path]) -> str:
    """The python3.13 of this machine; where it has none, the emulator fetches Debian's."""
    found = shutil.which(DEFAULT_PYTHON, path=build_environment["PATH"])
    if found and subprocess.run([found, "--version"], capture_output=True, check=False).returncode == 0:
        return found
    require("mmdebstrap")
    return DEFAULT_PYTHON


@pytest.fixture(scope="session")
def arm64_python(require: Callable[[str], Path], python: str) -> str:
    """The name of a python3.13 for arm64."""
    if NATIVE == "arm64":
        return python
    require("mmdebstrap")
    require("qemu-aarch64-static")
    return DEFAULT_PYTHON


@pytest.fixture(scope="session")
def built_function(
    build_once: Callable[[str, Callable[[Path], None]], Path], build_environment: dict[str, str]
) -> Path:
    """The deployed function's folder."""

    def fill(folder: Path) -> None:
        script = ROOT / "layer" / "build_layer.py"
        command = [sys.executable, str(script), "function", "--into", str(folder)]
        done = subprocess.run(command, env=build_environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    return build_once("function", fill)


@pytest.fixture(scope="session")
def start(
    built_layer: Callable[..., Path], python: str, arm64_python: str
) -> Iterator[Callable[[Path, str, str], RuntimeEmulator]]:
    """Return a function that starts a handler of a folder with the built layer on an architecture."""
    with ExitStack() as running:

        def begin(function: Path, handler: str, architecture: str) -> RuntimeEmulator:
            arm64 = architecture == "arm64"
            return running.enter_context(
                RuntimeEmulator(
                    function=function,
                    layers=[built_layer(architecture)],
                    python=arm64_python if arm64 else python,
                    arm64=arm64,
                    handler=handler,
                )
            )

        yield begin


@pytest.fixture(scope="session")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A function that does as the event says, without a layer."""
    folder = tmp_path_factory.mktemp("probe")
    (folder / "app.py").write_text(PROBE, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def probed(probe: Path, python: str) -> Iterator[RuntimeEmulator]:
    """That function, running."""
    with RuntimeEmulator(function=probe, python=python) as emulator:
        yield emulator
