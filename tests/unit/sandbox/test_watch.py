"""A process that sleeps is told from one that works."""

import os
import subprocess
import sys

from evol_core.sandbox.watch import is_waiting


def test_a_process_that_works_is_not_waiting() -> None:
    assert not is_waiting(os.getpid())


def test_a_process_that_reads_from_an_empty_pipe_is_waiting() -> None:
    program = "import sys; print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        while not is_waiting(process.pid):
            pass
        assert process.stdin is not None
        process.stdin.close()


def test_nobody_knows_of_a_process_that_is_gone() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()

    assert is_waiting(process.pid)
