"""Cross-validation: checkers and cases of one constraint judge each other.

A case is worth keeping where enough checkers agree with it, a checker where it agrees with enough of those cases.
Everything is a count over a table, so the order of checkers and cases plays no part.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from evol_core.errors import ConfigError

Agrees = Sequence[Sequence[bool]]
"""One row a checker, one column a case: whether the verdict is the expected one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How many must agree."""

    min_checkers: int
    """With fewer the constraint is dropped."""

    min_cases: int
    case_agreed_by_more_than: float
    """Share of the checkers; 0 asks for any one."""

    min_accuracy: float
    """Share of the kept cases that a kept checker gets right."""

    more_than_min: bool
    """Whether reaching min_accuracy exactly is too little."""

    def case_is_kept(self, n_agree: int, n_checkers: int) -> bool:
        return n_agree / n_checkers > self.case_agreed_by_more_than

    def checker_is_kept(self, accuracy: float) -> bool:
        return accuracy > self.min_accuracy if self.more_than_min else accuracy >= self.min_accuracy


POLICIES: Mapping[str, Policy] = {
    "upstream": Policy(
        min_checkers=3, min_cases=10, case_agreed_by_more_than=0.0, min_accuracy=0.8, more_than_min=False
    ),
    "paper_scripts": Policy(
        min_checkers=1, min_cases=1, case_agreed_by_more_than=0.0, min_accuracy=0.8, more_than_min=False
    ),
    "majority": Policy(min_checkers=1, min_cases=1, case_agreed_by_more_than=0.5, min_accuracy=0.5, more_than_min=True),
}
"""upstream: AutoIF's code. paper_scripts: the same without its minimum. majority: as AutoIF's paper says."""

TOO_FEW_CHECKERS = "too_few_functions"
TOO_FEW_CASES = "too_few_cases"
NO_CASE_KEPT = "no_case_kept"
NO_CHECKER_KEPT = "no_function_kept"


class CrossCheck(NamedTuple):
    """What is left of a constraint's checkers and cases."""

    checkers: tuple[bool, ...]
    """Which are kept, in the order of the rows."""

    cases: tuple[bool, ...]
    """Which are kept, in the order of the columns."""

    accuracies: tuple[float | None, ...]
    """Of each checker on the cases that enough checkers agree with; None where there is no such case."""

    reason: str
    """Why no checker is kept; empty where one is."""


def policy_named(name: str) -> Policy:
    """The policy of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in POLICIES:
        raise ConfigError(f"unknown policy {name!r}; known: {', '.join(POLICIES)}")
    return POLICIES[name]


def crosscheck(agrees: Agrees, policy: Policy, *, n_cases: int) -> CrossCheck:
    """Which checkers and which cases are kept.

    Args:
        agrees: the table; every row has n_cases columns.
        policy: how many must agree.
        n_cases: the number of columns, which a table without rows does not tell.

    Raises:
        ValueError: a row has another number of columns.
    """
    if any(len(row) != n_cases for row in agrees):
        raise ValueError(f"crosscheck: every checker needs {n_cases} verdicts, got {[len(row) for row in agrees]}")
    agreed = [
        bool(agrees) and policy.case_is_kept(sum(row[case] for row in agrees), len(agrees)) for case in range(n_cases)
    ]
    accuracies = tuple(_accuracy(row, agreed) for row in agrees)
    if len(agrees) < policy.min_checkers or n_cases < policy.min_cases:
        few = TOO_FEW_CHECKERS if len(agrees) < policy.min_checkers else TOO_FEW_CASES
        return CrossCheck((False,) * len(agrees), (False,) * n_cases, accuracies, few)
    kept = tuple(accuracy is not None and policy.checker_is_kept(accuracy) for accuracy in accuracies)
    reason = "" if any(kept) else NO_CHECKER_KEPT if any(agreed) else NO_CASE_KEPT
    return CrossCheck(kept, tuple(agreed), accuracies, reason)


def _accuracy(row: Sequence[bool], kept: Sequence[bool]) -> float | None:
    counted = [agree for agree, case_kept in zip(row, kept, strict=True) if case_kept]
    return sum(counted) / len(counted) if counted else None
