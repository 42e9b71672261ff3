"""What runs a function under the runtime emulator: found on this machine, or fetched once into the user's cache."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from evalayer_lab.function._runtime import architecture_of
from evalayer_lab.inputs import InputError, writing

_LOCK: Final = Path(__file__).with_name("runtime-client.txt")
_DEBIAN: Final = "trixie"
_DEBIAN_ARCHITECTURES: Final = {"aarch64": "arm64", "x86_64": "amd64"}
_PACKAGES: Final = ("python3.13-minimal", "libpython3.13-stdlib", "libstdc++6")
DEFAULT_PYTHON: Final = "python3.13"  # the one that Debian has


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
        return architecture_of(self.machine)


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
        if python != DEFAULT_PYTHON:
            raise InputError(f"with --arm64 the only Python is {DEFAULT_PYTHON}; leave --python out", field="--python")
        qemu = _require_tool("qemu-aarch64-static", "qemu-user-static", "qemu-aarch64")
        root = _debian_root("aarch64")
        return Interpreter([qemu, f"{root}/usr/bin/{python}"], 13, "aarch64", {"QEMU_LD_PREFIX": str(root)})
    files = [python] if os.sep in python else [f"{folder}{os.sep}{python}" for folder in os.get_exec_path()]
    for file in filter(shutil.which, files):
        described = _describe(file)
        if described is not None:
            return described
    if python == DEFAULT_PYTHON and shutil.which("mmdebstrap"):
        return _debian()
    or_debian = ", or apt-get install mmdebstrap to fetch Debian's" if python == DEFAULT_PYTHON else ""
    raise InputError(f"no {python} was found that starts; give the file of one{or_debian}", field="--python")


def _describe(python: str) -> Interpreter | None:
    """Ask a Python what it is: the file may be a shim that starts another, or none."""
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
    root = _debian_root(machine)
    loader = next(root.glob("usr/lib*/ld-linux-*.so.*"))
    libraries = root / "usr/lib" / f"{machine}-linux-gnu"
    command = [str(loader), "--library-path", str(libraries), f"{root}/usr/bin/{DEFAULT_PYTHON}"]
    return Interpreter(command, 13, machine, {})


def emulator_binary(machine: str) -> Path:
    """Find AWS's runtime interface emulator, which comes with the SAM CLI.

    Raises:
        InputError: the SAM CLI is not installed.
    """
    name = f"aws-lambda-rie-{architecture_of(machine)}"
    packages = find_spec("samcli")
    folders = [Path(folder) for folder in (packages.submodule_search_locations or () if packages else ())]
    sam = shutil.which("sam")
    if sam:
        home = Path(sam).resolve().parent
        folders += [home / "_internal/samcli", *home.parent.glob("lib/python3*/site-packages/samcli")]
    for folder in folders:
        binary = folder / "local" / "rapid" / name
        if binary.is_file():
            return binary
    raise InputError("--runtime needs AWS's runtime interface emulator, a part of the SAM CLI: pip install aws-sam-cli")


def runtime_client(minor: int, machine: str, python: Sequence[str] | None) -> Path:
    """Return a folder with awslambdaric, Lambda's Python runtime client, for CPython 3.`minor` on a machine.

    Args:
        minor: the minor version.
        machine: `x86_64` or `aarch64`.
        python: what starts such a Python on this machine, to compile the modules with; None if that takes too long.

    Raises:
        InputError: pip cannot fetch it.
    """

    def fill(folder: Path) -> None:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--quiet", "--disable-pip-version-check"]
        command += ["--no-deps", "--no-compile", "--require-hashes", f"--requirement={_LOCK}", f"--target={folder}"]
        command += ["--only-binary=:all:", "--implementation=cp", f"--python-version=3.{minor}", f"--abi=cp3{minor}"]
        command += [f"--platform={tag}_{machine}" for tag in ("manylinux_2_28", "manylinux_2_17", "manylinux2014")]
        _run(command, f"awslambdaric for Python 3.{minor} on {machine} cannot be installed")
        if python is not None:
            _run([*python, "-m", "compileall", "-q", str(folder)], "awslambdaric cannot be compiled")

    version = sha256(_LOCK.read_bytes()).hexdigest()[:12]
    return _fill_once(f"awslambdaric-{version}-3.{minor}-{machine}", fill)


def _debian_root(machine: str) -> Path:
    """Return a folder that holds Debian's python3.13 for a machine, with the libraries it needs, below `usr`."""
    mmdebstrap = _require_tool("mmdebstrap", "mmdebstrap")

    def fill(folder: Path) -> None:
        archive = folder / "root.tar"
        options = [f"--architectures={_DEBIAN_ARCHITECTURES[machine]}", f"--include={','.join(_PACKAGES)}"]
        command = [mmdebstrap, "--mode=chrootless", "--quiet", "--variant=extract", "--format=tar", *options]
        _run([*command, _DEBIAN, str(archive)], f"Debian's {DEFAULT_PYTHON} for {machine} cannot be fetched")
        unpack = ["tar", "--extract", "--no-same-owner", f"--file={archive}", f"--directory={folder}"]
        _run([*unpack, "--exclude=./usr/share", "./usr"], f"{archive} cannot be unpacked")
        archive.unlink()
        for link in ("bin", "lib", "lib64"):  # an extracted root has none of these links yet
            (folder / link).symlink_to(f"usr/{link}")

    return _fill_once(f"debian-{_DEBIAN}-{DEFAULT_PYTHON}-{machine}", fill)


def _require_tool(tool: str, package: str, *others: str) -> str:
    """Find a program by one of its names, or say which of Debian's packages has it."""
    if found := next(filter(None, map(shutil.which, (tool, *others))), None):
        return found
    raise InputError(f"{tool} is not installed: apt-get install {package}")


def _fill_once(name: str, fill: Callable[[Path], None]) -> Path:
    """Return a folder of the cache, filled the first time; one that was filled in part is never seen."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "evalayer"
    folder = home / name
    if folder.is_dir():
        return folder
    with writing(home):
        home.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=home, prefix=f"{name}-") as scratch:
            made = Path(scratch, name)
            made.mkdir()
            fill(made)
            try:
                made.rename(folder)
            except OSError:
                if not folder.is_dir():  # else another process was faster
                    raise
    return folder


def _run(command: Sequence[str], failure: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)  # noqa: S603 (ours)
    if done.returncode:
        reason = "\n".join((done.stderr or done.stdout).strip().splitlines()[-6:])
        raise InputError(f"{failure}: {reason}")
