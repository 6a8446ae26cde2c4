"""A small file system for a test. Only root can mount one; elsewhere such a test is skipped, and says so."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NAME = "evol-test"


@contextmanager
def small_disk(folder: Path, options: str = "size=1m") -> Iterator[Path]:
    """A tmpfs that lies at a new folder for as long as it is wanted."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a tmpfs")
    folder.mkdir(parents=True)
    mount = _mount(options, folder)
    if mount.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted here: {mount.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def change_disk(folder: Path, options: str) -> None:
    """Give the disk at a folder another size, or let nobody write to it."""
    _mount(f"remount,{options}", folder).check_returncode()


def _mount(options: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    command = ["mount", "-t", "tmpfs", "-o", options, NAME, str(folder)]
    return subprocess.run(command, capture_output=True, text=True)
