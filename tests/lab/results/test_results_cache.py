from __future__ import annotations

import gc
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.lab.results.result_tree import details_of, make_rows, pack, settle, write_tree

from evalayer_lab.inputs import InputError
from evalayer_lab.results import Results, read_results

ROWS = make_rows(12)


class Reads:
    """Counts how often rows were read from the files of a run."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, done: int, total: int) -> None:
        self.count += done == total

    def of(self, path: Path) -> Results:
        return read_results(path, on_progress=self)


def kept(folder: Path) -> Path:
    (manifest,) = (folder / ".evalayer").glob("*/manifest.json")
    return manifest.parent


def test_the_second_read_uses_the_table(tmp_path: Path) -> None:
    folder, reads = write_tree(tmp_path / "run", ROWS), Reads()
    first, second = reads.of(folder), reads.of(folder)
    assert reads.count == 1
    assert first.relation.fetchall() == second.relation.fetchall()
    for name in ("run", "reported", "metrics", "join", "notes", "digest", "rows", "field", "labels", "columns"):
        assert getattr(first, name) == getattr(second, name)
    assert second.texts([3]) == first.texts([3])
    assert sorted(path.name for path in kept(folder).iterdir()) == ["manifest.json", "rows.parquet"]


def test_files_that_were_touched_are_hashed_again_but_not_read_again(tmp_path: Path) -> None:
    folder, reads = write_tree(tmp_path / "run", ROWS), Reads()
    reads.of(folder)
    details_of(folder).touch()
    assert reads.of(folder).texts([0])
    assert reads.count == 1


def test_a_trusted_signature_is_not_hashed_again(tmp_path: Path) -> None:
    folder, reads = write_tree(tmp_path / "run", ROWS), Reads()
    rows = reads.of(folder).rows
    index = folder / ".evalayer" / "index.json"
    name = str(details_of(folder).relative_to(folder))
    document = json.loads(index.read_text())
    document["files"][name][-1] = "0" * 64
    index.write_text(json.dumps(document))
    assert reads.of(folder).rows == rows
    assert reads.count == 2  # by the recorded hash, the file is another one


def test_a_change_that_keeps_size_and_time_is_noticed(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "run", ROWS)
    path = folder / "eval_results" / "inference_output.jsonl"
    assert read_results(folder).join.missing.count == 0
    before = path.stat()
    path.write_text(path.read_text().replace("Ticket 3", "Ticket X"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert read_results(folder).join.missing.count == 1


@pytest.mark.parametrize("what", ["answers", "dataset"])
def test_a_change_during_the_read_is_noticed(tmp_path: Path, what: str) -> None:
    folder = write_tree(tmp_path / "run", ROWS)
    dataset = tmp_path / "gen_qa.jsonl"
    dataset.write_text('{"query": "q", "response": "r"}\n')
    path = dataset if what == "dataset" else folder / "eval_results" / "inference_output.jsonl"

    def change(done: int, total: int) -> None:
        path.write_text(path.read_text() * 2)

    with pytest.raises(InputError, match="changed while it was being read") as caught:
        read_results(folder, dataset=dataset, on_progress=change)
    assert caught.value.path == str(path)
    assert [found.name for found in (folder / ".evalayer").iterdir()] == ["index.json"]
    assert read_results(folder, dataset=dataset).rows == 12


def test_what_nobody_uses_is_deleted(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "run", ROWS[:2])
    (folder / ".evalayer" / "of somebody else").mkdir(parents=True)
    for index in range(10):
        read_results(folder, labels=[f"l{index}"])
    left = folder / ".evalayer" / f".{'0' * 32}-{'1' * 32}"
    left.mkdir()
    long_ago = left.stat().st_mtime - 90_000
    for path in (folder / ".evalayer").iterdir():
        os.utime(path, (long_ago, long_ago))
    assert read_results(folder, labels=["l0"]).rows == 2  # used again
    read_results(folder, labels=["new"])
    assert len(list((folder / ".evalayer").glob("*/manifest.json"))) == 8
    assert not left.exists()
    assert (folder / ".evalayer" / "of somebody else").exists()
    reads = Reads()
    read_results(folder, labels=["l0"], on_progress=reads)
    assert reads.count == 0


def test_a_file_that_was_changed_at_once_is_noticed(tmp_path: Path) -> None:
    folder, reads = write_tree(tmp_path / "run", ROWS), Reads()
    path = folder / "eval_results" / "inference_output.jsonl"
    path.touch()  # so young that a change within the clock's step would not show
    moment = path.stat()
    assert reads.of(folder).join.answers == 12
    lines = path.read_text().splitlines()
    path.write_text(" " * len(lines[0]) + "\n" + "\n".join(lines[1:]) + "\n")
    os.utime(path, ns=(moment.st_atime_ns, moment.st_mtime_ns))
    assert path.stat().st_size == moment.st_size
    assert reads.of(folder).join.answers == 11


def test_other_arguments_have_a_table_of_their_own(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "run", ROWS)
    assert read_results(folder).field == "class"
    assert read_results(folder, field="why").field == "why"
    assert read_results(folder, labels=["a"]).labels == ("a",)
    assert len(list((folder / ".evalayer").glob("*/manifest.json"))) == 3
    assert read_results(folder, partial=True).field == "class"
    assert len(list((folder / ".evalayer").glob("*/manifest.json"))) == 3


def truncate(path: Path) -> None:
    rows = path / "rows.parquet"
    rows.write_bytes(rows.read_bytes()[:-100])


def flip_a_byte(path: Path) -> None:
    rows = path / "rows.parquet"
    content = bytearray(rows.read_bytes())
    content[len(content) // 3] ^= 255
    rows.write_bytes(content)


def drop_the_rows(path: Path) -> None:
    (path / "rows.parquet").unlink()


def drop_the_manifest(path: Path) -> None:
    (path / "manifest.json").unlink()


def foreign_manifest(path: Path) -> None:
    (path / "manifest.json").write_text("[1]")


def old_version(path: Path) -> None:
    manifest = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps(manifest | {"version": 0}))


def other_content(path: Path) -> None:
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["content"]["run"] = {"unknown": 1}
    (path / "manifest.json").write_text(json.dumps(manifest))


def file_in_its_place(path: Path) -> None:
    shutil.rmtree(path)
    path.write_text("")


def other_key(path: Path) -> None:
    manifest = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps(manifest | {"key": "0"}))


@pytest.mark.parametrize(
    "damage",
    [
        truncate,
        flip_a_byte,
        drop_the_rows,
        drop_the_manifest,
        foreign_manifest,
        old_version,
        other_content,
        other_key,
        file_in_its_place,
        shutil.rmtree,
    ],
)
def test_a_damaged_table_is_made_again(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    folder, reads = write_tree(tmp_path / "run", ROWS), Reads()
    expected = reads.of(folder).relation.fetchall()
    damage(kept(folder))
    assert reads.of(folder).relation.fetchall() == expected
    assert reads.count == 2
    assert reads.of(folder).relation.fetchall() == expected
    assert reads.count == 2
    assert [path.name for path in (folder / ".evalayer").iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"version": 1, "files": {"run.json": 3}}', '{"version": 2}', "[" * 100_000]
)
def test_a_damaged_index(tmp_path: Path, text: str) -> None:
    folder, reads = write_tree(tmp_path / "run", ROWS), Reads()
    reads.of(folder)
    (folder / ".evalayer" / "index.json").write_text(text)
    reads.of(folder)
    assert reads.count == 1


def test_a_table_that_was_moved_along(tmp_path: Path) -> None:
    folder, reads = write_tree(tmp_path / "run", ROWS), Reads()
    expected = reads.of(folder).relation.fetchall()
    shutil.copytree(folder, tmp_path / "moved", copy_function=shutil.copyfile)
    assert reads.of(tmp_path / "moved").relation.fetchall() == expected
    assert reads.count == 1


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    folder, reads = write_tree(tmp_path / "run", ROWS), Reads()
    (folder / ".evalayer").write_text("a file of somebody else")
    assert reads.of(folder).rows == reads.of(folder).rows == 12
    assert reads.count == 1
    assert (folder / ".evalayer").read_text() == "a file of somebody else"
    (own,) = (tmp_path / "temporary").iterdir()
    assert own.stat().st_mode & 0o777 == 0o700
    own.chmod(0o777)  # now somebody else could have written to it
    reads.of(folder)
    assert reads.count == 2


def test_without_a_cache_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    folder = write_tree(tmp_path / "run", ROWS)
    archive = pack(folder, tmp_path / "output.tar.gz")
    for path in (folder, archive):
        results = read_results(path, cache=False)
        assert results.column("answer_kind").tolist() == ["json"] * 12
        assert len(results.texts([0, 1])) == 2
        assert list((tmp_path / "temporary").iterdir())
        del results
        gc.collect()
        assert list((tmp_path / "temporary").iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["output.tar.gz", "run", "temporary"]
    assert not (folder / ".evalayer").exists()


def test_an_archive_is_unpacked_once(tmp_path: Path) -> None:
    archive = pack(write_tree(tmp_path / "job", ROWS), tmp_path / "output.tar.gz")
    settle(tmp_path)
    reads = Reads()
    first, second = reads.of(archive), reads.of(archive)
    assert reads.count == 1
    assert first.folder == second.folder
    assert first.run.run_name == "job"
    next(first.folder.rglob("results_*.json")).unlink()
    assert reads.of(archive).reported == first.reported


def test_an_output_in_s3_is_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3
    from moto import mock_aws

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    archive = pack(write_tree(tmp_path / "job", ROWS), tmp_path / "output.tar.gz")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    reads = Reads()
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="bucket")
        s3.upload_file(str(archive), "bucket", "name/job/output/output.tar.gz")
        uri = "s3://bucket/name/job"
        expected = read_results(tmp_path / "job").relation.fetchall()
        for _ in range(2):
            assert read_results(uri, on_progress=reads).relation.fetchall() == expected
        assert reads.count == 1
        assert read_results(uri, cache=False).texts([0])
        s3.create_bucket(Bucket="empty")
        with pytest.raises(InputError):
            read_results("s3://empty/output")


def test_archives_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "output.tar.gz"
    path.write_bytes(b"no archive")
    with pytest.raises(InputError) as caught:
        read_results(path)
    assert caught.value.path == str(path)
    with tarfile.open(path, "w:gz"):
        pass
    with pytest.raises(InputError):
        read_results(path)


def test_processes_that_read_at_the_same_time(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "run", ROWS)
    program = (
        "import sys; from evalayer_lab.results import read_results; print(len(read_results(sys.argv[1]).texts([0])))"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", program, folder], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    assert [process.communicate()[0] for process in processes] == ["1\n"] * 2
    assert len(list((folder / ".evalayer").glob("*/manifest.json"))) == 1


def test_the_second_read_imports_nothing_heavy(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "run", ROWS)
    read_results(folder)
    program = (
        "import sys; from evalayer_lab.results import read_results; read_results(sys.argv[1]); "
        "heavy = {'duckdb', 'numpy', 'orjson', 'pandas', 'pyarrow', 'pydantic'}; print(sorted(heavy & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", program, folder], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
