"""Runs a constraint's surviving checkers on responses: how many of them accept each (methods 4, step 6)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from evol_core.errors import ConfigError
from evol_core.sandbox.jobs import CheckJob, CheckVerdict
from evol_core.sandbox.supervisor import Sandbox

WINDOW = 64
"""Groups whose checkers run at once."""


class ResponseGroup(NamedTuple):
    """Responses of one constraint, to whatever query, and its checkers."""

    sources: tuple[str, ...]
    responses: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedResponse:
    """What the checkers say of one response."""

    verdicts: tuple[CheckVerdict, ...]
    """One a checker, in their order."""

    layers: tuple[str, ...]
    """The walls that stood while they ran."""

    @property
    def pass_rate(self) -> float | None:
        """Share of the checkers that accepted; None where there is none, or the sandbox lost one."""
        if not self.verdicts or CheckVerdict.LOST in self.verdicts:
            return None
        return self.verdicts.count(CheckVerdict.TRUE) / len(self.verdicts)


PassRule = Callable[[float], bool]

PASS_RULES: Mapping[str, PassRule] = {
    "any": lambda rate: rate > 0,
    "majority": lambda rate: rate > 0.5,
    "most": lambda rate: rate >= 0.8,
}
"""Pass rates that keep a response. any: AutoIF's code. majority: its paper. most: the best of its ablations."""


def pass_rule_named(name: str) -> PassRule:
    """The rule of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in PASS_RULES:
        raise ConfigError(f"unknown pass rule {name!r}; known: {', '.join(PASS_RULES)}")
    return PASS_RULES[name]


def check_responses(groups: Iterable[ResponseGroup], sandbox: Sandbox) -> Iterator[tuple[CheckedResponse, ...]]:
    """All checkers of a group on all of its responses, one job a checker; results in the order of the groups."""
    source = iter(groups)
    while window := list(islice(source, WINDOW)):
        jobs = (CheckJob(source=source, inputs=group.responses) for group in window for source in group.sources)
        results = sandbox.run_many(jobs)
        for group in window:
            of_group = list(islice(results, len(group.sources)))
            layers = of_group[0].layers if of_group else ()
            yield tuple(
                CheckedResponse(verdicts=tuple(result.verdicts[place] for result in of_group), layers=layers)
                for place in range(len(group.responses))
            )
