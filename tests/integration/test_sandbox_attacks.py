"""Hostile code, as root and as nobody, bare and where Docker's default settings would put it.

After every attack the same server stands, judges rightly, has no child, and nothing outside has changed.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[2]
ATTACK_FILES = sorted((PROJECT / "tests/data/attacks").glob("*.json"))
ATTACKS = {attack["name"]: attack for file in ATTACK_FILES for attack in json.loads(file.read_text())}
NOBODY = 65534

SETTINGS = {
    "own user, bare": (),
    "own user, as in docker": ("--docker",),
    "nobody, bare": ("--uid", str(NOBODY)),
    "nobody, as in docker": ("--docker", "--uid", str(NOBODY)),
}

IN_SETTINGS = [
    pytest.param(setting, marks=pytest.mark.slow) if setting in {"own user, as in docker", "nobody, bare"} else setting
    for setting in SETTINGS
]

Reports = dict[str, dict[str, Any]]


@pytest.fixture(scope="session")
def suite_folder() -> Iterator[Path]:
    """The sandbox and the suite where every user can read them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(PROJECT / "evol_core/sandbox", folder / "evol_core/sandbox")
        for module in ("evol_core/__init__.py", "evol_core/errors.py"):
            shutil.copy(PROJECT / module, folder / module)
        for file in [*ATTACK_FILES, *(PROJECT / "tests/integration/sandbox").glob("*.py")]:
            shutil.copy(file, folder)
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        yield folder


@pytest.fixture(scope="session")
def run_setting(suite_folder: Path) -> Callable[[str], Reports]:
    """Runs all attacks in a setting, once; later calls get what was seen then."""

    @cache
    def run(setting: str) -> Reports:
        options = SETTINGS[setting]
        python = _python_for(options)
        launcher = [python, "-B", "docker_profile.py", *options, "--", python, "-B", "suite.py"]
        done = subprocess.run(
            [*launcher, *(file.name for file in ATTACK_FILES)],
            cwd=suite_folder,
            env={**os.environ, "PYTHONPATH": str(suite_folder)},
            capture_output=True,
            text=True,
            timeout=500,
        )
        assert done.returncode == 0, done.stderr
        reports = [json.loads(line) for line in done.stdout.splitlines()]
        return {report["name"]: report for report in reports}

    return run


def _python_for(options: tuple[str, ...]) -> str:
    """An interpreter that the setting's user can start."""
    if "--uid" not in options:
        return sys.executable
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        check = [python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
        try:
            if subprocess.run(check, user=NOBODY, group=NOBODY, cwd="/", capture_output=True).returncode == 0:
                return python
        except OSError:
            continue
    pytest.skip("no Python 3.11 that the user nobody may start")


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("setting", IN_SETTINGS)
def test_an_attack_gets_its_verdict_and_changes_nothing(
    setting: str, name: str, run_setting: Callable[[str], Reports]
) -> None:
    report, accepted = run_setting(setting)[name], ATTACKS[name]["accept"]

    assert len(report["verdicts"]) == len(accepted)
    for verdict, allowed in zip(report["verdicts"], accepted, strict=True):
        assert verdict in allowed, report["diagnostics"]
    assert report["same_server"]
    assert report["control"] == ["true", "false"]
    assert report["children"] == []
    assert not report["folder_changed"]
    assert report["connections"] == []
    assert report["seconds"] < 60


@pytest.mark.parametrize("setting", IN_SETTINGS)
def test_the_walls_that_stand_are_named(setting: str, run_setting: Callable[[str], Reports]) -> None:
    layers = set(run_setting(setting)["ctl_true_false"]["layers"])

    assert {"seccomp", "no_new_privs"} <= layers
    if "docker" in setting:
        assert "network_namespace" not in layers
    if setting == "nobody, as in docker":
        assert "uid_drop" not in layers
