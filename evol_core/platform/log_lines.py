"""The end of a log, and what comes after it."""

import os
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path


def last_lines(path: Path, count: int) -> list[str]:
    """At most `count` lines from the end of a file."""
    with path.open(encoding="utf-8", errors="replace") as file:
        return [line.rstrip("\n") for line in deque(file, maxlen=count)]


def follow_lines(path: Path, count: int, every_s: float = 0.5) -> Iterator[str]:
    """The last lines, then each new one as it is written; goes on when the file is replaced. Never ends."""
    yield from last_lines(path, count)
    file = path.open(encoding="utf-8", errors="replace")
    file.seek(0, 2)
    while True:
        if line := file.readline():
            yield line.rstrip("\n")
        elif path.exists() and path.stat().st_ino != os.fstat(file.fileno()).st_ino:
            file.close()
            file = path.open(encoding="utf-8", errors="replace")
        else:
            time.sleep(every_s)
