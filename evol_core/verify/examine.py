"""Runs a constraint's checkers in the sandbox and says which of them, and of its cases, are kept.

Executions are batched by checker: one job runs it on all cases and on all broken answers, a second one on the same
texts from last to first. A checker whose verdicts differ between the two judges by something else than the answer.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from evol_core.sandbox.jobs import ATTACKS, CheckJob, CheckResult, CheckVerdict
from evol_core.sandbox.supervisor import Sandbox
from evol_core.verify.broken import CONSTANT, BrokenAnswer, broken_answers, is_constant
from evol_core.verify.crosscheck import Policy, crosscheck
from evol_core.verify.expectations import Expected
from evol_core.verify.replies import Case, CheckerReply, repairs

NOT_DETERMINISTIC = "not_deterministic"
KEEPS_DYING = "keeps_dying"
"""So many cases ended the process, or took so long, that the rest was not run."""

LOW_ACCURACY = "low_accuracy"

WINDOW = 64
"""Constraints whose checkers run at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A constraint with what models wrote for it."""

    constraint: str
    sources: tuple[str, ...]
    """Distinct checkers."""

    cases: tuple[Case, ...]
    """Distinct cases of all of them together."""

    broken: tuple[BrokenAnswer, ...]
    """At least the empty answer."""

    @property
    def inputs(self) -> tuple[str, ...]:
        return (*(case.input for case in self.cases), *(answer.text for answer in self.broken))


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckerFate:
    """One checker: what it said, and what became of it."""

    source: str
    verdicts: tuple[CheckVerdict, ...]
    """On each case."""

    accuracy: float | None
    """On the cases that enough checkers agree with; None where it was not counted, or there is no such case."""

    reason: str
    """Why it is not kept; empty where it is."""

    @property
    def kept(self) -> bool:
        return not self.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """One constraint after cross-validation."""

    subject: Subject
    checkers: tuple[CheckerFate, ...]
    cases_kept: tuple[bool, ...]
    reason: str
    """Why no checker is kept; empty where one is."""

    layers: tuple[str, ...]
    """The walls that stood while its checkers ran; empty where it has none."""

    @property
    def survivors(self) -> tuple[str, ...]:
        """Kept checkers, the most accurate first."""
        kept = [checker for checker in self.checkers if checker.kept]
        return tuple(checker.source for checker in sorted(kept, key=lambda one: (-(one.accuracy or 0), one.source)))


def subject_of(
    constraint: str, replies: Iterable[CheckerReply], repairs: Mapping[str, str], of_others: Iterable[str] = ()
) -> Subject:
    """The distinct checkers and cases of a constraint's replies, sorted, so that their order plays no part.

    Args:
        constraint: as it was given.
        replies: those that hold a checker.
        repairs: from `repaired`.
        of_others: right answers to other constraints.
    """
    kept = list(replies)
    cases = {(case.input, repr(case.expected)): case for reply in kept for case in reply.cases}
    ordered = tuple(cases[key] for key in sorted(cases))
    return Subject(
        constraint=constraint,
        sources=tuple(sorted({repairs.get(reply.source, reply.source) for reply in kept})),
        cases=ordered,
        broken=broken_answers(
            constraint,
            right=(case.input for case in ordered if case.expected is True),
            wrong=(case.input for case in ordered if case.expected is False),
            of_others=of_others,
        ),
    )


def repaired(sources: Iterable[str], sandbox: Sandbox) -> dict[str, str]:
    """Of these sources those that do not compile as they are, each with a repair that does.

    The sandbox compiles, not this process: hostile source can end a compiler.
    """
    suspects = [source for source in dict.fromkeys(sources) if "\\" in source]
    broken = [source for source, compiles in zip(suspects, _compile(suspects, sandbox), strict=True) if not compiles]
    guesses = [(source, guess) for source in broken for guess in repairs(source)]
    fits = _compile([guess for _, guess in guesses], sandbox)
    found: dict[str, str] = {}
    for (source, guess), compiles in zip(guesses, fits, strict=True):
        if compiles:
            found.setdefault(source, guess)
    return found


def examine(subjects: Iterable[Subject], sandbox: Sandbox, policy: Policy) -> Iterator[Examined]:
    """Cross-validate each constraint; results in the order of the subjects."""
    source = iter(subjects)
    while window := list(islice(source, WINDOW)):
        first = _run(window, sandbox)
        second = _run(window, sandbox, backwards=True, only=first)
        for subject, one, other in zip(window, first, second, strict=True):
            yield _examined(subject, one, other, policy)


def _compile(sources: Sequence[str], sandbox: Sandbox) -> list[bool]:
    jobs = (CheckJob(source=source, compile_only=True) for source in sources)
    return [result.load_failure is None for result in sandbox.run_many(jobs)]


def _run(
    subjects: Sequence[Subject],
    sandbox: Sandbox,
    *,
    backwards: bool = False,
    only: Sequence[Sequence[CheckResult | None]] | None = None,
) -> list[list[CheckResult | None]]:
    """One result a checker; None for those that `only` says are done for already."""
    wanted = [
        (place, number)
        for place, subject in enumerate(subjects)
        for number in range(len(subject.sources))
        if only is None or not _failure(only[place][number])
    ]
    order = -1 if backwards else 1
    jobs = (
        CheckJob(source=subjects[place].sources[number], inputs=subjects[place].inputs[::order])
        for place, number in wanted
    )
    results: list[list[CheckResult | None]] = [[None] * len(subject.sources) for subject in subjects]
    for (place, number), result in zip(wanted, sandbox.run_many(jobs), strict=True):
        results[place][number] = result
    return results


def _failure(result: CheckResult | None) -> str:
    """Why a checker is out whatever it says of the cases; empty where it is not."""
    if result is None or CheckVerdict.LOST in result.verdicts:
        return CheckVerdict.LOST.value
    if result.load_failure is not None:
        return result.load_failure.value
    attack = next((verdict for verdict in result.verdicts if verdict in ATTACKS), None)
    if attack is not None:
        return attack.value
    return KEEPS_DYING if CheckVerdict.SKIPPED in result.verdicts else ""


def _flaw(subject: Subject, first: CheckResult | None, second: CheckResult | None) -> str:
    failure = _failure(first)
    if failure or first is None:
        return failure
    if second is None or CheckVerdict.LOST in second.verdicts:
        return CheckVerdict.LOST.value
    if second.verdicts[::-1] != first.verdicts:
        return NOT_DETERMINISTIC
    return CONSTANT if is_constant(first.verdicts[len(subject.cases) :]) else ""


def _examined(
    subject: Subject, first: Sequence[CheckResult | None], second: Sequence[CheckResult | None], policy: Policy
) -> Examined:
    flaws = [_flaw(subject, *runs) for runs in zip(first, second, strict=True)]
    verdicts = [_case_verdicts(subject, result) for result in first]
    agrees = [
        [agree(verdict, case.expected) for verdict, case in zip(row, subject.cases, strict=True)]
        for row, flaw in zip(verdicts, flaws, strict=True)
        if not flaw
    ]
    outcome = crosscheck(agrees, policy, n_cases=len(subject.cases))
    counted = iter(zip(outcome.checkers, outcome.accuracies, strict=True))
    checkers = []
    for source, row, flaw in zip(subject.sources, verdicts, flaws, strict=True):
        kept, accuracy = (False, None) if flaw else next(counted)
        reason = flaw or ("" if kept else _reason(outcome.cases, outcome.reason))
        checkers.append(CheckerFate(source=source, verdicts=row, accuracy=accuracy, reason=reason))
    layers = next((result.layers for result in first if result is not None), ())
    return Examined(
        subject=subject, checkers=tuple(checkers), cases_kept=outcome.cases, reason=outcome.reason, layers=layers
    )


def agree(verdict: CheckVerdict, expected: Expected) -> bool:
    """Whether a verdict is the one expected; an expectation that is no boolean is met by none."""
    return (verdict is CheckVerdict.TRUE and expected is True) or (verdict is CheckVerdict.FALSE and expected is False)


def _reason(cases_kept: Sequence[bool], reason: str) -> str:
    """Why a checker without a flaw is not kept: the constraint's reason, where it fell as a whole."""
    return LOW_ACCURACY if any(cases_kept) else reason


def _case_verdicts(subject: Subject, result: CheckResult | None) -> tuple[CheckVerdict, ...]:
    n_cases = len(subject.cases)
    return result.verdicts[:n_cases] if result is not None else (CheckVerdict.LOST,) * n_cases
