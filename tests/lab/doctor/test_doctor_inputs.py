from __future__ import annotations

import io
import stat
import struct
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.lab.doctor.project import TEMPLATE, Project, install

from evalayer_lab.doctor import examine
from evalayer_lab.function import open_tree
from evalayer_lab.inputs import InputError

MAX_BYTES = 4 * 262_144_000  # four times what Lambda accepts, unzipped


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(zipfile.ZipInfo(name), content)
    return path


def refused(path: Path) -> str:
    with pytest.raises(InputError) as raised, open_tree(path):
        pass
    assert str(path) in str(raised.value)
    return raised.value.reason


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("python/../../etc/passwd", "leads out of"),
        ("../x.py", "leads out of"),
        ("python/./x.py", "leads out of"),
        ("python//x.py", "leads out of"),
        ("/etc/passwd", "is an absolute path"),
        ("C:/x.py", "is an absolute path"),
        ("python\\x.py", "is not a name"),
    ],
)
def test_names_that_leave_the_folder(tmp_path: Path, name: str, reason: str) -> None:
    assert reason in refused(archive(tmp_path / "layer.zip", {name: b""}))


def test_links_special_files_and_duplicates(tmp_path: Path) -> None:
    path = tmp_path / "layer.zip"
    for kind in (stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR):
        member = zipfile.ZipInfo("python/link")
        member.external_attr = (kind | 0o777) << 16
        with zipfile.ZipFile(path, "w") as file:
            file.writestr(member, "/etc/passwd")
        assert "is a link or a special file" in refused(path)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("python/x.py", "1")
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("python/x.py", "2")
    assert "is there twice" in refused(path)


def test_encrypted_and_oddly_compressed_members(tmp_path: Path) -> None:
    path = archive(tmp_path / "layer.zip", {"python/x.py": b"1"})
    content = path.read_bytes()
    start = content.index(b"PK\1\2")
    for offset, value, reason in ((8, 1, "is encrypted"), (10, 12, "compressed in a way"), (10, 99, "compressed in")):
        changed = bytearray(content)
        struct.pack_into("<H", changed, start + offset, value)
        path.write_bytes(changed)
        assert reason in refused(path)


def test_bombs_are_refused_before_they_are_read(tmp_path: Path) -> None:
    path = archive(tmp_path / "layer.zip", {"python/x.bin": b"1"})
    content = bytearray(path.read_bytes())
    struct.pack_into("<L", content, content.index(b"PK\1\2") + 24, 2**31)  # the size it claims to have
    path.write_bytes(content)
    assert "is larger than" in refused(path)
    with zipfile.ZipFile(path, "w") as file:
        for number in range(40_000):
            file.writestr(zipfile.ZipInfo(f"python/{number:05}{'x' * 800}"), b"")
    assert "a list of files larger than 32 MiB" in refused(path)
    with zipfile.ZipFile(path, "w") as file:
        for number in range(66_000):
            file.writestr(zipfile.ZipInfo(f"{number}"), b"")
    assert "zip64" in refused(path)


def test_what_a_member_holds_is_read_to_a_bound(tmp_path: Path) -> None:
    path = tmp_path / "layer.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("python/zeros-1.0.dist-info/METADATA", bytes(200_000_000))
        file.writestr("python/zeros.so", bytes(50_000_000))
    assert [finding.code for finding in examine(layers=[path]).findings] == ["elf-damaged"]


def test_a_zip_that_is_cut_off_or_damaged(tmp_path: Path) -> None:
    path = archive(tmp_path / "layer.zip", {"python/x.so": b"1" * 100})
    content = path.read_bytes()
    path.write_bytes(content[:-30])
    assert "was it cut off?" in refused(path)
    path.write_bytes(content.replace(b"1" * 100, b"2" * 100))
    with pytest.raises(InputError, match="cannot be read"):
        examine(layers=[path])
    assert "there is no such" in refused(tmp_path / "none")


def test_links_in_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "layer"
    install(folder / "python", "core", "1.0")
    (tmp_path / "secret.py").write_text("")
    (folder / "python" / "out.py").symlink_to(tmp_path / "secret.py")
    (folder / "python" / "around").symlink_to(folder)
    (folder / "python" / "gone.py").symlink_to(folder / "none.py")
    (folder / "python" / "alias.py").symlink_to(folder / "python" / "core" / "__init__.py")
    with open_tree(folder) as tree:
        names = {name for name in tree.files if "dist-info" not in name}
    assert names == {"python/alias.py", "python/core/__init__.py"}


@settings(max_examples=200)
@given(st.data())
def test_any_damage_to_a_zip_ends_in_a_report_or_a_named_error(data: st.DataObject) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("python/a/__init__.py", "x = 1")
        file.writestr("python/a/b.abi3.so", b"\x7fELF" + bytes(40))
        file.writestr("python/a-1.dist-info/METADATA", "Name: a\nVersion: 1\nRequires-Dist: a==2\n")
        file.writestr("python/a-1.dist-info/entry_points.txt", "[evalayer.metrics]\na = a.b:c\n")
    content = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "layer.zip")
        path.write_bytes(content[: data.draw(st.integers(len(content) - 40, len(content)))])
        outcome(path)


@settings(max_examples=100)
@given(st.binary(max_size=300))
def test_any_bytes_as_a_zip(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "layer.zip")
        path.write_bytes(content)
        outcome(path)


@settings(max_examples=200)
@given(st.sampled_from(["METADATA", "WHEEL", "RECORD", "entry_points.txt", "x.so"]), st.binary(max_size=300))
def test_any_bytes_in_a_layer(name: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        info = install(Path(folder, "python"), "core", "1.0")
        (info / name).write_bytes(content)
        (info.parent / "core.so").write_bytes(content)
        (info.parent / "more.so").write_bytes(b"\x7fELF" + content)
        examine(layers=[Path(folder)])


def outcome(layer: Path) -> None:
    refusal = None
    try:
        examine(layers=[layer])
    except InputError as error:
        refusal = error
    assert refusal is None or refusal.path == str(layer)


@settings(max_examples=200)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_any_bytes_as_a_template(content: bytes) -> None:
    template_outcome(content)


@settings(max_examples=200)
@given(st.integers(0, len(TEMPLATE) - 1), st.integers(0, 60), st.text("{}[]!&*:- \n'\"$Refx<", max_size=12))
def test_any_damage_to_a_template(start: int, length: int, inserted: str) -> None:
    template_outcome((TEMPLATE[:start] + inserted + TEMPLATE[start + length :]).encode())


def template_outcome(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "template.yaml")
        path.write_bytes(content)
        refusal = None
        try:
            examine(path)
        except InputError as error:
            refusal = error
        assert refusal is None or refusal.path == str(path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Resources: {a: !Ref b", "not YAML"),
        ("Resources:\n  A: 1\n  A: 2\n", "Resources.A: is given twice; the first time is on line 2"),
        ("[1, 2]", "is not a mapping"),
        ("", "is empty"),
        ("!Ref {a: 1}", "is not a mapping"),
        ("Description: nothing here", "has no Resources"),
        ("Resources: []", "has no Resources"),
        ("Resources: {? [1, 2] : 3}", "a key is not text"),
        ("a: " + "[" * 50 + "]" * 50, "nested deeper"),
        ("a: &a [*a]\nResources: {b: 1}", "without an end"),
        ("a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
         "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e]", "too large"),
        ("#" * 300_000, "larger than 256 KiB"),
    ],
)  # fmt: skip
def test_templates_that_cannot_be_used(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as raised:
        examine(path)
    assert reason in str(raised.value)


@pytest.mark.parametrize("role", ["!GetAtt Role.Arn", "{'Fn::GetAtt': [Role, Arn]}", "!Sub '${Role.Arn}'"])
def test_intrinsic_functions_have_a_long_form(project: Project, role: str) -> None:
    project.edit("Action: xray:PutTraceSegments", "Action: s3:GetObject")
    project.edit("!GetAtt Role.Arn", role)
    assert project.found() == [("iam-wildcard", "warning")]


def test_tags_are_inert(project: Project) -> None:
    made = project.folder / "made"
    project.edit("Timeout: 30", f"Timeout: !!python/object/apply:os.mkdir [{made}]\n      MemorySize: !Anything [1]")
    assert project.found() == []
    assert not made.exists()


def test_a_template_may_be_json(project: Project) -> None:
    project.template.write_text(
        '{"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": {"Runtime": "python3.13", "Timeout": 9,'
        ' "FunctionName": {"Fn::Sub": "SageMaker-${AWS::StackName}"}, "Architectures": ["arm64"]}}}}'
    )
    assert project.found() == []
