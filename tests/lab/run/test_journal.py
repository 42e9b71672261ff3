"""The journal of a run."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalayer_lab.inputs import InputError
from evalayer_lab.output import Entry
from evalayer_lab.run.journal import Journal, locked

_FINGERPRINT = {"data": "abc", "limit": None}


def _entry(line: int, text: str = "answer") -> Entry:
    return Entry(
        line=line,
        system=None,
        prompt="prompt",
        gold="gold",
        metadata='{"a": "b"}',
        inference=text,
        logprobs=[{"x": -0.1}],
        scores={"m": 0.5},
        unscored={"n": "why"},
        failure=None,
    )


def _open(path: Path, **fingerprint: object) -> Journal:
    return Journal(path, {**_FINGERPRINT, **fingerprint}, "2026-01-02T03:04:05+00:00")


def test_what_was_appended_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    journal = _open(tmp_path / "j")
    journal.append([_entry(1), _entry(3)])
    journal.append([])
    journal.close()
    again = Journal(tmp_path / "j", _FINGERPRINT, "another time")
    assert (again.done, again.last_line, again.started) == (2, 3, "2026-01-02T03:04:05+00:00")
    assert list(again.entries()) == [_entry(1), _entry(3)]
    again.close()


def test_the_lines_are_those_of_earlier_versions(tmp_path: Path) -> None:
    header = '{"version":1,"started":"2026-01-02T03:04:05+00:00","data":"abc","limit":null}\n'
    line = '[7,null,"prompt","gold","{\\"a\\": \\"b\\"}","answer",[{"x":-0.1}],{"m":0.5},{"n":"why"},null]\n'
    journal = _open(tmp_path / "j")
    journal.append([_entry(7)])
    journal.close()
    assert (tmp_path / "j").read_text() == header + line
    again = _open(tmp_path / "j")
    assert list(again.entries()) == [_entry(7)]
    again.close()


def test_a_new_journal_is_empty(tmp_path: Path) -> None:
    journal = _open(tmp_path / "j")
    assert (journal.done, journal.last_line, list(journal.entries())) == (0, 0, [])
    journal.close()


@given(st.data())
def test_a_journal_cut_at_any_byte_keeps_its_whole_entries(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("journal") / "j"
    entries = [_entry(line, text) for line, text in enumerate(data.draw(st.lists(st.text(max_size=20), max_size=5)), 1)]
    journal = _open(path)
    journal.append(entries)
    journal.close()
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    again = _open(path)
    kept = max(0, whole[:cut].count(b"\n") - 1)
    assert list(again.entries()) == entries[:kept]
    again.append(entries[kept:])
    assert list(again.entries()) == entries
    again.close()
    assert path.read_bytes() == whole


def test_a_journal_of_another_run_is_refused_with_what_changed(tmp_path: Path) -> None:
    journal = _open(tmp_path / "j")
    journal.append([_entry(1)])
    journal.close()
    with pytest.raises(InputError, match=r"differs in data, limit; use --overwrite"):
        _open(tmp_path / "j", data="xyz", limit=3)
    _open(tmp_path / "j").close()


def test_a_journal_without_an_entry_is_begun_anew(tmp_path: Path) -> None:
    _open(tmp_path / "j").close()
    _open(tmp_path / "j", data="xyz").close()
    with pytest.raises(InputError, match="cannot be opened"):
        _open(tmp_path)


def test_only_one_process_at_a_time(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(InputError, match="another run is writing"), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass


@pytest.mark.parametrize(
    "content",
    ["my notes", "\n", "[]\n\n", "hello\nworld\n", '{"version":1}\n\n', '{"version":1,"started":"soon"}\nx\n'],
)
def test_a_file_that_is_no_journal_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "j").write_text(content)
    with pytest.raises(InputError, match="not the journal of a run"):
        _open(tmp_path / "j")
    assert (tmp_path / "j").read_text() == content


def test_damage_in_the_middle_is_named_by_its_line(tmp_path: Path) -> None:
    journal = _open(tmp_path / "j")
    journal.append([_entry(1), _entry(2), _entry(3)])
    journal.close()
    lines = (tmp_path / "j").read_text().splitlines(keepends=True)
    (tmp_path / "j").write_text("".join([*lines[:2], "damage\n", *lines[3:]]))
    journal = _open(tmp_path / "j")
    with pytest.raises(InputError, match="damaged") as caught:
        list(journal.entries())
    assert caught.value.line == 3
    journal.close()
