"""The deployed function in AWS's runtime emulator, beside a hand-written one and one on pydantic models.

Cold is a fresh emulator and process until the first answer, warm is one more postprocess event, HTTP included. All run
on the same Python, with the same compiled layers and the same Powertools; the rounds are interleaved, so that a busy
moment of the machine meets all alike.
"""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from evalayer_lab.function import DEFAULT_PYTHON, RuntimeEmulator

ROOT = Path(__file__).resolve().parent.parent
HERE = Path(__file__).parent
MACHINE = platform.machine()
ARCHITECTURE = {"aarch64": "arm64"}.get(MACHINE, MACHINE)
COLD_ROUNDS, WARM_ROUNDS, WARM_EVENTS = 15, 15, 200
COLD_GOAL, WARM_GOAL = 1.3, 1.2
EVENT = (ROOT / "events" / "postprocess.json").read_bytes()
POWERTOOLS = ("aws-lambda-powertools", "jmespath", "typing-extensions")
PYDANTIC = ("pydantic", "pydantic-core", "annotated-types", "typing-extensions", "typing-inspection")
BARE = "def lambda_handler(event, context):\n    return {}\n"


def find_python() -> str:
    pyenv = sorted((Path.home() / ".pyenv" / "versions").glob("3.13*/bin"))
    for folder in (*pyenv, *map(Path, os.get_exec_path())):
        file = folder / DEFAULT_PYTHON
        if file.exists() and subprocess.run([file, "--version"], capture_output=True, check=False).returncode == 0:
            return str(file)
    raise SystemExit(f"this benchmark needs {DEFAULT_PYTHON}, to compile the layers with")


def build(python: str, what: str, into: Path) -> Path:
    options = [what, "--runtime", DEFAULT_PYTHON, "--arch", ARCHITECTURE, "--into", str(into)]
    environment = {**os.environ, "PATH": f"{Path(python).parent}:{os.environ['PATH']}"}
    subprocess.run([sys.executable, ROOT / "layer" / "build_layer.py", *options], env=environment, check=True)
    return into


def install(python: str, names: tuple[str, ...], layer: Path) -> Path:
    target = layer / "python"
    pip = [sys.executable, "-m", "pip", "install", "-qq", "--no-deps", "--no-compile", f"--target={target}"]
    tags = [f"--platform={tag}_{MACHINE}" for tag in ("manylinux_2_28", "manylinux_2_17", "manylinux2014")]
    pins = [f"{name}=={version(name)}" for name in names]
    subprocess.run([*pip, "--only-binary=:all:", "--python-version=3.13", *tags, *pins], check=True)
    subprocess.run([python, "-m", "compileall", "-q", "--invalidation-mode=unchecked-hash", target], check=True)
    return layer


def functions(python: str, folder: Path) -> dict[str, Callable[[], RuntimeEmulator]]:
    """Build the four functions; return what makes an emulator of each."""
    layer = build(python, "layer", folder / "layer")
    powertools = install(python, POWERTOOLS, folder / "powertools")
    pydantic = install(python, PYDANTIC, folder / "pydantic")
    deployed = build(python, "function", folder / "deployed")
    for name in ("bare", "hand", "models"):
        (folder / name).mkdir()
    (folder / "bare" / "app.py").write_text(BARE, encoding="utf-8")
    shutil.copy(HERE / "_by_hand_function.py", folder / "hand" / "app.py")
    shutil.copy(HERE / "_by_hand_function.py", folder / "models")
    shutil.copy(HERE / "_pydantic_function.py", folder / "models" / "app.py")

    def emulator(function: Path, *layers: Path) -> Callable[[], RuntimeEmulator]:
        return lambda: RuntimeEmulator(function=function, layers=layers, python=python)

    return {
        "empty function": emulator(folder / "bare"),
        "by hand": emulator(folder / "hand", layer, powertools),
        "evalayer, deployed": emulator(deployed, layer, powertools),
        "pydantic models": emulator(folder / "models", layer, powertools, pydantic),
    }


def milliseconds(emulator: RuntimeEmulator, events: int) -> float:
    started = perf_counter()
    for _ in range(events):
        emulator.invoke(EVENT)
    return (perf_counter() - started) * 1000 / events


def cold(make: Callable[[], RuntimeEmulator]) -> float:
    with make() as emulator:
        return milliseconds(emulator, 1)


def main() -> None:
    python = find_python()
    with TemporaryDirectory() as scratch, ExitStack() as running:
        made = functions(python, Path(scratch))
        cold_times: dict[str, list[float]] = {name: [] for name in made}
        for _ in range(COLD_ROUNDS):
            for name, make in made.items():
                cold_times[name].append(cold(make))
        emulators = {name: running.enter_context(make()) for name, make in made.items()}
        for name, emulator in emulators.items():
            milliseconds(emulator, WARM_EVENTS)
            if name != "empty function" and emulator.log.count('"message":"answered"') != WARM_EVENTS:
                raise SystemExit(f"{name} does not answer under Powertools:\n{emulator.log[:2000]}")
        warm_times: dict[str, list[float]] = {name: [] for name in made}
        for _ in range(WARM_ROUNDS):
            for name, emulator in emulators.items():
                warm_times[name].append(milliseconds(emulator, WARM_EVENTS))
    colds = {name: median(times) for name, times in cold_times.items()}
    warms = {name: median(times) for name, times in warm_times.items()}
    print(f"runtime emulator: median of {COLD_ROUNDS} cold starts, and of {WARM_ROUNDS} x {WARM_EVENTS} warm events")
    print(f"{'':20}{'cold ms':>10}{'of by hand':>12}{'warm ms':>10}{'of by hand':>12}")
    for name in made:
        ratios = colds[name] / colds["by hand"], warms[name] / warms["by hand"]
        print(f"{name:20}{colds[name]:10.1f}{ratios[0]:12.2f}{warms[name]:10.2f}{ratios[1]:12.2f}")
    missed = False
    for what, times, goal in (("cold start", colds, COLD_GOAL), ("warm event", warms, WARM_GOAL)):
        ratio = times["evalayer, deployed"] / times["by hand"]
        missed |= ratio > goal
        print(f"{what} at most {goal} times the one by hand: {'yes' if ratio <= goal else 'NO'}")
    if missed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
