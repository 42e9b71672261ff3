"""Build what SAM deploys: the layer and the function's folder, for any Lambda runtime, on any host.

    python build_layer.py layer --runtime python3.13 --arch arm64 --into FOLDER
    python build_layer.py function --runtime python3.13 --arch arm64 --into FOLDER
    python build_layer.py zip --runtime python3.13 --arch arm64 --into dist

It needs Python 3.11 or newer with pip, but neither Docker nor the Python of the runtime. Wheels come from the locked
requirements beside this file and are unpacked as they are. The same input gives the same bytes.
"""

from __future__ import annotations

import argparse
import base64
import configparser
import hashlib
import io
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import gmtime
from typing import Final

LAYER: Final = Path(__file__).resolve().parent
ROOT: Final = LAYER.parent
RUNTIMES: Final = ("python3.13", "python3.12")
MACHINES: Final = {"arm64": "aarch64", "x86_64": "x86_64"}
GLIBC: Final = 34  # Amazon Linux 2023, on which these runtimes stand, has glibc 2.34
MAX_UNZIPPED: Final = 6 * 2**20
EPOCH: Final = max(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), 315532800)  # no zip knows a day before 1980
NOT_IN_LAMBDA: Final = "evalayer_lab"
IGNORED: Final = shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info", ".*")


class BuildError(Exception):
    """The build cannot go on; the message says why and what to do."""


@dataclass(frozen=True)
class Target:
    """A Lambda runtime on an architecture."""

    runtime: str
    arch: str

    @property
    def python(self) -> str:
        """The Python version, as in "3.13"."""
        return self.runtime.removeprefix("python")

    @property
    def pip_options(self) -> list[str]:
        """What makes pip choose wheels for the target and not for this host, newest glibc first."""
        machine = MACHINES[self.arch]
        platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(GLIBC, 16, -1)] + [f"manylinux2014_{machine}"]
        options = ["--only-binary=:all:", "--implementation=cp", f"--python-version={self.python}"]
        return [*options, f"--abi=cp{self.python.replace('.', '')}", *(f"--platform={name}" for name in platforms)]


def build_layer(target: Target, into: Path) -> None:
    """Fill `into`/python with what /opt/python holds in Lambda.

    Raises:
        BuildError: a wheel cannot be had, two wheels hold one file, or the layer is too large.
    """
    packages = _emptied(into / "python")
    with tempfile.TemporaryDirectory() as scratch:
        wheels = Path(scratch, "wheels")
        requirements = LAYER / target.runtime / "requirements.txt"
        _pip("download", "--require-hashes", f"--requirement={requirements}", f"--dest={wheels}", *target.pip_options)
        _build_project_wheel(wheels, Path(scratch, "tools"))
        for wheel in sorted(wheels.iterdir()):
            _unpack(wheel, packages)
    for module in sorted((LAYER / "dropin").glob("[!.]*")):
        if module.is_dir() and module.name != "__pycache__":
            shutil.copytree(module, packages / module.name, ignore=IGNORED)
    _precompile(target, into)
    _settle(into)
    size = sum(path.stat().st_size for path in _files(into))
    if size > MAX_UNZIPPED:
        raise BuildError(f"the layer is {size / 2**20:.1f} MiB unzipped; it may have {MAX_UNZIPPED / 2**20:.0f} MiB")


def build_function(target: Target, into: Path, source: Path = ROOT / "processors") -> None:
    """Fill `into` with the function's code and the plugins of its requirements.txt.

    Raises:
        BuildError: a plugin has no wheel for the target.
    """
    into.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, into, ignore=IGNORED, dirs_exist_ok=True)
    requirements = source / "requirements.txt"
    lines = requirements.read_text(encoding="utf-8").splitlines() if requirements.is_file() else []
    if any(line.strip() and not line.startswith("#") for line in lines):
        _pip("install", "--no-compile", f"--requirement={requirements}", f"--target={into}", *target.pip_options)
        shutil.rmtree(into / "bin", ignore_errors=True)
    _settle(into)


def write_zip(folder: Path, archive: Path) -> None:
    """Zip a folder: sorted names, one time, one mode, so that the same files give the same bytes."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
        for path in _files(folder):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), gmtime(EPOCH)[:6])
            entry.create_system = 3  # Unix, so that the mode counts
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            out.writestr(entry, path.read_bytes(), compresslevel=9)


def build_zip(target: Target, into: Path) -> str:
    """Write the layer's zip and its SHA-256 to `into` and return what to tell the user.

    Raises:
        BuildError: as `build_layer`.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        build_layer(target, folder)
        unzipped = sum(path.stat().st_size for path in _files(folder))
        own = next((folder / "python").glob("evalayer-*.dist-info")).name
        version = own.removeprefix("evalayer-").removesuffix(".dist-info")
        archive = into / f"evalayer-layer-{version}-{target.runtime}-{target.arch}.zip"
        write_zip(folder, archive)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    archive.with_suffix(".zip.sha256").write_text(f"{digest}  {archive.name}\n", encoding="utf-8")
    sizes = f"{archive.stat().st_size / 2**20:.2f} MiB zipped, {unzipped / 2**20:.2f} MiB unzipped"
    return (
        f"{archive}\nSHA-256 {digest}\n{sizes}\n\nUpload it with\n\n"
        f"aws lambda publish-layer-version --layer-name evalayer \\\n"
        f"  --description 'evalayer {version}' --license-info Apache-2.0 \\\n"
        f"  --compatible-runtimes {target.runtime} --compatible-architectures {target.arch} \\\n"
        f"  --zip-file {shlex.quote(f'fileb://{archive}')}\n"
    )


def _build_project_wheel(wheels: Path, tools: Path) -> None:
    # hatchling is locked as well: the metadata it writes is part of the layer's bytes.
    _pip("install", "--require-hashes", f"--requirement={LAYER / 'requirements-build.txt'}", f"--target={tools}")
    command = [sys.executable, "-m", "hatchling", "build", "--target=wheel", f"--directory={wheels}"]
    _run(command, {**os.environ, "PYTHONPATH": str(tools), "SOURCE_DATE_EPOCH": str(EPOCH)})


def _pip(verb: str, *options: str) -> None:
    # --no-deps: locked requirements are complete, and a plugin's need for evalayer is met by the layer.
    _run(
        [sys.executable, "-m", "pip", verb, "--quiet", "--quiet", "--disable-pip-version-check", "--no-deps", *options]
    )


def _run(command: Sequence[str], env: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)  # noqa: S603 (ours)
    if done.returncode:
        tail = "\n".join((done.stderr or done.stdout).strip().splitlines()[-8:])
        raise BuildError(f"{' '.join(command[1:4])} failed:\n{tail}")


def _unpack(wheel: Path, into: Path) -> None:
    """Unpack a wheel without scripts and without the lab, with a RECORD of what is left."""
    files: dict[str, bytes] = {}
    with zipfile.ZipFile(wheel) as source:
        for name in source.namelist():
            parts = Path(name).parts
            if ".." in parts or name.startswith("/"):
                raise BuildError(f"{wheel.name} holds the file {name!r}, which would leave the layer")
            if parts[0].endswith(".data"):
                if parts[1] not in {"purelib", "platlib"}:
                    continue
                parts = parts[2:]
            if not name.endswith("/") and parts[0] != NOT_IN_LAMBDA:
                files["/".join(parts)] = source.read(name)
    record = next(name for name in files if name.endswith(".dist-info/RECORD"))
    entry_points = record.replace("RECORD", "entry_points.txt")
    if entry_points in files:
        files[entry_points] = _without_lab(files[entry_points])
    files[record] = "".join(f"{name},{_fingerprint(name, files[name])}\n" for name in sorted(files)).encode()
    for name, content in files.items():
        path = into / name
        if path.exists():
            raise BuildError(f"{wheel.name} holds {name}, which another package of the layer holds too")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _fingerprint(name: str, content: bytes) -> str:
    if name.endswith(".dist-info/RECORD"):
        return ","
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"sha256={digest},{len(content)}"


def _without_lab(entry_points: bytes) -> bytes:
    groups = configparser.RawConfigParser(delimiters=("=",))
    groups.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
    groups.read_string(entry_points.decode())
    for group in groups.sections():
        for name, value in groups.items(group):
            if value.startswith(NOT_IN_LAMBDA):
                groups.remove_option(group, name)
        if not groups.options(group):
            groups.remove_section(group)
    text = io.StringIO()
    groups.write(text)
    return text.getvalue().encode()


def _precompile(target: Target, folder: Path) -> None:
    """Compile the layer if a Python of the target's version is at hand; Lambda cannot keep what it compiles itself."""
    for python in _pythons(target.python):
        if _version(python) == f"cpython {target.python}":
            options = ["-q", "--invalidation-mode=unchecked-hash", "-s", str(folder), "-p", "/opt"]
            _run([python, "-m", "compileall", *options, str(folder)], {**os.environ, "PYTHONHASHSEED": "0"})
            return
    sys.stderr.write(f"no bytecode in the layer: this machine has no Python {target.python}; cold starts take longer\n")


def _pythons(version: str) -> Iterator[str]:
    """Programs that may be a Python of a version: this one, those on the path, and those of pyenv and uv."""
    yield sys.executable
    homes = (Path.home() / ".pyenv/versions").glob(f"{version}*/bin")
    managed = (Path.home() / ".local/share/uv/python").glob(f"cpython-{version}*/bin")
    for folder in (*map(Path, os.get_exec_path()), *sorted(homes), *sorted(managed)):
        if (folder / f"python{version}").exists():
            yield str(folder / f"python{version}")


def _version(python: str) -> str:
    code = "import sys; print(sys.implementation.name, '%d.%d' % sys.version_info[:2])"
    done = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=False)  # noqa: S603 (ours)
    return done.stdout.strip()


def _settle(folder: Path) -> None:
    """Give every file and folder one time and one mode, for SAM zips them with both."""
    for path in sorted(folder.rglob("*"), reverse=True):
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (EPOCH, EPOCH))


def _files(folder: Path) -> list[Path]:
    return sorted((path for path in folder.rglob("*") if path.is_file()), key=Path.as_posix)


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(description="Build the layer or the function for AWS Lambda.")
    parser.add_argument("what", choices=("layer", "function", "zip"))
    parser.add_argument("--runtime", choices=RUNTIMES, default=RUNTIMES[0])
    parser.add_argument("--arch", choices=tuple(MACHINES), default="arm64")
    parser.add_argument("--into", type=lambda text: Path(text).resolve(), required=True, help="the folder to write to")
    given = parser.parse_args(arguments)
    target = Target(given.runtime, given.arch)
    try:
        if given.what == "zip":
            sys.stdout.write(build_zip(target, given.into))
        elif given.what == "layer":
            build_layer(target, given.into)
        else:
            build_function(target, given.into)
    except BuildError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
