"""Files that only their owner may read: generated passwords and keys, and locks between processes."""

import fcntl
import json
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from evol_core.errors import PlatformError


def private_folder(path: Path) -> Path:
    """The folder, made with mode 700 where it is not there; so are the folders above it."""
    try:
        if not path.parent.exists():
            private_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise PlatformError(
            f"cannot make the folder {path}: {error.strerror}; set EVOL_HOME to one that you may write"
        ) from error
    return path


def write_private(path: Path, text: str) -> None:
    """Replace the file's text in one step: a reader sees the old text or the new one. Mode 600."""
    descriptor, temporary = tempfile.mkstemp(dir=private_folder(path.parent), prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def secret(home: Path, name: str) -> str:
    """The home's secret of that name, generated the first time. Call it under the home's lock."""
    path = home / "secrets" / name
    if not path.exists():
        write_private(path, secrets.token_hex(32))
    return path.read_text(encoding="utf-8")


def read_record(path: Path) -> dict[str, Any]:
    """A JSON object, or {} where the file is not there or is not one."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file; whoever comes second waits. The kernel ends it with its process."""
    private_folder(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
