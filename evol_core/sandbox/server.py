"""One server process as its supervisor sees it: started, asked, ended. Not for several threads at once."""

import json
import os
import platform
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, NamedTuple, NoReturn

from evol_core.errors import SandboxUnavailable
from evol_core.sandbox import protocol
from evol_core.sandbox.protocol import JobHeader, ResultHeader, StreamBroken
from evol_core.sandbox.syscalls import CPUS

PROJECT = Path(__file__).resolve().parent.parent.parent
BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from evol_core.sandbox.zygote import main; main()"
ENVIRONMENT = {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "PATH": "/nonexistent"}
"""All that the server inherits. The hash seed is fixed, so that sets of texts have one order."""

START_S = 30.0
SPARE_S = 10.0
"""A server that has not answered so long after the job's own deadline is taken for lost."""


class Answer(NamedTuple):
    """What a server says of one child."""

    header: ResultHeader
    verdicts: bytes
    diagnostics: bytes


class Server:
    """A running server process, whose walls are proved."""

    def __init__(self, python: str = sys.executable) -> None:
        """Start it.

        Raises:
            SandboxUnavailable: the isolation could not be proved here, so nothing may run.
        """
        if sys.platform != "linux" or platform.machine() not in CPUS:
            _refuse(f"this is {sys.platform} on {platform.machine()}")
        self._process = _start(python)
        os.set_blocking(_of(self._process.stdin).fileno(), False)
        self.layers: tuple[str, ...] = ()
        self.landlock_abi = 0
        self._greet()

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """End the server and its child now; another thread may be waiting for its answer, and gets None."""
        self._process.kill()

    def stop(self) -> None:
        """End the server and give its pipes back; safe to call twice."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    def ask(self, header: JobHeader, texts: Sequence[bytes]) -> Answer | None:
        """Run one job; None where the server is lost, and then it must be stopped."""
        give_up = time.monotonic() + header.job_wall_ms / 1000 + SPARE_S
        try:
            self._send(protocol.pack_job(header, texts), give_up)
            result = protocol.unpack_result(self._receive(protocol.RESULT_SIZE, give_up))
            body = self._receive(result.n_verdicts + result.n_diagnostics, give_up)
        except (OSError, StreamBroken):
            return None
        return Answer(result, body[: result.n_verdicts], body[result.n_verdicts :])

    def _greet(self) -> None:
        try:
            line = self._first_line()
            greeting = json.loads(line)
        except (OSError, StreamBroken, ValueError):
            self._process.kill()
            words = _of(self._process.stderr).read(4096).decode("utf-8", "replace").strip().splitlines()
            self.stop()
            _refuse(f"the server process ended at its start: {words[-1] if words else self._process.returncode}")
        if not greeting["ready"]:
            self.stop()
            _refuse(f"not stopped or not granted: {', '.join(greeting['missing'])}")
        self.layers = tuple(greeting["layers"])
        self.landlock_abi = greeting["landlock_abi"]

    def _first_line(self) -> bytes:
        give_up = time.monotonic() + START_S
        line = b""
        while not line.endswith(b"\n"):
            line += self._receive(1, give_up)
        return line

    def _send(self, frame: bytes, give_up: float) -> None:
        fd = _of(self._process.stdin).fileno()
        view = memoryview(frame)
        while view:
            try:
                view = view[os.write(fd, view) :]
            except BlockingIOError:
                _wait(fd, select.POLLOUT, give_up)

    def _receive(self, size: int, give_up: float) -> bytes:
        fd = _of(self._process.stdout).fileno()
        received = b""
        while len(received) < size:
            _wait(fd, select.POLLIN, give_up)
            part = os.read(fd, size - len(received))
            if not part:
                raise StreamBroken
            received += part
        return received


def _start(python: str) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            [python, "-s", "-S", "-P", "-B", "-c", BOOT, str(PROJECT)],
            env=ENVIRONMENT,
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            bufsize=0,
        )
    except OSError as error:
        _refuse(f"the server process could not be started: {error}")


def _wait(fd: int, event: int, give_up: float) -> None:
    poll = select.poll()
    poll.register(fd, event)
    if not poll.poll(max(0.0, 1000 * (give_up - time.monotonic()))):
        raise StreamBroken


def _of(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None, "every pipe of the server is opened with it"
    return pipe


def _refuse(missing: str) -> NoReturn:
    raise SandboxUnavailable(
        f"generated code cannot be confined here: {missing}. Nothing was run. It needs Linux on x86_64 or aarch64 "
        "with seccomp filters and no_new_privs, as Docker's default settings allow; `evol doctor` says what is there"
    )
