"""Archives as they should be, and as nobody should unpack them."""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
import tempfile
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.growth import assert_linear

from evalayer_lab.inputs import InputError
from evalayer_lab.inputs.archive import unpack

Entry = tuple[str, bytes | None]  # None: a folder


def _tar(entries: Sequence[Entry | tarfile.TarInfo], tar_format: int = tarfile.PAX_FORMAT) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tar_format) as tar:
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                tar.addfile(entry)
                continue
            name, content = entry
            info = tarfile.TarInfo(name)
            info.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
            info.size = len(content or b"")
            tar.addfile(info, io.BytesIO(content or b""))
    return raw.getvalue()


def _special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    return info


def _header(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.fixture
def archive(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        path = tmp_path / "in" / "output.tar.gz"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return path

    return write


def _refused(path: Path, tmp_path: Path, **limits: int) -> str:
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError) as caught:
        unpack(path, tmp_path / "out", **limits)
    assert sorted(tmp_path.rglob("*")) == before, "something was left behind"
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("tar_format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_job_s_output_is_unpacked(
    archive: Callable[[bytes], Path], tmp_path: Path, pack: Callable[[bytes], bytes], tar_format: int
) -> None:
    details = "run/eval_results/details/a model/2025-12-09T01-39-55+00-00/details_custom|gen_qa_gen_qa|0_2025.parquet"
    entries: list[Entry] = [
        ("./", None),
        ("./run/", None),
        ("run/empty", b""),
        (details, b"\0" * 5000),
        ("run/é", b"x"),
    ]
    out = tmp_path / "deep" / "out"
    files = unpack(archive(pack(_tar(entries, tar_format))), out)
    assert files == [out / "run/empty", out / details, out / "run/é"]
    assert [file.read_bytes() for file in files] == [b"", b"\0" * 5000, b"x"]
    assert sorted(path.name for path in out.parent.iterdir()) == ["out"]


def test_a_name_longer_than_a_header_has_room_for(archive: Callable[[bytes], Path], tmp_path: Path) -> None:
    name = "/".join(["n" * 200] * 3)
    for number, tar_format in enumerate((tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)):
        out = tmp_path / str(number)
        assert unpack(archive(_tar([(name, b"1"), ("b", b"2")], tar_format)), out) == [out / name, out / "b"]


def test_an_archive_of_nothing_gives_an_empty_folder(archive: Callable[[bytes], Path], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert unpack(archive(_tar([])), tmp_path / "out") == []
    assert list((tmp_path / "out").iterdir()) == []


def test_a_folder_that_holds_something_is_not_touched(archive: Callable[[bytes], Path], tmp_path: Path) -> None:
    kept = tmp_path / "out" / "mine"
    kept.parent.mkdir()
    kept.write_text("mine")
    with pytest.raises(InputError, match="exists already and is not empty"):
        unpack(archive(_tar([("a", b"1")])), tmp_path / "out")
    assert list(kept.parent.iterdir()) == [kept]


@pytest.mark.parametrize(
    "name", ["../a", "a/../../b", "a/..", "/etc/a", "//a", "..\\a", "C:/a", "C:a", "a\x1b[31m", "a\nb"]
)
@pytest.mark.parametrize("content", [b"1", None])
def test_a_name_that_leaves_the_folder(
    archive: Callable[[bytes], Path], tmp_path: Path, name: str, content: bytes | None
) -> None:
    message = _refused(archive(_tar([("fine", b"1"), (name, content)])), tmp_path)
    assert (name if name.isprintable() else ascii(name)) in message


@pytest.mark.parametrize(
    ("member", "kind"),
    [
        (_special("evil", tarfile.SYMTYPE, "/etc"), "a symbolic link"),
        (_special("evil", tarfile.LNKTYPE, "fine"), "a hard link"),
        (_special("evil", tarfile.CHRTYPE), "a device"),
        (_special("evil", tarfile.BLKTYPE), "a device"),
        (_special("evil", tarfile.FIFOTYPE), "a named pipe"),
        (_special("evil", tarfile.GNUTYPE_SPARSE), "a sparse file"),
        (_special("evil", b"Z"), "of an unknown type"),
    ],
)
def test_what_is_neither_file_nor_folder(
    archive: Callable[[bytes], Path], tmp_path: Path, member: tarfile.TarInfo, kind: str
) -> None:
    message = _refused(archive(_tar([("fine", b"1"), member])), tmp_path)
    assert f"evil: is {kind}" in message


@pytest.mark.parametrize(
    "entries",
    [[("a", b"1"), ("a", b"2")], [("a", b"1"), ("./a", b"2")], [("a", b"1"), ("a/b", b"2")], [("a", None), ("a", b"")]],
)
def test_a_member_that_is_there_twice(archive: Callable[[bytes], Path], tmp_path: Path, entries: list[Entry]) -> None:
    assert "twice" in _refused(archive(_tar(entries)), tmp_path)


def _named(value: str, key: str = "path") -> bytes:
    """One member whose pax header says something of it."""
    info = tarfile.TarInfo("short")
    info.pax_headers = {key: value}
    return _tar([info])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (_named("a\0b"), r"'a\x00b': has a name with a character"),
        (_named("../a"), "../a: has a name that leads out"),
        (_named("n" * 256), "longer than 1024 bytes, or than 255"),
        (_named("/".join("n" * 600)), "longer than 1024 bytes"),
        (_named("1", "GNU.sparse.realsize"), "is a sparse file"),
        (_named("-1", "size"), "short: has an invalid size"),
        (_named("1e3", "size"), "short: has an invalid size"),
        (_header("x", 12, tarfile.XHDTYPE) + b"99 path=../\n".ljust(512, b"\0"), "a pax record cannot be read"),
        (_header("x", 11, tarfile.XGLTYPE) + b"11 path=ab\n".ljust(512, b"\0"), "sets one path or size for all"),
        (_header("x", 11, tarfile.XHDTYPE) + b"11 path=ab\n".ljust(512, b"\0") + b"\0" * 1024, "ab: names a member"),
        (_header("x", 8 << 30, tarfile.XHDTYPE), "x: is a header of 8,589,934,592 bytes"),
        (_header("x", 8 << 30, tarfile.GNUTYPE_LONGNAME), "x: is a header of 8,589,934,592 bytes"),
        (_header("a", 10), "a: is cut off"),
        (_header("a", -5), "a: has an invalid size"),
        (_header("a", 0), "is cut off: the end of the archive is missing"),
        (_header("a", 0) + b"rubbish".ljust(512, b"x"), "is damaged: "),
        (b"", "is empty"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (b"PK\3\4" + b"zip" * 500, "is not a tar archive"),
        (b"{}", "is not a tar archive"),
        (gzip.compress(b"a text" * 1000, mtime=0), "is not a tar archive"),
        (gzip.compress(_tar([("a", bytes(9000))]), mtime=0)[:-30], "damaged or cut off"),
        (gzip.compress(_tar([("a", b"1")]), mtime=0)[:-8] + bytes(8), "damaged or cut off"),
        (b"\x1f\x8b" + b"\xff" * 50, "damaged or cut off"),
        (_tar([("a", b"1")]) + _tar([("b", b"2")]), "has data after its end"),
        (
            gzip.compress(_tar([("a", b"1")]), mtime=0) + gzip.compress(_tar([("b", b"2")]), mtime=0),
            "has data after its end",
        ),
    ],
)
def test_a_damaged_archive(archive: Callable[[bytes], Path], tmp_path: Path, content: bytes, reason: str) -> None:
    assert reason in _refused(archive(content), tmp_path)


def test_a_bomb(archive: Callable[[bytes], Path], tmp_path: Path) -> None:
    many = archive(gzip.compress(_tar([(str(number), b"") for number in range(11)])))
    assert "more than 10 members" in _refused(many, tmp_path, max_members=10)
    assert len(unpack(many, tmp_path / "enough", max_members=11)) == 11
    big = archive(gzip.compress(_tar([("fine", b"1"), ("big", bytes(5000))])))
    assert "big: is too large" in _refused(big, tmp_path, max_bytes=5000)
    deep = archive(gzip.compress(_tar([(f"{number}/1/2/3/a", b"") for number in range(3)])))
    assert "more than 11 members, or folders for them" in _refused(deep, tmp_path, max_members=11)
    assert len(unpack(deep, tmp_path / "deep", max_members=12)) == 3
    behind = archive(gzip.compress(_tar([("a", b"1")]) + bytes(1 << 20)))
    assert "more than 100,000 bytes" in _refused(behind, tmp_path, max_bytes=100_000)


def test_a_bomb_by_its_ratio_is_found_in_little_memory(archive: Callable[[bytes], Path], tmp_path: Path) -> None:
    zeros = gzip.compress(bytes(1 << 20), 9) * 300  # gzip joins members: 300 MiB in 0.3 MB
    path = archive(gzip.compress(_header("zeros", 300 << 20)) + zeros + gzip.compress(bytes(1024)))
    tracemalloc.start()
    message = _refused(path, tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "zeros: expands to more than 200 times its size" in message
    assert peak < 16 << 20


def test_a_header_full_of_small_records_takes_linear_time(archive: Callable[[bytes], Path], tmp_path: Path) -> None:
    def read(number: int) -> None:
        records = b"4 =\n" * number
        padded = records + bytes(-len(records) % tarfile.BLOCKSIZE)
        path = archive(_header("x", len(records), tarfile.XHDTYPE) + padded + _tar([("a", b"1")]))
        assert unpack(path, tmp_path / "out") == [tmp_path / "out" / "a"]
        shutil.rmtree(tmp_path / "out")

    assert_linear(read, 65_000)


def test_a_missing_archive(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in _refused(tmp_path / "none.tar", tmp_path)


def test_a_folder_that_cannot_be_made(archive: Callable[[bytes], Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be unpacked into"):
        unpack(archive(_tar([("a", b"1")])), tmp_path / "file" / "out")


_NAME = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="/\\:."), min_size=1, max_size=12
)
_TREES = st.dictionaries(st.lists(_NAME, min_size=1, max_size=3).map("/".join), st.binary(max_size=1500), max_size=6)


@settings(max_examples=60)
@given(tree=_TREES, compressed=st.booleans(), tar_format=st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]))
def test_every_tree_comes_back(tree: dict[str, bytes], compressed: bool, tar_format: int) -> None:
    folders = {"/".join(name.split("/")[:end]) for name in tree for end in range(1, name.count("/") + 1)}
    tree = {name: content for name, content in tree.items() if name not in folders}
    content = _tar(list(tree.items()), tar_format)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.tar")
        path.write_bytes(gzip.compress(content, 1) if compressed else content)
        out = Path(folder, "out")
        files = unpack(path, out)
        assert {file.relative_to(out).as_posix(): file.read_bytes() for file in files} == tree
        assert sorted(files) == sorted(found for found in out.rglob("*") if found.is_file())


@settings(max_examples=150)
@given(
    changes=st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=4),
    cut=st.integers(0, 5200),
    compressed=st.booleans(),
)
def test_no_damage_leaves_the_folder_or_half_a_tree(
    changes: list[tuple[int, int]], cut: int, *, compressed: bool
) -> None:
    whole = _tar([("a/b", b"1" * 600), ("c" * 150, b"2"), ("d/", None), ("e", b"")])
    content = bytearray(gzip.compress(whole) if compressed else whole)
    for place, value in changes:
        content[place % len(content)] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.tar")
        path.write_bytes(content[: cut or None])
        out = Path(folder, "out")
        try:
            files = unpack(path, out, max_bytes=1 << 20)
        except InputError:
            assert [one.name for one in Path(folder).iterdir()] == ["a.tar"]
        else:
            assert {one.name for one in Path(folder).iterdir()} == {"a.tar", "out"}
            assert all(file.is_file() and file.resolve().is_relative_to(out.resolve()) for file in files)
