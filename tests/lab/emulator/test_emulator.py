"""The emulator itself: sizes, failures, processes, what a function sees, what is refused before it starts."""

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.lab.emulator.functions import NATIVE, outcome

from evalayer import PayloadTooLarge
from evalayer_lab.function import FunctionFailed, RuntimeEmulator
from evalayer_lab.inputs import InputError

LIMIT = 6 * 1024 * 1024
OTHER, OTHER_ELF = ("arm64", 183) if NATIVE == "x86_64" else ("x86_64", 62)
SUFFIX = {"arm64": "aarch64", "x86_64": "x86_64"}


def send(emulator: RuntimeEmulator, do: str, **values: object) -> bytes:
    return emulator.invoke(json.dumps({"do": do, **values}).encode())


def elf(machine: int) -> bytes:
    return b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00" + machine.to_bytes(2, "little") + bytes(44)


def runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.parametrize("size", [LIMIT - 1, LIMIT])
def test_a_response_of_six_mebibytes_comes_whole(probed: RuntimeEmulator, size: int) -> None:
    assert len(send(probed, "many", bytes=size)) == size


@pytest.mark.parametrize("size", [LIMIT + 1, LIMIT + 100, LIMIT + 101, LIMIT + 1_000_000])
def test_a_larger_one_is_refused_and_the_next_event_is_answered(probed: RuntimeEmulator, size: int) -> None:
    with pytest.raises(PayloadTooLarge, match=r"^the response .*6,291,456"):
        send(probed, "many", bytes=size)
    assert send(probed, "many", bytes=9) == b'"xxxxxxx"'


def test_an_event_of_six_mebibytes_arrives_whole(probed: RuntimeEmulator) -> None:
    frame = len(b'{"do": "length", "text": ""}')
    event = b'{"do": "length", "text": "' + b"y" * (LIMIT - frame - 1) + b'z"}'
    assert len(event) == LIMIT
    assert json.loads(probed.invoke(event)) == [LIMIT - frame, "z"]


def test_a_larger_event_is_not_sent(probed: RuntimeEmulator) -> None:
    before = probed.log.count("START RequestId")
    with pytest.raises(PayloadTooLarge, match=r"^the event has 6,291,457 bytes; Lambda accepts at most 6,291,456$"):
        probed.invoke(b" " * (LIMIT + 1))
    assert probed.log.count("START RequestId") == before


def test_a_function_that_ends_its_process_starts_again(probed: RuntimeEmulator) -> None:
    kind, message = outcome(probed, b'{"do": "leave"}')
    assert kind == "Runtime.ExitError"
    assert "exit status 3" in str(message)
    assert send(probed, "many", bytes=3) == b'"x"'


def test_a_response_that_looks_like_an_error_is_a_response(probed: RuntimeEmulator) -> None:
    assert json.loads(send(probed, "report")) == {"errorType": "mine", "errorMessage": "mine", "more": 1}
    assert "the function was here" in probed.log


def test_a_function_that_cannot_be_imported(probe: Path, python: str) -> None:
    with RuntimeEmulator(function=probe, python=python, handler="nowhere.lambda_handler") as emulator:
        assert outcome(emulator, b"{}") == (
            "Runtime.ImportModuleError",
            "Unable to import module 'nowhere': No module named 'nowhere'",
        )


def test_a_function_that_is_too_slow_is_stopped(probe: Path, python: str) -> None:
    with RuntimeEmulator(function=probe, python=python, timeout=1) as emulator:
        assert outcome(emulator, b'{"do": "wait", "seconds": 60}') == (
            "Sandbox.Timedout",
            "Task timed out after 1.00 seconds",
        )
        assert "has waited" not in emulator.log


def test_no_process_and_no_file_is_left(probe: Path, python: str) -> None:
    with RuntimeEmulator(function=probe, python=python) as emulator:
        processes = json.loads(send(emulator, "breed"))
        task = json.loads(send(emulator, "environment"))["LAMBDA_TASK_ROOT"]
        assert all(map(runs, processes))
        assert Path(task).is_dir()
    assert not any(map(runs, processes))
    assert not Path(task).parent.exists()
    with pytest.raises(RuntimeError, match="inside its `with` block"):
        emulator.invoke(b"{}")


def test_what_a_function_sees_of_the_environment(probe: Path, python: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "ours")
    monkeypatch.setenv("SOMETHING_OURS", "ours")
    monkeypatch.setenv("EVALAYER_TASK", "theirs")
    with RuntimeEmulator(function=probe, python=python, environment={"MINE": "theirs"}) as emulator:
        seen = json.loads(send(emulator, "environment"))
    assert "ours" not in seen.values()
    assert (seen["EVALAYER_TASK"], seen["MINE"]) == ("theirs", "theirs")
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == "evalayer-local"


def test_the_files_of_the_last_layer_win_and_zips_are_layers(probe: Path, python: str, tmp_path: Path) -> None:
    for name, value in (("first", 1), ("second", 2)):
        package = tmp_path / name / "python" / "shared"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "value.py").write_text(f"value = {value}", encoding="utf-8")
        (package / f"{name}.py").touch()
    function = tmp_path / "function"
    function.mkdir()
    lines = ["import shared.value, shared.first, shared.second", "lambda_handler = lambda *_: shared.value.value"]
    (function / "app.py").write_text("\n".join(lines), encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "second.zip", "w") as archive:
        for path in (tmp_path / "second").rglob("*.py"):
            archive.write(path, path.relative_to(tmp_path / "second"))
    layers = [tmp_path / "first", tmp_path / "second.zip"]
    for order, expected in ((layers, b"2"), (layers[::-1], b"1")):
        with RuntimeEmulator(function=function, layers=order, python=python) as emulator:
            assert emulator.invoke(b"{}") == expected


@pytest.mark.parametrize(
    ("name", "machine", "reason"),
    [
        (f"q.cpython-313-{SUFFIX[OTHER]}-linux-gnu.so", OTHER_ELF, f"is for {OTHER} and Python 3.13, .* on {NATIVE};"),
        (
            f"q.cpython-312-{SUFFIX[NATIVE]}-linux-gnu.so",
            245 - OTHER_ELF,
            f"is for {NATIVE} and Python 3.12, .*3.13 on",
        ),
    ],
)
def test_a_layer_for_another_machine_or_python_is_refused(
    name: str, machine: int, reason: str, probe: Path, python: str, tmp_path: Path
) -> None:
    package = tmp_path / "python" / "quick"
    package.mkdir(parents=True)
    (package / name).write_bytes(elf(machine))
    emulator = RuntimeEmulator(function=probe, layers=[tmp_path], python=python)
    expected = rf"python/quick/{name} {reason}.*`make layer ARCH={NATIVE} RUNTIME=python3.13`"
    with pytest.raises(InputError, match=expected), emulator:
        pass


def test_a_folder_without_python_is_no_layer(probe: Path, python: str, tmp_path: Path) -> None:
    (tmp_path / "evalayer.py").touch()
    with (
        pytest.raises(InputError, match="has no python/"),
        RuntimeEmulator(function=probe, layers=[tmp_path], python=python),
    ):
        pass


def test_what_is_missing_is_named(probe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"no python3\.13 was found that starts; .*apt-get install mmdebstrap"):
        RuntimeEmulator(function=probe).__enter__()
    with pytest.raises(InputError, match=r"no python3\.99 was found that starts; give the file of one$"):
        RuntimeEmulator(function=probe, python="python3.99").__enter__()


def test_without_a_python_of_the_runtime_debians_is_used(
    require: Callable[[str], Path], probe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require("mmdebstrap")
    for folder in map(Path, ("/usr/bin", "/usr/sbin", "/bin", "/sbin")):
        for program in folder.iterdir():
            link = tmp_path / program.name
            if not program.name.startswith("python") and not link.is_symlink():
                link.symlink_to(program)
    monkeypatch.setenv("PATH", str(tmp_path))
    with RuntimeEmulator(function=probe) as emulator:
        assert send(emulator, "many", bytes=9) == b'"xxxxxxx"'
        assert "debian-" in json.loads(send(emulator, "interpreter"))


@pytest.mark.skipif(NATIVE == "arm64", reason="arm64 is not emulated here")
def test_what_arm64_needs_is_named(probe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"with --arm64 the only Python is python3\.13"):
        RuntimeEmulator(function=probe, arm64=True, python="python3.12").__enter__()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="qemu-aarch64-static is not installed: apt-get install qemu-user-static"):
        RuntimeEmulator(function=probe, arm64=True).__enter__()
    qemu = tmp_path / "qemu-aarch64-static"
    qemu.touch(mode=0o755)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(InputError, match="mmdebstrap is not installed: apt-get install mmdebstrap"):
        RuntimeEmulator(function=probe, arm64=True).__enter__()
    (tmp_path / "mmdebstrap").write_text("#!/bin/sh\necho no network >&2\nexit 1\n", encoding="utf-8")
    (tmp_path / "mmdebstrap").chmod(0o755)
    with pytest.raises(InputError, match=r"Debian's python3\.13 for aarch64 cannot be fetched: no network"):
        RuntimeEmulator(function=probe, arm64=True).__enter__()
    assert not any(os.scandir(tmp_path / "cache" / "evalayer"))


def test_the_error_has_type_and_message() -> None:
    error = FunctionFailed("InvalidEvent", "data.gold is missing")
    assert str(error) == "InvalidEvent: data.gold is missing"
