"""A function in AWS's runtime interface emulator: Lambda's own runtime client, without Lambda."""

from __future__ import annotations

import http.client
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from types import TracebackType
from typing import Final

from evalayer import MAX_PAYLOAD_BYTES, EvalayerError, PayloadTooLarge
from evalayer_lab.function._artefact import Artefact, PathEntry
from evalayer_lab.function._binaries import unloadable
from evalayer_lab.function._call import LocalContext
from evalayer_lab.function._interpreter import (
    DEFAULT_PYTHON,
    Interpreter,
    emulator_binary,
    find_interpreter,
    runtime_client,
)
from evalayer_lab.function._tree import open_tree
from evalayer_lab.inputs import InputError

_DEFAULT_HANDLER: Final = "app.lambda_handler"
_PATH: Final = "/2015-03-31/functions/function/invocations"
_ERROR_FIELDS: Final = {"errorType", "errorMessage", "requestId", "stackTrace"}
_KEPT: Final = ("EVALAYER_", "POWERTOOLS_")
_START_SECONDS: Final = 10.0
_END_SECONDS: Final = 5.0
_STARTS: Final = 3


class FunctionFailed(EvalayerError):
    """A function raised, ended its process, or ran out of time.

    Attributes:
        error_type: as Lambda names it: the exception's class, or `Runtime.…`.
        error_message: what it says.
    """

    def __init__(self, error_type: str, error_message: str) -> None:
        self.error_type = error_type
        self.error_message = error_message
        super().__init__(f"{error_type}: {error_message}")


@dataclass(kw_only=True, eq=False)
class RuntimeEmulator:
    """A function with its layers, as Lambda would start it, for as long as the `with` block lasts.

    The layers are unpacked over each other in order, as to /opt, and the function as to /var/task. Nothing else can be
    imported but the standard library and Lambda's runtime client. The function sees `EVALAYER_…` and `POWERTOOLS_…` of
    this process's environment and none of its credentials. Its process starts with the first event, in a session of
    its own, and ends with the block. Requests go to 127.0.0.1.

    Args:
        function: the function's folder or zip.
        layers: folders that hold `python/`, or zips of such; the last one's files win.
        python: the name or the file of the interpreter, by default python3.13, which is the only one with `arm64` on
            another machine.
        arm64: run it on arm64, emulated by QEMU where this machine is not arm64.
        handler: the handler, as Lambda names it; by default app.lambda_handler.
        environment: further variables for the function.
        timeout: seconds an event may take, the function's start included.

    Raises:
        InputError: on entering: an artefact cannot be read or is for another machine or Python, or a tool is missing.
    """

    function: Path
    layers: Sequence[Path] = ()
    python: str | None = None
    arm64: bool = False
    handler: str | None = None
    environment: Mapping[str, str] | None = None
    timeout: int = 120
    _running: ExitStack = field(default_factory=ExitStack, init=False, repr=False)
    _log: Path | None = field(default=None, init=False, repr=False)
    _port: int = field(default=0, init=False, repr=False)

    def __enter__(self) -> RuntimeEmulator:
        interpreter = find_interpreter(self.python or DEFAULT_PYTHON, arm64=self.arm64)
        binary = emulator_binary(platform.machine())
        compiler = None if interpreter.is_emulated else interpreter.command
        client = runtime_client(interpreter.minor, interpreter.machine, compiler)
        with ExitStack() as running:
            folder = Path(running.enter_context(TemporaryDirectory(prefix="evalayer-runtime-")))
            task, opt = folder / "task", folder / "opt"
            _unpack(self.function, task, interpreter)
            for layer in self.layers:
                _unpack(layer, opt, interpreter, below="python/")
            self._log = folder / "log"
            self._start(running, binary, interpreter, client, task, opt)
            self._running = running.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._port = 0
        self._running.close()

    def invoke(self, event: bytes) -> bytes:
        """Send an event, JSON in UTF-8, and return the response's bytes.

        Raises:
            FunctionFailed: the function did not answer.
            PayloadTooLarge: the event or the response has more than 6 MiB, which Lambda does not accept.
        """
        if not self._port:
            raise RuntimeError("the emulator runs inside its `with` block only")
        if len(event) > MAX_PAYLOAD_BYTES:
            raise PayloadTooLarge(f"the event has {len(event):,} bytes; Lambda accepts at most {MAX_PAYLOAD_BYTES:,}")
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self.timeout + _START_SECONDS)
        try:
            connection.request("POST", _PATH, event, {"Content-Type": "application/json"})
            response = connection.getresponse().read()
        except (OSError, http.client.HTTPException) as error:
            raise FunctionFailed("Runtime.NoResponse", f"the emulator did not answer: {error}") from error
        finally:
            connection.close()
        return _checked(response)

    @property
    def log(self) -> str:
        """What the function and the emulator have printed."""
        if self._log is None or not self._log.is_file():
            return ""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def _environment(self, interpreter: Interpreter, task: Path, opt: Path, client: Path) -> dict[str, str]:
        site = opt / "python" / "lib" / f"python3.{interpreter.minor}" / "site-packages"
        context = LocalContext()
        return {
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python3.{interpreter.minor}",  # decides how responses are encoded
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(context.memory_limit_in_mb),
            "AWS_LAMBDA_FUNCTION_NAME": context.function_name,
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(self.timeout),
            "AWS_REGION": "us-east-1",
            "LAMBDA_TASK_ROOT": str(task),
            "LD_LIBRARY_PATH": f"{task / 'lib'}:{opt / 'lib'}",
            "PATH": f"{os.defpath}:{opt / 'bin'}",
            "PYTHONPATH": ":".join(map(str, (task, site, opt / "python", client))),
            "TZ": ":UTC",
            **interpreter.environment,
            **{name: value for name, value in os.environ.items() if name.startswith(_KEPT)},
            **(self.environment or {}),
        }

    def _start(
        self, running: ExitStack, binary: Path, interpreter: Interpreter, client: Path, task: Path, opt: Path
    ) -> None:
        function = [*interpreter.command, "-S", "-m", "awslambdaric", self.handler or _DEFAULT_HANDLER]
        log = running.enter_context((task.parent / "log").open("wb"))
        for _ in range(_STARTS):  # a free port may be taken by another process before the emulator listens
            port, runtime_port = _free_ports()
            command = [str(binary), "--log-level", "error"]
            command += ["--runtime-interface-emulator-address", f"127.0.0.1:{port}"]
            command += ["--runtime-api-address", f"127.0.0.1:{runtime_port}", *function]
            process = subprocess.Popen(  # noqa: S603 (AWS's emulator)
                command,
                cwd=task,
                env=self._environment(interpreter, task, opt, client),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            running.callback(_end, process)
            if _listens(process, port):
                self._port = port
                return
        raise InputError(f"AWS's runtime interface emulator does not start: {self.log.strip()[-500:]}", path=binary)


def _unpack(source: Path, into: Path, interpreter: Interpreter, below: str = "") -> None:
    """Copy a folder or zip, unless it is for another machine or Python."""
    runtime, architecture = f"python3.{interpreter.minor}", interpreter.architecture
    with open_tree(source) as tree:
        if not any(name.startswith(below) for name in tree.files):
            raise InputError(f"has no {below or 'files'}, so nothing in it could be imported", path=source)
        files = PathEntry(Artefact(source.name, "layer", tree), "", tree.files)
        for shared in unloadable(files, architecture, interpreter.minor):
            version = "" if shared.minor is None else f" and Python 3.{shared.minor}"
            raise InputError(
                f"{shared.name} is for {shared.machine}{version}, and this runtime is {runtime} on {architecture}; "
                f"build a layer with `make layer ARCH={architecture} RUNTIME={runtime}` and give it with --layer"
                + (", or add --arm64" if shared.machine == "arm64" != architecture else ""),
                path=source,
            )
        for name in tree.files:
            target = into / name
            tree.copy(name, target)
            if tree.zipped is None:
                shutil.copystat(source / name, target)  # a compiled module may be valid for one time of its source only


def _checked(response: bytes) -> bytes:
    if not response:
        raise FunctionFailed("Runtime.ExitError", "the function's process ended before it asked for an event")
    if response.startswith(b"Task timed out after "):
        raise FunctionFailed("Sandbox.Timedout", response.decode())
    if len(response) > MAX_PAYLOAD_BYTES:
        raise PayloadTooLarge(f"the response has {len(response):,} bytes; Lambda accepts at most {MAX_PAYLOAD_BYTES:,}")
    if b'"errorType"' in response:
        answer = json.loads(response)
        if isinstance(answer, dict) and {"errorType", "errorMessage"} <= answer.keys() <= _ERROR_FIELDS:
            if answer["errorType"] == "Function.ResponseSizeTooLarge":
                raise PayloadTooLarge(
                    f"the response is larger than the {MAX_PAYLOAD_BYTES:,} bytes that Lambda accepts"
                )
            raise FunctionFailed(str(answer["errorType"]), str(answer["errorMessage"]))
    return response


def _listens(process: subprocess.Popen[bytes], port: int) -> bool:
    end = monotonic() + _START_SECONDS
    while process.poll() is None and monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            sleep(0.005)
        else:
            return process.poll() is None
    return False


def _free_ports() -> tuple[int, int]:
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1]


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the emulator and all processes of its session; it puts the function into a process group of its own."""
    if process.poll() is None:
        process.kill()
    end = monotonic() + _END_SECONDS
    while (left := _session(process.pid)) and monotonic() < end:
        for member in left:
            with suppress(ProcessLookupError):
                os.kill(member, signal.SIGKILL)
        sleep(0.002)
    process.wait()


def _session(leader: int) -> list[int]:
    """List the processes of a session that have not ended, from /proc; see proc_pid_stat(5)."""
    members = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            state, _, _, session = stat.read_text(errors="replace").rpartition(")")[2].split()[:4]
            if int(session) == leader and state not in {"Z", "X"}:
                members.append(int(stat.parent.name))
    return members
