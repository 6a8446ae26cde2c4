"""A pipe from the worker to its supervisor: one JSON object a line."""

import json
import os
import select
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

CHUNK = 65_536


class Mailbox:
    """The supervisor's end. `writer` is the descriptor that the worker inherits."""

    def __init__(self) -> None:
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        self._rest = b""
        self._writer_open = True
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close_writer()
        os.close(self._reader)

    def close_writer(self) -> None:
        """Once the worker has its own copy, so that its death is the pipe's end."""
        if self._writer_open:
            os.close(self.writer)
            self._writer_open = False

    def wait(self, seconds: float) -> list[dict[str, Any]]:
        """What has arrived, waiting at most so long for the first of it."""
        select.select([] if self._ended else [self._reader], [], [], seconds)
        return self.drain()

    def drain(self) -> list[dict[str, Any]]:
        """What has arrived."""
        while not self._ended:
            try:
                chunk = os.read(self._reader, CHUNK)
            except BlockingIOError:
                break
            self._ended = not chunk
            self._rest += chunk
        *lines, self._rest = self._rest.split(b"\n")
        return [json.loads(line) for line in lines]


class Sender:
    """The worker's end; its own children do not inherit it."""

    def __init__(self, fd: int) -> None:
        os.set_inheritable(fd, False)
        self._fd = fd

    def send(self, message: Mapping[str, Any]) -> None:
        """Returns when the supervisor's pipe has taken it.

        Raises:
            BrokenPipeError: the supervisor is gone.
        """
        data = memoryview(json.dumps(message, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n")
        while data:
            data = data[os.write(self._fd, data) :]
