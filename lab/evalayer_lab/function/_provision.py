"""What the Lambda runtime needs beside the SAM CLI, fetched once into the user's cache."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from evalayer_lab.inputs import InputError

_LOCK: Final = Path(__file__).with_name("runtime-client.txt")
_DEBIAN: Final = "trixie"
_DEBIAN_ARCHITECTURES: Final = {"aarch64": "arm64", "x86_64": "amd64"}
_PACKAGES: Final = ("python3.13-minimal", "libpython3.13-stdlib", "libstdc++6")
DEBIAN_PYTHON: Final = "python3.13"


def emulator_binary(machine: str) -> Path:
    """Find AWS's runtime interface emulator, which comes with the SAM CLI.

    Raises:
        InputError: the SAM CLI is not installed.
    """
    name = "aws-lambda-rie-" + {"aarch64": "arm64"}.get(machine, machine)
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
    """Give a folder with awslambdaric, Lambda's Python runtime client, for CPython 3.`minor` on a machine.

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
    return cached(f"awslambdaric-{version}-3.{minor}-{machine}", fill)


def debian_root(machine: str) -> Path:
    """Give a folder that holds Debian's python3.13 for a machine, with the libraries it needs, below `usr`.

    Raises:
        InputError: mmdebstrap is missing, or cannot fetch the packages.
    """
    mmdebstrap = require_tool("mmdebstrap", "mmdebstrap")

    def fill(folder: Path) -> None:
        archive = folder / "root.tar"
        options = [f"--architectures={_DEBIAN_ARCHITECTURES[machine]}", f"--include={','.join(_PACKAGES)}"]
        command = [
            mmdebstrap,
            "--mode=chrootless",
            "--quiet",
            "--variant=extract",
            "--format=tar",
            *options,
            _DEBIAN,
            str(archive),
        ]
        _run(command, f"Debian's {DEBIAN_PYTHON} for {machine} cannot be fetched")
        unpack = ["tar", "--extract", "--no-same-owner", f"--file={archive}", f"--directory={folder}"]
        _run([*unpack, "--exclude=./usr/share", "./usr"], f"{archive} cannot be unpacked")
        archive.unlink()
        for link in ("bin", "lib", "lib64"):  # an extracted root has none of these links yet
            (folder / link).symlink_to(f"usr/{link}")

    return cached(f"debian-{_DEBIAN}-{DEBIAN_PYTHON}-{machine}", fill)


def require_tool(tool: str, package: str, *others: str) -> str:
    """Find a program by one of its names.

    Raises:
        InputError: it is not installed; the message names Debian's package.
    """
    for name in (tool, *others):
        found = shutil.which(name)
        if found:
            return found
    raise InputError(f"{tool} is not installed: apt-get install {package}")


def cached(name: str, fill: Callable[[Path], None]) -> Path:
    """Give a folder of the cache, filled the first time; one that was filled in part is never seen.

    Raises:
        InputError: the cache cannot be written.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "evalayer"
    folder = home / name
    if folder.is_dir():
        return folder
    try:
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
    except OSError as error:
        raise InputError(f"the cache cannot be written: {error.strerror}", path=home) from error
    return folder


def _run(command: Sequence[str], failure: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)  # noqa: S603 (ours)
    if done.returncode:
        reason = "\n".join((done.stderr or done.stdout).strip().splitlines()[-6:])
        raise InputError(f"{failure}: {reason}")
