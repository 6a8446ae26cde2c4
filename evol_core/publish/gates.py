"""Quality gates: what a version must reach to be published. One that does not is quarantined, with the figures."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from evol_core.recipe import BuildGateConfig, GateConfig

DUPLICATE = "duplicate"
"""The reason of an accepted evolution whose instruction an earlier row of the build has already."""

CONTAMINATED = "contaminated"
"""The reason of an accepted evolution that shares 13 words in a row with a benchmark's item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """A build in numbers. n_in = accepted + rejected + failed."""

    n_in: int
    accepted: int
    rejected: int
    failed: int
    scored: Mapping[str, int]
    """Accepted rows that have a value, by metric."""

    reasons: Mapping[str, int] = field(default_factory=dict)
    """Rejected and failed rows, by reason."""

    decontaminated: bool = False
    """Whether anybody looked for items of benchmarks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One gate's word on one build."""

    name: str
    wanted: str
    """The bound, as a person reads it: `>= 1`."""

    found: float | None
    """None where there is nothing to measure; such a gate does not hold a version back."""

    passed: bool


def check_gates(tally: Tally, config: GateConfig) -> list[Gate]:
    """Every gate, passed or not, in a fixed order."""
    gates = [
        _at_least("min_rows", float(tally.accepted), float(config.min_rows)),
        _at_most("max_reject_rate", _share(tally.rejected, tally.n_in), config.max_reject_rate),
        _at_most("max_fail_rate", _share(tally.failed, tally.n_in), config.max_fail_rate),
    ]
    gates += [
        _at_least(f"min_coverage.{metric}", _share(count, tally.accepted), config.min_coverage)
        for metric, count in sorted(tally.scored.items())
    ]
    return gates


def check_build_gates(tally: Tally, config: BuildGateConfig) -> list[Gate]:
    """Every gate of a build that looks for duplicates and for benchmarks' items, in a fixed order."""

    def share_of(reason: str) -> float | None:
        return _share(tally.reasons.get(reason, 0), tally.n_in)

    gates = [*check_gates(tally, config), _at_most("max_duplicates", share_of(DUPLICATE), config.max_duplicates)]
    if tally.decontaminated:
        gates.append(_at_most("max_contaminated", share_of(CONTAMINATED), config.max_contaminated))
    return gates


def _share(part: int, whole: int) -> float | None:
    """A share in [0, 1]; None of nothing, which is neither 0 nor 1."""
    return part / whole if whole else None


def _at_least(name: str, found: float | None, bound: float) -> Gate:
    return Gate(name=name, wanted=f">= {bound:g}", found=found, passed=found is None or found >= bound)


def _at_most(name: str, found: float | None, bound: float) -> Gate:
    return Gate(name=name, wanted=f"<= {bound:g}", found=found, passed=found is None or found <= bound)
