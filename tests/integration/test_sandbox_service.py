"""The sandbox as a service: order, losses, crowds, and what is left when somebody dies."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from evol_core.sandbox.jobs import CheckJob, CheckVerdict
from evol_core.sandbox.limits import Limits
from evol_core.sandbox.supervisor import Sandbox

PROJECT = Path(__file__).resolve().parents[2]
ECHO = "def evaluate(response):\n    return response == '{}'\n"
IS_ROOT = os.geteuid() == 0
"""Only root may look into a server's folder in /proc."""

TRUE, FALSE = CheckVerdict.TRUE, CheckVerdict.FALSE


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(n_workers=2) as running:
        yield running


def test_results_come_in_the_order_of_the_jobs(sandbox: Sandbox) -> None:
    jobs = [CheckJob(source=ECHO.format(number), inputs=("7", "8")) for number in range(20)]

    results = [result.verdicts for result in sandbox.run_many(jobs)]

    assert results[7] == (TRUE, FALSE)
    assert results[8] == (FALSE, TRUE)
    assert set(results[:7] + results[9:]) == {(FALSE, FALSE)}


def test_jobs_are_taken_from_their_source_as_they_are_needed(sandbox: Sandbox) -> None:
    taken: list[int] = []

    def jobs() -> Iterator[CheckJob]:
        for number in range(10_000):
            taken.append(number)
            yield CheckJob(source=ECHO.format("a"), inputs=("a",))

    assert next(iter(sandbox.run_many(jobs()))).verdicts == (TRUE,)
    assert len(taken) < 100


def test_a_job_without_inputs_says_whether_the_code_loads(sandbox: Sandbox) -> None:
    assert sandbox.run(CheckJob(source=ECHO.format("a"))).load_failure is None
    assert sandbox.run(CheckJob(source="import nltk")).load_failure == "import_error"


def test_compile_only_runs_nothing(sandbox: Sandbox) -> None:
    assert sandbox.run(CheckJob(source="raise ValueError", compile_only=True)).load_failure is None
    assert sandbox.run(CheckJob(source="def (", compile_only=True)).load_failure == "compile_error"


def test_a_case_that_dies_costs_no_other_case_its_verdict(sandbox: Sandbox) -> None:
    source = "import os\ndef evaluate(r):\n    if r == 'die': os.abort()\n    return r == 'yes'\n"

    result = sandbox.run(CheckJob(source=source, inputs=("yes", "die", "yes", "no")))

    assert result.verdicts == (TRUE, CheckVerdict.CRASH, TRUE, FALSE)


def test_no_job_sees_what_an_earlier_one_changed() -> None:
    spoil = "import re, builtins\nbuiltins.len = lambda x: 0\nre.match = None\ndef evaluate(r):\n    return True\n"
    look = "import re\ndef evaluate(r):\n    return len(r) == 1 and re.match('x', r) is not None\n"

    with Sandbox(n_workers=1) as alone:
        assert alone.run(CheckJob(source=spoil, inputs=("x",))).verdicts == (TRUE,)
        assert alone.run(CheckJob(source=look, inputs=("x",))).verdicts == (TRUE,)


def test_random_draws_can_be_had_again() -> None:
    source = "import random\nE = random.random()\ndef evaluate(r):\n    return random.random() < 0.5\n"
    job = CheckJob(source=source, inputs=tuple("abcdefghijklmnopqrst"))

    seen = set()
    for _ in range(2):
        with Sandbox(n_workers=1) as fresh:
            seen.add(fresh.run(job).verdicts)

    assert len(seen) == 1


def test_diagnostics_cannot_steer_a_terminal(sandbox: Sandbox) -> None:
    source = "def evaluate(r):\n    raise ValueError('\\x1b[31mred\\x07')\n"

    assert sandbox.run(CheckJob(source=source, inputs=("x",))).diagnostics == "ValueError: \\x1b[31mred\\x07\n"


def test_a_function_that_burns_the_whole_job_is_cut_off() -> None:
    source = "def evaluate(r):\n    for _ in range(10**6): pass\n    return True\n"
    limits = Limits(case_cpu_s=5, job_cpu_s=0.3)

    with Sandbox(n_workers=1, limits=limits) as strict:
        verdicts = strict.run(CheckJob(source=source, inputs=("x",) * 500)).verdicts

    assert verdicts[0] == TRUE
    assert CheckVerdict.TIMEOUT in verdicts
    assert verdicts[-1] == CheckVerdict.SKIPPED


def test_a_killed_server_is_replaced_and_its_job_done_again(sandbox: Sandbox) -> None:
    slow = CheckJob(source="import time\ndef evaluate(r):\n    time.sleep(0.4)\n    return True\n", inputs=("x",))
    before = set(sandbox.server_pids)
    killer = threading.Timer(0.1, _kill, args=[before])

    killer.start()
    result = sandbox.run(slow)
    killer.join()

    assert result.verdicts == (TRUE,)
    assert set(sandbox.server_pids) != before
    assert sandbox.run(slow).verdicts == (TRUE,)


def test_nothing_is_left_when_the_supervisor_is_killed() -> None:
    script = (
        "from evol_core.sandbox.supervisor import Sandbox\nfrom evol_core.sandbox.jobs import CheckJob\n"
        "from evol_core.sandbox.limits import Limits\n"
        "with Sandbox(n_workers=2, limits=Limits(case_cpu_s=60)) as sandbox:\n"
        "    print(*sandbox.server_pids, flush=True)\n"
        "    sandbox.run(CheckJob(source='def evaluate(r):\\n    while True: pass\\n', inputs=('x',) * 9))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    with subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE) as supervisor:
        assert supervisor.stdout is not None
        servers = [int(pid) for pid in supervisor.stdout.readline().split()]
        while not any(_children(pid) for pid in servers):
            time.sleep(0.01)
        family = servers + [child for pid in servers for child in _children(pid)]
        supervisor.kill()

    deadline = time.monotonic() + 10
    while any(_is_running(pid) for pid in family) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [pid for pid in family if _is_running(pid)] == []


@pytest.fixture
def room_for_files() -> Iterator[None]:
    """An ordinary user's process begins with a limit of 1,024 descriptors, which it may raise."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("room_for_files")
def test_it_starts_from_a_process_with_many_threads_and_files() -> None:
    """More descriptors than select can take, a socket among the lowest; none of them reaches a server."""
    done = threading.Event()
    crowd = [threading.Thread(target=done.wait) for _ in range(50)]
    with ExitStack() as stack:
        stack.callback(done.set)
        for _ in range(1100):
            stack.callback(os.close, os.open("/dev/null", os.O_RDONLY))
        inheritable = os.open("/dev/zero", os.O_RDONLY)
        stack.callback(os.close, inheritable)
        os.set_inheritable(inheritable, True)
        for thread in crowd:
            thread.start()
        with Sandbox(n_workers=2) as crowded:
            opened = descriptors(crowded.server_pids) if IS_ROOT else []
            assert crowded.run(CheckJob(source=ECHO.format("a"), inputs=("a", "b"))).verdicts == (TRUE, FALSE)
    assert all(path == "/dev/null" or path.startswith("pipe:") for path in opened), opened


def descriptors(pids: Sequence[int]) -> list[str]:
    """What processes have open."""
    return [os.readlink(entry) for pid in pids for entry in Path(f"/proc/{pid}/fd").iterdir()]


@pytest.mark.skipif(not IS_ROOT, reason="a server's folder in /proc is closed to all but root")
def test_the_servers_know_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVOL_DATABASE_URL", "postgresql://evol:s3cr3t@localhost/evol")

    with Sandbox(n_workers=1) as quiet:
        environment = Path(f"/proc/{quiet.server_pids[0]}/environ").read_bytes()

    assert b"s3cr3t" not in environment


@pytest.mark.slow
def test_four_workers_lose_none_of_five_thousand_jobs() -> None:
    jobs = (CheckJob(source=ECHO.format(number), inputs=(str(number), "no")) for number in range(5000))

    with Sandbox(n_workers=4) as crowd:
        pids = crowd.server_pids
        results = list(crowd.run_many(jobs))
        assert crowd.server_pids == pids

    assert len(results) == 5000
    assert {result.verdicts for result in results} == {(TRUE, FALSE)}


def _kill(pids: set[int]) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
