from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tests.lab.doctor.project import Project, elf, install, zipped

from evalayer_lab.doctor import examine
from evalayer_lab.inputs import InputError, Place

LIMIT = 262_144_000


def sparse(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


def test_pydantic_and_its_core_pinned_apart_across_layers(project: Project) -> None:
    install(project.python, "pydantic", "2.11.0", requires=["pydantic-core==2.33.0", 'email; extra == "email"'])
    later = project.add_layer("Later")
    install(later, "pydantic_core", "2.27.2")
    conflict = next(finding for finding in project.examine().findings if finding.code == "version-conflict")
    assert conflict.severity == "error"
    assert "requires pydantic-core==2.33.0, but 2.27.2 is imported, from Later" in conflict.reason
    assert conflict.place == Place(str(project.python.parent), field="pydantic 2.11.0")


def test_the_function_wins_over_layers_and_the_later_layer_over_the_earlier(project: Project) -> None:
    install(project.python, "web", "1.0", requires=["core==1.0"])
    install(project.python, "core", "1.0")
    assert project.found() == []
    later = project.add_layer("Later")
    install(later, "core", "2.0")
    assert ("version-conflict", "error") in project.found()
    install(project.function, "core", "1.0")
    codes = project.found()
    assert ("version-conflict", "error") not in codes
    assert ("shadowed-package", "warning") in codes


def test_the_versioned_folder_wins_over_the_plain_one(project: Project) -> None:
    install(project.python, "web", "1.0", requires=["core==1.0"])
    install(project.python / "lib/python3.13/site-packages", "core", "2.0")
    install(project.python, "core", "1.0")
    assert project.found() == [("shadowed-package", "warning"), ("version-conflict", "error")][::-1]
    shutil.move(project.python / "lib/python3.13", project.python / "lib/python3.12")
    assert project.found() == []


@pytest.mark.parametrize(
    ("requirement", "found"),
    [
        ("core==1.0.0", []),
        ("core==1.*", []),
        ("core (>=1.0)", []),
        ("core>=2", [("version-conflict", "warning")]),
        ("core===1.1", [("version-conflict", "error")]),
        ('core==9; python_version < "3.13"', []),
        ('core==9; platform_machine == "aarch64"', [("version-conflict", "error")]),
        ('core==9; extra == "x"', []),
        ("core[x]==9; bogus_marker == 'x'", []),
        ("absent==9", []),
        ("core ==", []),
    ],
)
def test_requirements(project: Project, requirement: str, found: list[tuple[str, str]]) -> None:
    install(project.python, "core", "1.0")
    install(project.python, "web", "1.0", requires=[requirement])
    assert project.found() == found


def test_one_package_in_two_layers(project: Project) -> None:
    install(project.python, "core", "1.0")
    later = project.add_layer("Later")
    install(later, "core", "1.0")
    finding = project.only()
    assert (finding.code, finding.severity, finding.place.field) == ("shadowed-package", "warning", "core")
    shutil.rmtree(later)
    install(later, "core", "2.0")
    finding = project.only()
    assert (finding.code, finding.severity) == ("shadowed-package", "error")
    assert "is in Later and in Layer (core 2.0 over core 1.0): the later layer is unzipped over" in finding.reason


def test_namespace_packages_may_share_a_name(project: Project) -> None:
    install(project.python, "space-one", "1.0", {"space/one.py": b""})
    later = project.add_layer("Later")
    install(later, "space-two", "1.0", {"space/two.py": b""})
    assert project.found() == []
    install(later, "space-two", "1.0", {"space/two.py": b"", "space/one.py": b""})
    assert project.found() == [("shadowed-package", "error")]


def test_powertools_layer_brings_pydantic_too(project: Project) -> None:
    install(project.python, "pydantic", "2.11.0")
    finding = project.only()
    assert (finding.code, finding.severity, finding.place.field) == ("shadowed-package", "warning", "pydantic")
    assert "Powertools layer" in finding.reason


@pytest.mark.parametrize("name", ["boto3", "botocore", "awslambdaric", "urllib3"])
def test_packages_of_the_runtime(project: Project, name: str) -> None:
    install(project.function, name, "1.0")
    finding = project.only()
    assert (finding.code, finding.severity) == ("shadows-runtime", "warning")
    assert finding.place == Place(str(project.function), field=name)


def test_modules_of_python(project: Project) -> None:
    (project.function / "sched.py").write_text("")
    assert project.only().code == "shadows-stdlib"
    assert project.only().place == Place(str(project.function), field="sched")


def test_more_than_lambda_accepts_unzipped(project: Project) -> None:
    size = sum(file.stat().st_size for file in project.build.rglob("*") if file.is_file())
    sparse(project.python / "quick" / "weights.bin", LIMIT - size + 1)
    finding = next(finding for finding in project.examine().findings if finding.code == "unzipped-size")
    assert finding.severity == "error"
    assert "262,144,001 bytes unzipped, without 1 layer " in finding.reason
    assert "the largest packages are quick of Layer 249.9 MiB" in finding.reason
    sparse(project.python / "quick" / "weights.bin", LIMIT - size)
    assert project.found() == []


def test_a_300_mb_layer(project: Project) -> None:
    sparse(project.python / "quick" / "weights.bin", 300_000_000)
    assert project.found() == [("unzipped-size", "error")]


def test_more_than_a_direct_upload_takes(project: Project, tmp_path: Path) -> None:
    (project.python / "quick" / "weights.bin").write_bytes(os.urandom(53 * 1024 * 1024))
    assert project.only().code == "zipped-size"
    archive = zipped(project.python.parent, tmp_path / "layer.zip")
    [finding] = examine(layers=[archive]).findings
    assert (finding.code, finding.place) == ("zipped-size", Place(str(archive)))
    assert finding.reason.startswith("is 53.")


def test_built_in_metrics_without_their_dist_info(project: Project) -> None:
    shutil.rmtree(project.dist_info)
    found = project.faults()
    assert [(finding.code, finding.severity) for finding in found] == [
        ("handler-import", "error"),
        ("stripped-dist-info", "error"),
    ]
    assert "unknown metric 'exact_match'" in found[0].reason
    assert found[1].place.field == "evalayer_metrics"


def test_a_plugin_without_its_dist_info(project: Project) -> None:
    source = b"from evalayer import Completion, metric\n\n@metric\ndef no_contacts(completion):\n    return 1.0\n"
    info = install(project.python, "contacts", "1.0", {"contacts/__init__.py": source})
    assert project.found() == []
    shutil.rmtree(info)
    assert (project.only().code, project.only().place.field) == ("stripped-dist-info", "contacts")


def test_a_module_that_uses_evalayer_and_offers_no_metric_needs_no_dist_info(project: Project) -> None:
    (project.python / "sdk.py").write_text("from evalayer import Task\n")
    (project.python / "broken.py").write_text("from evalayer import metric(\n")
    (project.python / "odd.py").write_text("from evalayer import Task\npattern = '\\d'\n")
    assert project.found() == []


def test_a_dist_info_without_its_package(project: Project) -> None:
    shutil.rmtree(project.python / "quick")
    finding = project.only()
    assert (finding.code, finding.severity, finding.place.field) == ("orphan-dist-info", "error", "quick 1.0")


def test_an_entry_point_that_leads_nowhere(project: Project) -> None:
    install(project.python, "contacts", "1.0", entry_points="[evalayer.metrics]\nnone = contacts.gone:none\n")
    finding = project.only()
    assert (finding.code, finding.severity) == ("entry-point-target", "error")
    assert "contacts.gone" in finding.reason


def test_a_layer_without_its_folder_python(project: Project) -> None:
    shutil.move(project.python, project.build / "moved")
    shutil.rmtree(project.build / "Layer")
    shutil.move(project.build / "moved", project.build / "Layer")
    finding = next(finding for finding in project.examine().findings if finding.code == "layer-layout")
    assert finding.severity == "error"
    assert "evalayer" in finding.reason


def test_a_layer_alone_from_a_folder_and_from_a_zip(project: Project, tmp_path: Path) -> None:
    (project.python / "quick" / "other.abi3.so").write_bytes(elf(62))
    folder = project.python.parent
    archive = zipped(folder, tmp_path / "Layer.zip")
    for path in (folder, archive):
        report = examine(layers=[path])
        assert [finding.code for finding in report.findings] == ["elf-architecture"]
        assert "runs python3.13 on arm64" in report.findings[0].reason
    assert [f.code for f in examine(layers=[folder], architecture="x86_64", runtime="python3.12").findings] == [
        "elf-architecture",
        "wheel-architecture",
        "wheel-python",
    ]


def test_nothing_to_examine() -> None:
    with pytest.raises(InputError, match="there is nothing to examine"):
        examine()


@pytest.mark.parametrize(("runtime", "architecture"), [("nodejs20.x", "arm64"), ("python3.13", "aarch64")])
def test_unknown_runtimes_and_architectures(project: Project, runtime: str, architecture: str) -> None:
    with pytest.raises(InputError, match="of Lambda"):
        examine(project.template, runtime=runtime, architecture=architecture)
