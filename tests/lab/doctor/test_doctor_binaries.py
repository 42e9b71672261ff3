from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.lab.doctor.project import AARCH64, ARM_WHEEL, X86_64, Project, elf, install

from evalayer_lab.function import Artefact, PathEntry, open_tree, unloadable
from evalayer_lab.inputs import Place


def test_a_clean_project_has_no_finding_and_every_check_is_made(project: Project) -> None:
    report = project.examine(project.recipe)
    assert report.findings == []
    assert [one.rpartition("/")[2] for one in report.examined] == ["template.yaml", "Function", "Layer"]


@pytest.mark.parametrize(
    ("file", "content", "code", "said"),
    [
        ("_quick.cpython-313-x86_64-linux-gnu.so", elf(X86_64), "elf-architecture", "built for x86_64"),
        ("libquick.so.1", elf(X86_64), "elf-architecture", "built for x86_64"),
        ("_quick.abi3.so", elf(21, big_endian=True), "elf-architecture", "built for ppc64"),
        ("_quick.abi3.so", elf(999), "elf-architecture", "the ELF machine 999"),
        ("_quick.cpython-312-aarch64-linux-gnu.so", elf(AARCH64), "python-abi", "built for Python 3.12"),
        ("_quick.cpython-313t-aarch64-linux-gnu.so", elf(AARCH64), "python-abi", "free-threaded"),
        ("_quick.cpython-313-aarch64-linux-musl.so", elf(AARCH64), "python-abi", "musl"),
        ("_quick.cpython-313-darwin.so", b"\xcf\xfa\xed\xfe" + bytes(60), "elf-system", "built for macOS"),
        ("_quick.cp313-win_amd64.pyd", b"MZ" + bytes(60), "elf-system", "built for Windows"),
        ("_quick.so", elf(AARCH64)[:12], "elf-damaged", "damaged"),
        ("_quick.so", b"", "elf-damaged", "not a shared object"),
    ],
)
def test_a_shared_object_for_something_else(project: Project, file: str, content: bytes, code: str, said: str) -> None:
    (project.python / "quick" / "_quick.cpython-313-aarch64-linux-gnu.so").unlink()
    (project.python / "quick" / file).write_bytes(content)
    finding = project.only()
    assert (finding.code, finding.severity) == (code, "error")
    assert finding.place == Place(f"{project.python}/quick/{file}")
    assert said in finding.reason
    assert "--platform manylinux_2_28_aarch64" in str(finding.fix)
    assert "--python-version 3.13" in str(finding.fix)


@pytest.mark.parametrize("file", ["_quick.abi3.so", "_quick.so", "libquick-0a1b.so.1.2"])
def test_a_shared_object_for_any_python_is_fine(project: Project, file: str) -> None:
    (project.python / "quick" / file).write_bytes(elf(AARCH64))
    assert project.found() == []


def test_builds_for_several_pythons_are_fine_if_one_fits(project: Project) -> None:
    (project.python / "quick" / "_quick.cpython-312-x86_64-linux-gnu.so").write_bytes(elf(X86_64))
    assert project.found() == []


def test_many_shared_objects_of_a_package_are_one_finding(project: Project) -> None:
    for number in range(50):
        (project.python / "quick" / f"_{number}.abi3.so").write_bytes(elf(X86_64))
    assert "quick: 50 shared objects are built for x86_64" in project.only().reason


def test_the_function_is_looked_at_too(project: Project) -> None:
    (project.function / "native.abi3.so").write_bytes(elf(X86_64))
    assert project.only().place == Place(f"{project.function}/native.abi3.so")


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("cp312-cp312-manylinux_2_17_aarch64", "wheel-python"),
        ("cp313-cp313t-manylinux_2_17_aarch64", "wheel-python"),
        ("cp314-abi3-manylinux_2_17_aarch64", "wheel-python"),
        (f"cp3{'9' * 5000}-abi3-manylinux_2_17_aarch64", "wheel-python"),
        ("pp311-pypy311_pp73-manylinux_2_17_aarch64", "wheel-python"),
        ("py2-none-any", "wheel-python"),
        ("py314-none-any", "wheel-python"),
        ("cp313-cp313-manylinux_2_17_x86_64", "wheel-architecture"),
        ("cp313-cp313-linux_x86_64", "wheel-architecture"),
        ("cp313-cp313-manylinux_2_35_aarch64", "wheel-libc"),
        ("cp313-cp313-musllinux_1_2_aarch64", "wheel-libc"),
        ("cp313-cp313-macosx_11_0_arm64", "wheel-system"),
        ("cp313-cp313-win_arm64", "wheel-system"),
    ],
)
def test_a_wheel_for_something_else(project: Project, tag: str, code: str) -> None:
    install(project.python, "quick", "1.0", tags=[tag])
    finding = project.only()
    assert (finding.code, finding.severity) == (code, "error")
    assert finding.place == Place(str(project.python.parent), field="quick 1.0")
    assert tag in finding.reason


@pytest.mark.parametrize(
    "tags",
    [
        ["py3-none-any"],
        ["py2.py3-none-any"],
        ["py313-none-any"],
        ["cp39-abi3-manylinux_2_34_aarch64"],
        ["cp313-cp313-manylinux2014_aarch64.manylinux_2_17_aarch64"],
        ["cp313-cp313-linux_aarch64"],
        ["cp313-cp313-musllinux_1_2_aarch64", "cp313-cp313-manylinux_2_28_aarch64"],
        ["nonsense"],
        [],
    ],
)
def test_wheels_that_fit(project: Project, tags: list[str]) -> None:
    install(project.python, "quick", "1.0", tags=tags)
    assert project.found() == []


def test_amazon_linux_2_has_an_older_glibc(project: Project) -> None:
    install(project.python, "quick", "1.0", tags=["cp39-abi3-manylinux_2_28_aarch64"])
    text = project.template.read_text().replace("python3.13", "python3.11").replace("python313", "python311")
    project.template.write_text(text)
    (project.python / "quick" / "_quick.cpython-313-aarch64-linux-gnu.so").unlink()
    assert "needs glibc 2.28, but Amazon Linux 2 has 2.26" in project.only().reason


def test_an_x86_function_wants_x86_files(project: Project) -> None:
    text = project.template.read_text().replace("arm64", "x86_64")
    project.template.write_text(text)
    assert project.found() == [("elf-architecture", "error"), ("wheel-architecture", "error")]
    module = project.python / "quick" / "_quick.cpython-313-aarch64-linux-gnu.so"
    module.rename(module.with_name("_quick.cpython-313-x86_64-linux-gnu.so")).write_bytes(elf(X86_64))
    install(project.python, "quick", "1.0", tags=[ARM_WHEEL.replace("aarch64", "x86_64")])
    assert project.found() == []


def machine_of(content: bytes) -> str:
    with TemporaryDirectory() as folder:
        Path(folder, "quick.so").write_bytes(content)
        with open_tree(Path(folder)) as tree:
            (shared,) = unloadable(PathEntry(Artefact("quick", "layer", tree), "", tree.files), "no machine", 13)
    return shared.machine


@given(st.binary(max_size=64))
def test_any_bytes_have_a_machine_or_a_reason(head: bytes) -> None:
    assert machine_of(head)
    assert machine_of(b"\x7fELF" + head)
