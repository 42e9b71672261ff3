"""Functions and layers as they are built for Lambda, in the runtime emulator."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.lab.emulator.functions import NATIVE, PROBE, ROOT

from evalayer_lab.function import DEFAULT_PYTHON, RuntimeEmulator

POWERTOOLS = ("aws-lambda-powertools", "jmespath", "typing-extensions")


def find(name: str, environment: dict[str, str]) -> str | None:
    """Find a Python that starts."""
    found = shutil.which(name, path=environment["PATH"])
    if found and subprocess.run([found, "--version"], capture_output=True, check=False).returncode == 0:
        return found
    return None


@pytest.fixture(scope="session")
def python(build_environment: dict[str, str], require: Callable[[str], Path]) -> str:
    """The python3.13 of this machine; where it has none, the emulator fetches Debian's."""
    found = find(DEFAULT_PYTHON, build_environment)
    if found:
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
def python312(require: Callable[[str], Path]) -> str:
    """The python3.12 of this machine; the release of Debian that the emulator knows has none."""
    return str(require("python3.12"))


@pytest.fixture(scope="session")
def powertools(build_once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """A layer with Powertools for AWS Lambda, as the lock has it; it is pure Python."""

    def fill(folder: Path) -> None:
        folder.mkdir()
        lock = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
        pinned = [re.search(rf"^{name}==(?:.*\\\n)*.*\n", lock, re.MULTILINE) for name in POWERTOOLS]
        requirements = folder / "requirements.txt"
        requirements.write_text("".join(lines.group() for lines in pinned if lines), encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--no-compile"]
        command += ["--only-binary=:all:", f"--requirement={requirements}", f"--target={folder / 'python'}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert not list(folder.rglob("*.so"))

    return build_once("powertools", fill)


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
def start(built_layer: Callable[..., Path], python: str, arm64_python: str) -> Iterator[Callable[..., RuntimeEmulator]]:
    """Return a function (folder, handler, architecture, further layers) that starts it on top of the built layer."""
    with ExitStack() as running:

        def begin(function: Path, handler: str, architecture: str, *further: Path) -> RuntimeEmulator:
            arm64 = architecture == "arm64"
            return running.enter_context(
                RuntimeEmulator(
                    function=function,
                    layers=[built_layer(architecture), *further],
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
