"""The end of a log, and what comes after it."""

import os
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO


def last_lines(path: Path, count: int) -> list[str]:
    """At most `count` lines from the end of a file."""
    with _open(path) as file:
        return _tail(file, count)


def follow_lines(path: Path, count: int, every_s: float = 0.5) -> Iterator[str]:
    """The last lines, then each new one as it is written; goes on when the file is replaced. Never ends."""
    file = _open(path)
    try:
        yield from _tail(file, count)
        while True:
            if line := file.readline():
                yield line.rstrip("\n")
            elif path.exists() and path.stat().st_ino != os.fstat(file.fileno()).st_ino:
                file.close()
                file = _open(path)
            else:
                time.sleep(every_s)
    finally:
        file.close()


def _open(path: Path) -> TextIO:
    return path.open(encoding="utf-8", errors="replace")


def _tail(file: TextIO, count: int) -> list[str]:
    return [line.rstrip("\n") for line in deque(iter(file.readline, ""), maxlen=count)]
