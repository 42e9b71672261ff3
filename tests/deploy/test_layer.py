"""The layer as it is uploaded: what is in it, for which machine, and that it can be built again."""

import base64
import csv
import email.parser
import hashlib
import re
import shutil
import struct
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DROPIN = {path.name for path in (ROOT / "layer" / "dropin").iterdir() if path.name != "__pycache__"}
ELF_MACHINES = {"arm64": 183, "x86_64": 62}
TARGETS = [("arm64", "python3.13"), ("arm64", "python3.12"), ("x86_64", "python3.13")]


def run_build(*arguments: object, root: Path = ROOT, **options: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(root / "layer" / "build_layer.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload,no-any-return]


def files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


@pytest.fixture(params=TARGETS, ids="-".join)
def target(request: pytest.FixtureRequest) -> tuple[str, str]:
    arch, runtime = request.param
    return arch, runtime


@pytest.fixture
def packages(target: tuple[str, str], built_layer: Callable[..., Path]) -> Path:
    layer = built_layer(*target)
    assert [path.name for path in layer.iterdir()] == ["python"]
    return layer / "python"


def test_the_layer_holds_what_lambda_needs_and_nothing_of_the_lab(packages: Path, target: tuple[str, str]) -> None:
    top = {path.name for path in packages.iterdir() if not path.name.endswith(".dist-info")}
    expected = {"evalayer", "evalayer_metrics", "attr", "attrs", "jsonschema", "jsonschema_specifications"}
    expected |= {"referencing", "rpds"} | DROPIN
    if target[1] == "python3.12":
        expected |= {"typing_extensions.py"}  # referencing needs it before Python 3.13
    assert top - {"__pycache__"} == expected
    for package in ("layer/evalayer", "metrics/evalayer_metrics", *(f"layer/dropin/{name}" for name in DROPIN)):
        for path in (ROOT / package).rglob("*.py"):
            built = packages / path.relative_to((ROOT / package).parent)
            assert built.read_bytes() == path.read_bytes()


def test_entry_points_are_those_of_the_project_without_its_command(packages: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (metadata,) = packages.glob("evalayer-*.dist-info")
    found = PathDistribution(metadata).entry_points
    assert {point.name: point.value for point in found} == project["entry-points"]["evalayer.metrics"]
    assert {point.group for point in found} == {"evalayer.metrics"}
    for point in found:
        assert (packages / f"{point.module.replace('.', '/')}.py").is_file()


def test_every_record_is_true_and_complete(packages: Path) -> None:
    recorded: set[str] = set()
    for record in packages.glob("*.dist-info/RECORD"):
        for name, digest, size in csv.reader(record.read_text(encoding="utf-8").splitlines()):
            recorded.add(name)
            content = (packages / name).read_bytes()
            if digest:
                actual = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
                assert (digest, int(size)) == (f"sha256={actual}", len(content)), name
    present = {path.relative_to(packages).as_posix() for path in files(packages) if path.suffix != ".pyc"}
    assert {name for name in present if name.split("/")[0] not in DROPIN} == recorded


def test_compiled_code_is_for_the_machine_the_python_and_the_glibc_of_lambda(
    packages: Path, target: tuple[str, str]
) -> None:
    arch, runtime = target
    machine = {"arm64": "aarch64", "x86_64": "x86_64"}[arch]
    abi = runtime.replace("python", "cp").replace(".", "")
    shared = [path for path in files(packages) if ".so" in path.suffixes]
    assert [path.name for path in shared] == [f"rpds.{abi.replace('cp', 'cpython-')}-{machine}-linux-gnu.so"]
    for path in shared:
        header = path.read_bytes()[:20]
        assert header[:4] == b"\x7fELF"
        assert struct.unpack("<H", header[18:20]) == (ELF_MACHINES[arch],)
    tags: list[str] = []
    for wheel in packages.glob("*.dist-info/WHEEL"):
        tags += email.parser.Parser().parsestr(wheel.read_text(encoding="utf-8")).get_all("Tag", [])
    compiled = [tag for tag in tags if not tag.endswith("-none-any")]
    assert compiled
    for tag in compiled:
        python, abi_tag, platform = tag.split("-")
        assert (python, abi_tag) == (abi, abi)
        for part in platform.split("."):
            found = re.fullmatch(rf"manylinux(?:_2_(\d+)|2014)_{machine}", part)
            assert found, tag
            assert int(found[1] or 17) <= 34


def test_the_layer_is_small_and_readable_by_lambda(packages: Path) -> None:
    assert sum(path.stat().st_size for path in files(packages)) <= 6 * 2**20
    assert {path.stat().st_mode & 0o777 for path in files(packages)} == {0o644}
    assert {path.stat().st_mode & 0o777 for path in packages.rglob("*") if path.is_dir()} == {0o755}


def test_bytecode_is_for_the_runtime_and_names_the_folder_of_lambda(
    packages: Path, target: tuple[str, str], require: Callable[[str], Path]
) -> None:
    bytecode = [path for path in files(packages) if path.suffix == ".pyc"]
    require(target[1])  # it is compiled with the Python of the runtime
    assert len(bytecode) == len([path for path in files(packages) if path.suffix == ".py"])
    for path in bytecode:
        assert path.suffixes[-2] == f".{target[1].replace('python', 'cpython-').replace('.', '')}"
        content = path.read_bytes()
        assert int.from_bytes(content[4:8], "little") == 1  # hash-based and unchecked: no file time matters
        assert str(packages.parent).encode() not in content
    (handler,) = (packages / "evalayer" / "__pycache__").glob("_handler.*")
    assert b"/opt/python/evalayer/_handler.py" in handler.read_bytes()


def test_sam_builds_the_same_layer_and_the_functions(
    sam_build: Callable[[str], Path], built_layer: Callable[..., Path]
) -> None:
    for runtime in ("python3.13", "python3.12"):
        by_sam, by_us = sam_build(runtime) / "EvalayerLayer", built_layer("arm64", runtime)
        trees = [
            {path.relative_to(tree).as_posix(): path.read_bytes() for path in files(tree)} for tree in (by_sam, by_us)
        ]
        assert trees[0] == trees[1]
    built = sam_build("python3.13")
    sources = {path.name: path.read_bytes() for path in files(ROOT / "processors") if "__pycache__" not in path.parts}
    for function in ("EvaluationFunction", "SecondEvaluationFunction"):
        assert {path.name: path.read_bytes() for path in files(built / function)} == sources


def test_two_builds_give_the_same_bytes_and_a_zip_holds_no_time_and_no_user(
    tmp_path: Path, build_environment: dict[str, str], built_layer: Callable[..., Path]
) -> None:
    environment = {**build_environment, "TZ": "Asia/Tokyo", "TMPDIR": str(tmp_path), "PYTHONHASHSEED": "1"}
    done = run_build("zip", "--into", tmp_path / "dist", cwd=tmp_path, umask=0o077, env=environment)
    assert done.returncode == 0, done.stderr
    (archive,) = (tmp_path / "dist").glob("*.zip")
    with zipfile.ZipFile(archive) as opened:
        entries = opened.infolist()
        content = {entry.filename: opened.read(entry) for entry in entries}
    other = built_layer("arm64")
    assert content == {path.relative_to(other).as_posix(): path.read_bytes() for path in files(other)}
    assert list(content) == sorted(content)
    assert all(name.startswith("python/") for name in content)
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {(entry.create_system, entry.external_attr) for entry in entries} == {(3, 0o100644 << 16)}
    assert {(entry.compress_type, entry.extra, entry.comment) for entry in entries} == {
        (zipfile.ZIP_DEFLATED, b"", b"")
    }

    version = re.search(r'"(.+)"', (ROOT / "layer/evalayer/_version.py").read_text(encoding="utf-8").split("=")[1])
    assert version
    assert archive.name == f"evalayer-layer-{version[1]}-python3.13-arm64.zip"
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    assert archive.with_suffix(".zip.sha256").read_text(encoding="utf-8") == f"{digest}  {archive.name}\n"
    assert f"SHA-256 {digest}\n" in done.stdout
    assert "aws lambda publish-layer-version" in done.stdout
    assert f"--zip-file fileb://{archive}" in done.stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what a build reads, to break or to extend."""
    copy = tmp_path / "project"
    for name in ("layer", "metrics", "lab", "processors"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    return copy


def test_a_plugin_in_requirements_lands_beside_the_function_with_its_entry_points(
    project: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path / "wheels")]
    subprocess.run(command, cwd=ROOT / "tests" / "plugin", check=True, capture_output=True)
    (wheel,) = (tmp_path / "wheels").iterdir()
    (project / "processors" / "requirements.txt").write_text(f"# a plugin\n{wheel}\n", encoding="utf-8")
    into = tmp_path / "function"
    done = run_build("function", "--into", into, root=project)
    assert done.returncode == 0, done.stderr
    (metadata,) = into.glob("*.dist-info")
    assert PathDistribution(metadata).entry_points.select(group="evalayer.metrics")
    assert (into / "app.py").is_file()
    assert not (into / "evalayer").exists()


def test_a_wheel_that_does_not_match_its_hash_stops_the_build(project: Path, tmp_path: Path) -> None:
    lock = project / "layer" / "python3.13" / "requirements.txt"
    broken = re.sub(r"sha256:[0-9a-f]{8}", "sha256:00000000", lock.read_text(encoding="utf-8"))
    lock.write_text(broken, encoding="utf-8")
    done = run_build("layer", "--into", tmp_path / "layer", root=project)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert "HASHES" in done.stderr or "hash" in done.stderr


def test_a_file_that_two_packages_hold_stops_the_build(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project / "layer" / "evalayer", project / "layer" / "dropin" / "rpds")
    done = run_build("layer", "--into", tmp_path / "layer", root=project)
    assert (done.returncode, done.stdout) == (1, "")
    assert "rpds" in done.stderr


def test_a_runtime_that_lambda_does_not_have_is_a_usage_error(tmp_path: Path) -> None:
    done = run_build("zip", "--runtime", "python3.9", "--into", tmp_path)
    assert done.returncode == 2
    assert "python3.13" in done.stderr
    assert list(tmp_path.iterdir()) == []
