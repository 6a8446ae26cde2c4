"""What a build by Evol-Instruct would do, as far as the record tells."""

from collections import deque
from collections.abc import Iterable, Iterator

from evol_core.evolve.rounds import EvolveSetting, evolve_row
from evol_core.pipeline.context import Build, Rounds
from evol_core.pipeline.instruct import evolve_setting, scoring
from evol_core.pipeline.plan import Plan, Replay, StagePlan, replay_only, unknown_stage
from evol_core.pipeline.seeds import seed_batch, seeds_name
from evol_core.recipe import InstructRecipe
from evol_core.records import Evolved, Pair, Seed, Status
from evol_core.score.metrics import row_metrics
from evol_core.score.rows import score_pair
from evol_core.seed import SeedBatch
from evol_core.store.scratch import Seen, scratch_database


def plan_instruct(build: Build[InstructRecipe]) -> Plan:
    """Replay the recipe as far as the record goes.

    Raises:
        SeedError: a source cannot be read.
    """
    with seed_batch(build, seeds_name(build.recipe.name), build.recipe.seeds) as batch:
        return plan_batch(build, evolve_setting(build), batch)


def plan_batch(build: Build[Rounds], setting: EvolveSetting, batch: SeedBatch) -> Plan:
    """Replay the recipe's rounds and scores on these seeds."""
    evolve, score = plan_rounds(
        build,
        setting,
        batch.seeds(),
        evolve_a_row=(2 if setting.equality_judge is None else 3) * setting.rounds,
        score_a_row=len(row_metrics(build.recipe.score.metrics)),
    )
    return Plan(seeds=batch.n_seeds, refused=batch.n_refused, stages=(evolve, score or unknown_stage("score")))


def plan_rounds(
    build: Build[Rounds], setting: EvolveSetting, seeds: Iterable[Seed], *, evolve_a_row: int, score_a_row: int
) -> tuple[StagePlan, StagePlan | None]:
    """The plans of a recipe's rounds and of its scores; None for these where the rounds are not all recorded.

    Both are replayed side by side: a pair is scored as soon as its seed's rounds are through, and not held.

    Args:
        evolve_a_row: requests a seed, at most.
        score_a_row: requests a pair, at most.
    """
    with scratch_database() as database:

        def replay(stage: str, a_row: int) -> Replay:
            return Replay(stage, replay_only(build, Seen(database, stage)), requests_a_row=a_row)

        evolve, score, paired = replay("evolve", evolve_a_row), replay("score", score_a_row), Seen(database, "paired")
        evolved = evolve.results(evolve_row(seed, setting) for seed in seeds)
        pairs = (pair for rounds in evolved for pair in accepted_pairs(rounds) if paired.add(pair.id))
        metrics, reading = build.recipe.score.metrics, scoring(build)
        deque(score.results(score_pair(pair, metrics, reading) for pair in pairs), maxlen=0)
        planned = evolve.plan()
        return planned, score.plan() if planned.complete else None


def accepted_pairs(rounds: Iterable[Evolved]) -> Iterator[Pair]:
    for row in rounds:
        if row.verdict.status is Status.ACCEPTED and row.child is not None and row.response is not None:
            yield Pair(instruction=row.child, response=row.response)
