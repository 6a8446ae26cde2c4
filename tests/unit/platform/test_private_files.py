"""Secrets stay what they are, and only their owner reads them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from evol_core.errors import PlatformError
from evol_core.platform.private_files import locked, private_folder, read_record, secret, write_private

HOLD = """
import sys
from pathlib import Path
from evol_core.platform.private_files import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_secret_is_made_once_and_read_by_its_owner_only(tmp_path: Path) -> None:
    first = secret(tmp_path / "home", "key")

    assert secret(tmp_path / "home", "key") == first
    assert len(first) == 64
    assert mode(tmp_path / "home/secrets/key") == 0o600
    assert mode(tmp_path / "home/secrets") == mode(tmp_path / "home") == 0o700


def test_two_homes_have_different_secrets(tmp_path: Path) -> None:
    assert secret(tmp_path / "one", "key") != secret(tmp_path / "two", "key")


def test_replacing_a_file_keeps_it_private_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_private(path, "old")
    write_private(path, "new")

    assert path.read_text() == "new"
    assert mode(path) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_says_what_to_set(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(PlatformError, match=r"cannot make the folder .*file/home: Not a directory; set EVOL_HOME"):
        private_folder(tmp_path / "file/home")


def test_a_record_that_is_missing_or_broken_is_empty(tmp_path: Path) -> None:
    (tmp_path / "broken").write_text("{")
    (tmp_path / "list").write_text("[1]")

    assert [read_record(tmp_path / name) for name in ("missing", "broken", "list")] == [{}, {}, {}]


def test_a_lock_is_let_go_when_its_holder_is_killed(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert not _free(lock)
        holder.kill()
        holder.wait()
    assert _free(lock)
    with locked(lock):
        assert not _free(lock)


def _free(lock: Path) -> bool:
    return subprocess.run(["flock", "--nonblock", str(lock), "true"]).returncode == 0
