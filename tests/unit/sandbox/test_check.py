"""From what a server says of its children to one verdict a case."""

from collections.abc import Iterator

import pytest

from evol_core.sandbox import protocol
from evol_core.sandbox.check import check, plain
from evol_core.sandbox.jobs import CheckJob, CheckResult, CheckVerdict
from evol_core.sandbox.limits import Limits
from evol_core.sandbox.protocol import Ending, JobHeader, ResultHeader
from evol_core.sandbox.server import Answer

KILLED_BY = {"SIGSYS": 31, "SIGXCPU": 24, "SIGKILL": 9, "SIGSEGV": 11}


def answer(
    verdicts: bytes = b"",
    *,
    load: bytes = protocol.LOADED,
    ending: int = Ending.FINISHED,
    status: int = 0,
    cpu_ms: int = 1,
    words: bytes = b"",
) -> Answer:
    return Answer(ResultHeader(load, ending, status, 2048, cpu_ms, len(verdicts), len(words)), verdicts, words)


class ScriptedServer:
    """Gives prepared answers and keeps what it was asked."""

    layers = ("seccomp",)

    def __init__(self, *answers: Answer | None) -> None:
        self._answers: Iterator[Answer | None] = iter(answers)
        self.asked: list[tuple[JobHeader, list[bytes]]] = []

    def ask(self, header: JobHeader, texts: list[bytes]) -> Answer | None:
        self.asked.append((header, texts))
        return next(self._answers)


def checked(inputs: str, *answers: Answer | None, limits: Limits | None = None) -> CheckResult | None:
    job = CheckJob(source="s", inputs=tuple(inputs))
    return check(ScriptedServer(*answers), job, limits or Limits())  # type: ignore[arg-type]


def verdicts(inputs: str, *answers: Answer | None, limits: Limits | None = None) -> str:
    result = checked(inputs, *answers, limits=limits)
    assert result is not None
    return " ".join(result.verdicts)


def test_each_byte_is_one_verdict() -> None:
    assert verdicts("abcdefgh", answer(b"TFNXMREB")) == "true false none non_bool memory recursion error base_exception"


@pytest.mark.parametrize(
    ("load", "verdict"),
    [(b"C", "compile_error"), (b"I", "import_error"), (b"X", "load_error"), (b"D", "no_evaluate")],
)
def test_code_that_does_not_load_says_so_for_every_case(load: bytes, verdict: str) -> None:
    result = checked("ab", answer(load=load, words=b"why"))

    assert result is not None
    assert (result.load_failure, result.verdicts, result.diagnostics) == (verdict, (verdict, verdict), "why")


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (KILLED_BY["SIGSYS"], "violation"),
        (KILLED_BY["SIGXCPU"], "timeout"),
        (KILLED_BY["SIGKILL"], "killed"),
        (KILLED_BY["SIGSEGV"], "crash"),
        (0, "exit"),
        (7 << 8, "exit"),
    ],
)
def test_a_death_is_named_by_how_the_kernel_saw_it(status: int, verdict: str) -> None:
    death = answer(b"T", ending=Ending.DIED, status=status)

    assert verdicts("abc", death, answer(b"F")) == f"true {verdict} false"


def test_a_death_before_loading_fails_the_load() -> None:
    result = checked("ab", answer(load=b"\0", ending=Ending.OUT_OF_TIME, status=9))

    assert result is not None
    assert result.load_failure == "timeout"
    assert result.verdicts == ("timeout", "timeout")


def test_the_next_child_goes_on_after_the_case_that_died() -> None:
    server = ScriptedServer(answer(b"T", ending=Ending.OUT_OF_TIME, status=9, cpu_ms=1500), answer(b"F"))

    check(server, CheckJob(source="s", inputs=("a", "b", "c")), Limits(job_cpu_s=10))  # type: ignore[arg-type]

    (first, _), (second, texts) = server.asked
    assert texts == [b"s", b"c"]
    assert (first.n_inputs, second.n_inputs) == (3, 1)
    assert (first.job_cpu_ms, second.job_cpu_ms) == (10_000, 8_500)


def test_after_two_deaths_the_rest_is_skipped() -> None:
    death = answer(ending=Ending.DIED, status=KILLED_BY["SIGSEGV"])

    assert verdicts("abcd", death, death) == "crash crash skipped skipped"


def test_when_the_jobs_time_is_gone_the_rest_is_skipped() -> None:
    death = answer(b"T", ending=Ending.OUT_OF_TIME, status=9, cpu_ms=5000)

    assert verdicts("abcd", death, limits=Limits(job_cpu_s=5)) == "true timeout skipped skipped"


@pytest.mark.parametrize(
    "dishonest",
    [
        answer(b"T?"),
        answer(b"TT", ending=Ending.PROTOCOL),
        answer(b"T", load=b"C"),
        answer(b"", load=b"\0", ending=Ending.PROTOCOL),
    ],
)
def test_bytes_that_no_honest_code_causes_condemn_every_case(dishonest: Answer) -> None:
    assert verdicts("ab", dishonest) == "protocol protocol"


def test_a_dishonest_end_takes_back_earlier_verdicts() -> None:
    death = answer(b"T", ending=Ending.DIED)

    assert verdicts("abc", death, answer(b"?")) == "protocol protocol protocol"


def test_code_that_does_not_load_a_second_time_keeps_its_earlier_verdicts() -> None:
    result = checked("abc", answer(b"T", ending=Ending.DIED), answer(load=b"X"))

    assert result is not None
    assert result.verdicts == ("true", "exit", "load_error")
    assert result.load_failure is None


def test_a_lost_server_gives_no_result() -> None:
    assert checked("abc", answer(b"T", ending=Ending.DIED), None) is None


def test_a_job_without_inputs_ends_after_loading() -> None:
    result = checked("", answer())

    assert result is not None
    assert (result.verdicts, result.load_failure) == ((), None)


def test_costs_add_up_over_children() -> None:
    result = checked("ab", answer(ending=Ending.DIED, cpu_ms=300), answer(b"T", cpu_ms=200))

    assert result is not None
    assert (result.cpu_s, result.max_rss_mb, result.layers) == (0.5, 2.0, ("seccomp",))


def test_no_verdict_is_outside_the_classes() -> None:
    assert {str(verdict) for verdict in CheckVerdict} >= {"true", "false", "lost", "skipped"}


def test_plain_text_spells_out_what_cannot_be_printed() -> None:
    assert plain("a\nb\x1b[0m\u202e\ud800") == "a\nb\\x1b[0m\\u202e\\ud800"
    assert len(plain("x" * 5000)) == protocol.DIAGNOSTICS_MAX
