"""Which code is at work, read from git's own files."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from evol_core import __version__, config

Git = Callable[..., str]


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """Runs git in a new checkout with one commit."""
    folder = tmp_path / "checkout"

    def run(*words: str) -> str:
        who = ("-c", "user.name=ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main")
        return subprocess.run(
            ["git", "-C", str(folder), *who, *words], check=True, capture_output=True, text=True
        ).stdout.strip()

    folder.mkdir()
    run("init")
    run("commit", "--allow-empty", "--message", "one")
    return run


def version_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(config, "PROJECT_ROOT", folder)
    config.code_version.cache_clear()
    try:
        return config.code_version()
    finally:
        config.code_version.cache_clear()


def test_a_checkout_names_its_commit(git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = git("rev-parse", "HEAD")
    named = f"{__version__}+{commit[:12]}"
    assert version_of(tmp_path / "checkout", monkeypatch) == named

    git("pack-refs", "--all")
    assert version_of(tmp_path / "checkout", monkeypatch) == named, "the branch stands in packed-refs"

    git("checkout", "--detach")
    assert version_of(tmp_path / "checkout", monkeypatch) == named


@pytest.mark.parametrize("how", [("-b", "side"), ("--detach",)])
def test_a_worktree_names_its_own_commit(
    git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: tuple[str, ...]
) -> None:
    git("worktree", "add", *how, str(tmp_path / "beside"))
    commit = git("rev-parse", "HEAD")
    git("commit", "--allow-empty", "--message", "two")

    assert version_of(tmp_path / "beside", monkeypatch) == f"{__version__}+{commit[:12]}"


def test_without_a_checkout_it_is_the_package_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert version_of(tmp_path, monkeypatch) == __version__
