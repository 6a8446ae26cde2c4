"""The proof at the start notices each hole in a filter."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]

PROVE = """
import json, platform, sys
from evol_core.sandbox import kernel
from evol_core.sandbox.canary import prove
from evol_core.sandbox.isolation import Cell
from evol_core.sandbox.seccomp import ALLOW, IF_EQUAL, LOAD, NUMBER_AT, RETURN, Instruction, assemble, filter_steps
from evol_core.sandbox.syscalls import CPUS

cpu = CPUS[platform.machine()]
holes = []
for name in sys.argv[1:]:
    number = {**cpu.allowed, **cpu.fatal, **cpu.probed}[name]
    holes += [Instruction(IF_EQUAL, 0, 1, number), Instruction(RETURN, 0, 0, ALLOW)]
kernel.forbid_new_privileges()
steps = [Instruction(LOAD, 0, 0, NUMBER_AT), *holes, *filter_steps(cpu)]
print(json.dumps(prove(Cell(filter=kernel.Filter(assemble(steps)), landlock_abi=0, base_bytes=1 << 40), cpu)))
"""


def found_by_canary(*holes: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROVE, *holes],
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    names: list[str] = json.loads(done.stdout)
    return names


def test_a_whole_filter_is_proved() -> None:
    assert found_by_canary() == []


@pytest.mark.parametrize(
    "hole", ["openat", "socket", "clone", "stat", "memfd_create", "prctl", "socketpair", "seccomp"]
)
def test_a_call_that_is_not_refused_is_named(hole: str) -> None:
    assert found_by_canary(hole) == [hole]


@pytest.mark.parametrize("hole", ["execve", "kill", "unshare"])
def test_a_call_that_does_not_end_the_process_is_named(hole: str) -> None:
    assert found_by_canary(hole) == [hole]


def test_memory_that_can_be_made_executable_is_named() -> None:
    assert found_by_canary("mmap") == ["executable memory"]


def test_all_holes_are_named_at_once() -> None:
    assert found_by_canary("openat", "mmap", "kill") == ["openat", "executable memory", "kill"]
