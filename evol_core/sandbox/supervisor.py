"""The sandbox as the platform uses it: a few server processes, jobs in, verdicts out, in the order of the jobs."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from types import TracebackType
from typing import NamedTuple, Self

from evol_core.errors import ConfigError, SandboxUnavailable
from evol_core.sandbox.check import check, lost
from evol_core.sandbox.isolation import LAYERS
from evol_core.sandbox.jobs import CheckJob, CheckResult, CheckVerdict
from evol_core.sandbox.limits import Limits
from evol_core.sandbox.server import Server

CONTROL = CheckJob(source="def evaluate(response):\n    return response == 'yes'\n", inputs=("yes", "no"))
"""What every server must get right before it is given anything else."""

TRIES = 3
"""A job whose server is lost is given to a new one; so often in all."""

AHEAD = 16
"""Jobs a worker that `run_many` takes from its source before the first of them is done."""


class Walls(NamedTuple):
    """What stands between generated code and this machine."""

    layers: tuple[str, ...]
    """Of isolation.LAYERS."""

    landlock_abi: int
    """0 where the kernel has none."""


class Sandbox:
    """Server processes and the threads that talk to them. Safe to use from several threads."""

    def __init__(
        self,
        n_workers: int = 2,
        limits: Limits | None = None,
        *,
        require_layers: Sequence[str] = (),
        python: str | None = None,
    ) -> None:
        """Nothing is started before the context is entered.

        Args:
            n_workers: jobs at once, one server process each.
            limits: of each job.
            require_layers: walls that must stand beyond the floor, from isolation.LAYERS.
            python: another interpreter for the servers; of the same version, for the same verdicts.

        Raises:
            ConfigError: n_workers is not positive, or a layer has an unknown name.
        """
        if n_workers < 1:
            raise ConfigError(f"sandbox.n_workers must be at least 1, got {n_workers}")
        unknown = sorted(set(require_layers) - set(LAYERS))
        if unknown:
            raise ConfigError(f"sandbox.require_layers: unknown layers {unknown}; known: {sorted(LAYERS)}")
        self._n_workers = n_workers
        self._limits = limits or Limits()
        self._required = frozenset(require_layers)
        self._server_arguments = (python,) if python else ()
        self._pool: ThreadPoolExecutor | None = None
        self._servers: list[Server] = []
        self._idle: SimpleQueue[int] = SimpleQueue()
        self._closing = False

    def __enter__(self) -> Self:
        """Start the servers and prove their walls.

        Raises:
            SandboxUnavailable: they cannot be proved here, or a required layer is not granted.
        """
        self._pool = ThreadPoolExecutor(self._n_workers, thread_name_prefix="evol-sandbox")
        starting = [self._pool.submit(self._start) for _ in range(self._n_workers)]
        failures = [future.exception() for future in starting]
        self._servers = [future.result() for future, failure in zip(starting, failures, strict=True) if not failure]
        for failure in filter(None, failures):
            self.close()
            raise failure
        for place in range(self._n_workers):
            self._idle.put(place)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all servers and what runs in them; jobs not yet begun are cancelled."""
        self._closing = True
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        for server in self._servers:
            server.kill()
        if self._pool is not None:
            self._pool.shutdown(wait=True)
        for server in self._servers:
            server.stop()

    @property
    def walls(self) -> Walls:
        """What stands round the code in this sandbox."""
        return Walls(self._servers[0].layers, self._servers[0].landlock_abi)

    @property
    def server_pids(self) -> tuple[int, ...]:
        return tuple(server.pid for server in self._servers)

    def run(self, job: CheckJob) -> CheckResult:
        """One checker on its inputs."""
        return self._submit(job).result()

    def run_many(self, jobs: Iterable[CheckJob]) -> Iterator[CheckResult]:
        """One result a job, in the order of the jobs; takes only some jobs ahead, so the source may be long."""
        source = iter(jobs)
        running: deque[Future[CheckResult]] = deque()
        try:
            for job in source:
                running.append(self._submit(job))
                if len(running) >= AHEAD * self._n_workers:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            for future in running:
                future.cancel()

    def _submit(self, job: CheckJob) -> "Future[CheckResult]":
        assert self._pool is not None, "enter the sandbox's context before running jobs in it"
        return self._pool.submit(self._run, job)

    def _run(self, job: CheckJob) -> CheckResult:
        place = self._idle.get()
        try:
            for _ in range(TRIES):
                result = check(self._servers[place], job, self._limits)
                if result is not None:
                    return result
                self._replace(place)
            return lost(job, self._servers[place].layers)
        finally:
            self._idle.put(place)

    def _replace(self, place: int) -> None:
        self._servers[place].stop()
        if self._closing:
            raise SandboxUnavailable("the sandbox was closed while a job was running in it")
        self._servers[place] = self._start()

    def _start(self) -> Server:
        """A server of the walls that are asked for, that gets the control job right."""
        server = Server(*self._server_arguments)
        missing = sorted(self._required - set(server.layers))
        if missing:
            server.stop()
            raise SandboxUnavailable(
                f"this recipe demands the isolation layers {missing}, which the kernel does not grant here; "
                f"it grants {sorted(server.layers)}. Nothing was run. Run it where they are granted, or ask for less"
            )
        result = check(server, CONTROL, self._limits)
        if result is None or result.verdicts != (CheckVerdict.TRUE, CheckVerdict.FALSE):
            server.stop()
            seen = [str(verdict) for verdict in result.verdicts] if result else "no answer"
            raise SandboxUnavailable(
                f"the sandbox got its control job wrong: {seen} instead of ['true', 'false']. Nothing was run; "
                "see whether the limits leave enough memory and time"
            )
        return server


def active_layers() -> Walls:
    """What this machine grants; starts one server and ends it.

    Raises:
        SandboxUnavailable: not even the floor, so generated code is not run here.
    """
    with Sandbox(n_workers=1) as sandbox:
        return sandbox.walls
