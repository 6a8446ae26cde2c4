"""One job on one server: from the bytes that came back to one verdict a case."""

import os
import signal
from collections.abc import Mapping, Sequence

from evol_core.sandbox import protocol
from evol_core.sandbox.jobs import CheckJob, CheckResult, CheckVerdict
from evol_core.sandbox.limits import Limits
from evol_core.sandbox.protocol import Ending, JobHeader
from evol_core.sandbox.server import Answer, Server

LOAD_VERDICTS: Mapping[bytes, CheckVerdict] = {
    protocol.COMPILE_ERROR: CheckVerdict.COMPILE_ERROR,
    protocol.IMPORT_ERROR: CheckVerdict.IMPORT_ERROR,
    protocol.LOAD_ERROR: CheckVerdict.LOAD_ERROR,
    protocol.NO_EVALUATE: CheckVerdict.NO_EVALUATE,
}

CASE_VERDICTS: Mapping[int, CheckVerdict] = {
    byte[0]: verdict
    for byte, verdict in {
        protocol.TRUE: CheckVerdict.TRUE,
        protocol.FALSE: CheckVerdict.FALSE,
        protocol.NONE: CheckVerdict.NONE,
        protocol.NON_BOOL: CheckVerdict.NON_BOOL,
        protocol.MEMORY: CheckVerdict.MEMORY,
        protocol.RECURSION: CheckVerdict.RECURSION,
        protocol.ERROR: CheckVerdict.ERROR,
        protocol.BASE_EXCEPTION: CheckVerdict.BASE_EXCEPTION,
    }.items()
}

SIGNAL_VERDICTS: Mapping[int, CheckVerdict] = {
    signal.SIGSYS: CheckVerdict.VIOLATION,
    signal.SIGXCPU: CheckVerdict.TIMEOUT,
    signal.SIGKILL: CheckVerdict.KILLED,
}


class _Checking:
    """A job on its way through one or more children: each death costs a case, and the next child goes on after it."""

    def __init__(self, job: CheckJob, limits: Limits) -> None:
        self._texts = [text.encode("utf-8", "surrogatepass") for text in (job.source, *job.inputs)]
        self._compile_only = job.compile_only
        self._limits = limits
        self._deaths = 0
        self.verdicts: list[CheckVerdict] = []
        self.load_failure: CheckVerdict | None = None
        self.diagnostics = ""
        self.cpu_ms = 0
        self.max_rss_kb = 0

    @property
    def n_inputs(self) -> int:
        return len(self._texts) - 1

    def texts(self) -> list[bytes]:
        """The source, and the inputs that have no verdict yet."""
        return [self._texts[0], *self._texts[1 + len(self.verdicts) :]]

    def header(self) -> JobHeader:
        limits = self._limits
        return JobHeader(
            compile_only=self._compile_only,
            n_inputs=self.n_inputs - len(self.verdicts),
            case_cpu_ms=_ms(limits.case_cpu_s),
            case_idle_ms=_ms(limits.case_idle_s),
            case_wall_ms=_ms(limits.case_wall_s),
            job_cpu_ms=max(1, _ms(limits.job_cpu_s) - self.cpu_ms),
            job_wall_ms=_ms(limits.job_wall_s),
            memory_mb=limits.memory_mb,
        )

    def take(self, answer: Answer) -> bool:
        """Take in what one child said; whether another child must go on."""
        header = answer.header
        self.cpu_ms += header.cpu_ms
        self.max_rss_kb = max(self.max_rss_kb, header.max_rss_kb)
        self.diagnostics += answer.diagnostics.decode("utf-8", "replace")
        cases = [CASE_VERDICTS.get(byte, CheckVerdict.PROTOCOL) for byte in answer.verdicts]
        loaded = header.load == protocol.LOADED
        if header.ending == Ending.PROTOCOL or CheckVerdict.PROTOCOL in cases or (cases and not loaded):
            self.verdicts = [CheckVerdict.PROTOCOL] * self.n_inputs
            self.load_failure = None if loaded else CheckVerdict.PROTOCOL
            return False
        if not loaded:
            self._fail(LOAD_VERDICTS.get(header.load) or _death(header.ending, header.wait_status))
            return False
        self.verdicts += cases
        if len(self.verdicts) == self.n_inputs:
            return False
        return self._goes_on_after(_death(header.ending, header.wait_status))

    def _fail(self, why: CheckVerdict) -> None:
        """The code did not load: for good, or (after a death) this time only."""
        if not self.verdicts:
            self.load_failure = why
        self._fill(why)

    def _goes_on_after(self, death: CheckVerdict) -> bool:
        self.verdicts.append(death)
        self._deaths += 1
        if self._deaths >= self._limits.max_deaths or self.cpu_ms >= _ms(self._limits.job_cpu_s):
            self._fill(CheckVerdict.SKIPPED)
        return len(self.verdicts) < self.n_inputs

    def _fill(self, verdict: CheckVerdict) -> None:
        self.verdicts += [verdict] * (self.n_inputs - len(self.verdicts))


def check(server: Server, job: CheckJob, limits: Limits) -> CheckResult | None:
    """All verdicts of one job; None where the server was lost on the way."""
    checking = _Checking(job, limits)
    more = True
    while more:
        answer = server.ask(checking.header(), checking.texts())
        if answer is None:
            return None
        more = checking.take(answer)
    return CheckResult(
        verdicts=tuple(checking.verdicts),
        load_failure=checking.load_failure,
        diagnostics=plain(checking.diagnostics),
        cpu_s=checking.cpu_ms / 1000,
        max_rss_mb=checking.max_rss_kb / 1024,
        layers=server.layers,
    )


def lost(job: CheckJob, layers: Sequence[str]) -> CheckResult:
    """The answer where no server lived to give one."""
    return CheckResult(
        verdicts=(CheckVerdict.LOST,) * len(job.inputs), load_failure=CheckVerdict.LOST, layers=tuple(layers)
    )


def plain(text: str) -> str:
    """A text that steers no terminal and no log: what cannot be printed is spelled out."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)[: protocol.DIAGNOSTICS_MAX]


def _death(ending: int, wait_status: int) -> CheckVerdict:
    if ending == Ending.OUT_OF_TIME:
        return CheckVerdict.TIMEOUT
    code = os.waitstatus_to_exitcode(wait_status)
    return SIGNAL_VERDICTS.get(-code, CheckVerdict.CRASH) if code < 0 else CheckVerdict.EXIT


def _ms(seconds: float) -> int:
    return max(1, round(1000 * seconds))
