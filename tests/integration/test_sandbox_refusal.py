"""Where isolation cannot be proved nothing is run, and the error says what is missing."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from evol_core.errors import ConfigError, SandboxUnavailable
from evol_core.sandbox import supervisor
from evol_core.sandbox.jobs import CheckJob
from evol_core.sandbox.supervisor import Sandbox, active_layers

PROJECT = Path(__file__).resolve().parents[2]
SCRIPTS = PROJECT / "tests/integration/sandbox"
ONE_ATTACK = [{"name": "ctl", "code": "def evaluate(r):\n    return True\n", "cases": ["x"], "accept": [["true"]]}]


def suite_without(traps: tuple[str, ...], folder: Path) -> list[dict[str, object]]:
    """What the suite reports where some of the kernel's means are taken away."""
    attacks = folder / "attacks.json"
    attacks.write_text(json.dumps(ONE_ATTACK))
    denied = [option for trap in traps for option in ("--deny", trap)]
    command = [sys.executable, "-B", str(SCRIPTS / "docker_profile.py"), *denied, "--", sys.executable, "-B"]
    done = subprocess.run(
        [*command, str(SCRIPTS / "suite.py"), str(attacks)],
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("trap", ["seccomp", "no_new_privs"])
def test_without_the_floor_nothing_runs(trap: str, tmp_path: Path) -> None:
    if trap == "no_new_privs" and os.geteuid() != 0:
        pytest.skip("a user who is not root cannot filter processes without no_new_privs")

    (report,) = suite_without((trap,), tmp_path)

    assert f"generated code cannot be confined here: not stopped or not granted: {trap}" in str(report["unavailable"])
    assert "Nothing was run" in str(report["unavailable"])


def test_without_the_extra_walls_it_runs_and_says_which_stood(tmp_path: Path) -> None:
    (report,) = suite_without(("landlock", "namespaces"), tmp_path)

    assert report["verdicts"] == ["true"]
    assert set(report["layers"]) <= {"uid_drop", "no_new_privs", "seccomp"}  # type: ignore[call-overload]


def test_a_demanded_layer_that_is_not_granted_refuses() -> None:
    granted = set(active_layers().layers)
    absent = "user_namespace" if "uid_drop" in granted else "uid_drop"

    with pytest.raises(SandboxUnavailable, match=rf"demands the isolation layers \['{absent}'\]"):
        Sandbox(n_workers=1, require_layers=["seccomp", absent]).__enter__()


def test_a_demanded_layer_of_an_unknown_name_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match=r"unknown layers \['chroot'\]; known: \['landlock', 'network_namespace'"):
        Sandbox(require_layers=["chroot"])


def test_another_cpu_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")

    with pytest.raises(SandboxUnavailable, match="this is linux on riscv64"):
        active_layers()


def test_an_interpreter_that_cannot_start_is_named() -> None:
    with pytest.raises(SandboxUnavailable, match="/nonexistent/python"):
        Sandbox(n_workers=2, python="/nonexistent/python").__enter__()


def test_a_server_that_dies_at_its_start_gives_its_last_words(tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'no such interpreter here' >&2\nexit 3\n")
    broken.chmod(0o755)

    with pytest.raises(SandboxUnavailable, match="ended at its start: no such interpreter here"):
        Sandbox(n_workers=1, python=str(broken)).__enter__()


def test_a_server_that_gets_the_control_job_wrong_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = CheckJob(source="def evaluate(response):\n    return None\n", inputs=("yes", "no"))
    monkeypatch.setattr(supervisor, "CONTROL", broken)

    with pytest.raises(
        SandboxUnavailable, match=r"control job wrong: \['none', 'none'\] instead of \['true', 'false'\]"
    ):
        Sandbox(n_workers=1).__enter__()
