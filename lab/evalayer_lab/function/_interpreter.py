"""The Python that runs a function under the runtime emulator."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evalayer_lab.function._provision import DEBIAN_PYTHON, debian_root, require_tool
from evalayer_lab.inputs import InputError


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A CPython 3.`minor` for `machine`.

    Attributes:
        command: what starts it.
        minor: its minor version.
        machine: `x86_64` or `aarch64`.
        environment: what its process needs.
    """

    command: Sequence[str]
    minor: int
    machine: str
    environment: Mapping[str, str]

    @property
    def is_emulated(self) -> bool:
        """Whether it is for another machine than this one."""
        return self.machine != platform.machine()

    @property
    def architecture(self) -> str:
        """The machine, as Lambda calls it."""
        return {"aarch64": "arm64"}.get(self.machine, self.machine)


def find_interpreter(python: str, *, arm64: bool) -> Interpreter:
    """Find the Python to run a function with.

    Args:
        python: its name on the path, or its file. Where there is no python3.13, it is Debian's.
        arm64: one for arm64; on another machine it is Debian's, under QEMU.

    Raises:
        InputError: there is none, or what fetches or emulates it is not installed.
    """
    if sys.platform != "linux":
        raise InputError("--runtime works on Linux only; on other systems use `sam local invoke`, which needs Docker")
    if arm64 and platform.machine() != "aarch64":
        if python != DEBIAN_PYTHON:
            raise InputError(f"with --arm64 there is {DEBIAN_PYTHON} only", field="--python")
        qemu = require_tool("qemu-aarch64-static", "qemu-user-static", "qemu-aarch64")
        root = debian_root("aarch64")
        return Interpreter([qemu, f"{root}/usr/bin/{python}"], 13, "aarch64", {"QEMU_LD_PREFIX": str(root)})
    files = [python] if os.sep in python else [f"{folder}{os.sep}{python}" for folder in os.get_exec_path()]
    for file in filter(shutil.which, files):
        described = _describe(file)
        if described is not None:
            return described
    if python == DEBIAN_PYTHON and shutil.which("mmdebstrap"):
        return _debian()
    or_debian = ", or apt-get install mmdebstrap to fetch Debian's" if python == DEBIAN_PYTHON else ""
    raise InputError(f"there is no {python} that starts; give the file of one{or_debian}", field="--python")


def _describe(python: str) -> Interpreter | None:
    """Ask a Python who it is: the file may be a shim that starts another, or none."""
    code = "import sys; print(sys.implementation.name, *sys.version_info[:2], sys.executable)"
    command = [python, "-I", "-S", "-c", code]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 (the user's)
        name, major, minor, executable = done.stdout.strip().split(" ", 3)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    if (name, major) != ("cpython", "3"):
        return None
    return Interpreter([executable], int(minor), platform.machine(), {"PYTHONDONTWRITEBYTECODE": "1"})


def _debian() -> Interpreter:
    """Debian's Python for this machine, started with its own C library."""
    machine = platform.machine()
    root = debian_root(machine)
    loader = next(root.glob("usr/lib*/ld-linux-*.so.*"))
    libraries = root / "usr/lib" / f"{machine}-linux-gnu"
    command = [str(loader), "--library-path", str(libraries), f"{root}/usr/bin/{DEBIAN_PYTHON}"]
    return Interpreter(command, 13, machine, {})
