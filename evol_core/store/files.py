"""Files on disk: hashed as they are written, synced, and errors that say what to do."""

import errno
import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evol_core.errors import StoreError

_NEXT_STEP = {
    errno.ENOSPC: "the disk is full: free space, or set EVOL_HOME to a larger disk; the same command then goes on",
    errno.EDQUOT: "the disk quota is used up: free space or raise it; the same command then goes on",
    errno.EROFS: "the file system is read-only: mount it writable, or set EVOL_HOME to one that is",
    errno.EACCES: "permission is denied: let this user read and write the folder, or set EVOL_HOME to another",
    errno.EPERM: "the operation is not permitted: let this user read and write the folder, or set EVOL_HOME to another",
    errno.EIO: "the disk reports an input/output error: check it before anything else",
}


class HashingFile(io.RawIOBase):
    """A new file, written from front to back, that knows the SHA-256 of its bytes."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        self._digest = hashlib.sha256()
        self.n_bytes = 0

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.n_bytes

    def write(self, data: "bytes | memoryview") -> int:  # type: ignore[override]
        view = memoryview(data).cast("B")
        self._digest.update(view)
        self.n_bytes += len(view)
        while view:
            view = view[os.write(self._fd, view) :]
        return len(data)

    def sync(self) -> None:
        """Return when the bytes are on the disk."""
        os.fsync(self._fd)

    def close(self) -> None:
        if not self.closed:
            super().close()
            os.close(self._fd)


def file_hash(path: Path) -> str:
    """SHA-256, 64 hex digits, of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_folder(path: Path) -> None:
    """Make names in a folder survive a power cut."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def io_errors(path: Path, doing: str) -> Iterator[None]:
    """An operating system's refusal becomes a StoreError that names the path and the next step."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NEXT_STEP:
            raise
        raise StoreError(f"cannot {doing} {path}: {_NEXT_STEP[error.errno]}") from error
