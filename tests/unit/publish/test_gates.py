"""Gates hold back what does not reach its bounds, and nothing else."""

from dataclasses import replace

import pytest

from evol_core.publish.gates import Tally, check_build_gates, check_gates
from evol_core.recipe import BuildGateConfig, GateConfig


def tally(accepted: int = 8, rejected: int = 2, failed: int = 0, **scored: int) -> Tally:
    return Tally(n_in=accepted + rejected + failed, accepted=accepted, rejected=rejected, failed=failed, scored=scored)


def closed(tally: Tally, config: GateConfig) -> list[str]:
    return [gate.name for gate in check_gates(tally, config) if not gate.passed]


def test_a_build_within_all_bounds_passes() -> None:
    assert closed(tally(ifd=8), GateConfig(min_coverage=1.0, max_reject_rate=0.2)) == []


@pytest.mark.parametrize(
    ("build", "config", "name"),
    [
        (tally(accepted=0), GateConfig(min_rows=1), "min_rows"),
        (tally(), GateConfig(max_reject_rate=0.19), "max_reject_rate"),
        (tally(failed=2), GateConfig(max_fail_rate=0.1), "max_fail_rate"),
        (tally(ifd=7), GateConfig(min_coverage=0.9), "min_coverage.ifd"),
    ],
)
def test_each_gate_closes_on_its_own_bound(build: Tally, config: GateConfig, name: str) -> None:
    assert closed(build, config) == [name]


def test_a_share_of_nothing_is_unknown_and_holds_nothing_back() -> None:
    gates = {gate.name: gate for gate in check_gates(tally(accepted=0, rejected=0, ifd=0), GateConfig(min_rows=0))}

    assert gates["max_reject_rate"].found is None
    assert gates["min_coverage.ifd"].found is None
    assert all(gate.passed for gate in gates.values())


@pytest.mark.parametrize(
    ("reasons", "decontaminated", "closed_gates"),
    [
        ({"duplicate": 1, "contaminated": 1}, True, []),
        ({"duplicate": 2}, True, ["max_duplicates"]),
        ({"contaminated": 2}, True, ["max_contaminated"]),
    ],
)
def test_duplicates_and_contaminated_rows_close_their_own_gates(
    reasons: dict[str, int], decontaminated: bool, closed_gates: list[str]
) -> None:
    build = replace(tally(), reasons=reasons, decontaminated=decontaminated)
    config = BuildGateConfig(max_duplicates=0.1, max_contaminated=0.1)

    assert [gate.name for gate in check_build_gates(build, config) if not gate.passed] == closed_gates


def test_where_nobody_looked_for_benchmarks_no_gate_says_that_there_are_none() -> None:
    assert "max_contaminated" not in {gate.name for gate in check_build_gates(tally(), BuildGateConfig())}
