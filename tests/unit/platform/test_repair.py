"""When a service counts as well."""

import os
import time

import pytest

from evol_core.platform.processes import Process, find
from evol_core.platform.repair import is_well


@pytest.fixture
def process() -> Process:
    found = find(os.getpid())
    assert found is not None
    return found


def test_a_service_that_has_just_said_so_is_well(process: Process) -> None:
    assert is_well(process, time.time())


def test_the_heartbeat_of_the_service_before_it_does_not_count(process: Process) -> None:
    assert not is_well(process, process.since - 2)


def test_a_service_that_fell_silent_is_not_well(process: Process) -> None:
    silent = Process(pid=process.pid, born=0)

    assert is_well(silent, time.time() - 30)
    assert not is_well(silent, time.time() - 90)


def test_neither_a_dead_one_nor_one_that_never_spoke_is_well(process: Process) -> None:
    assert not is_well(None, time.time())
    assert not is_well(process, None)
