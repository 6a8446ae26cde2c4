"""The stages of Evol-Instruct between seeds and publishing: rounds of evolution with answers, scores."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

from evol_core.config import Settings
from evol_core.evolve.operator import Operator
from evol_core.evolve.operators import OPERATORS, unknown_operators
from evol_core.evolve.rounds import EvolveSetting, evolve_row
from evol_core.llm.port import Program
from evol_core.pipeline.check import check_names
from evol_core.pipeline.context import Build, Rounds
from evol_core.pipeline.evolving import evolving_of
from evol_core.pipeline.pieces import Tables, by_status, made_in_pieces, parts_of
from evol_core.pipeline.repeated import repeated_pairs
from evol_core.pipeline.scoring import check_scores, score_tables, scored_set, scoring_of
from evol_core.publish.benchmark_files import read_benchmarks
from evol_core.recipe import InstructRecipe
from evol_core.records import Instruction, Pair, Seed, Status
from evol_core.respond import PROMPT as RESPOND_PROMPT
from evol_core.respond import respond_request
from evol_core.runner import write_parts
from evol_core.schemas import (
    EVOLVED,
    SCORES,
    evolved_row,
    score_row,
    seed_record,
)
from evol_core.score.diversity import Member
from evol_core.score.metric import Scoring
from evol_core.score.metrics import set_metrics
from evol_core.seed import check_sources


def check_instruct(recipe: InstructRecipe, settings: Settings) -> None:
    """What the recipe names must be there.

    Raises:
        RecipeError: an operator or a metric has no such name, or a benchmark cannot be read.
        SeedError: a seed file is missing or is not what the recipe says.
    """
    check_names("evolve.operators", unknown_operators(recipe.evolve.operators))
    check_scores(recipe.score)
    read_benchmarks(recipe.decontaminate)
    check_sources(recipe.seeds)


def read_seed_rows(build: Build[Rounds]) -> Iterator[Seed]:
    """The seeds of this build's seed version, in the order of their ordinals, this order's shard of them."""
    first, last = own_bounds(build)
    yield from islice(every_seed(build), first, last)


def every_seed(build: Build[Rounds]) -> Iterator[Seed]:
    """All seeds of this build's seed version, whichever shard is ordered, in the order of their ordinals."""
    (output,) = build.outputs("seed")
    for sha256 in output["parts"]:
        yield from map(seed_record, build.store.rows(sha256))


def own_bounds(build: Build[Rounds]) -> tuple[int, int]:
    """First seed of this order's shard, and the one after its last."""
    (output,) = build.outputs("seed")
    return shard_bounds(output["seeds"], build.order.shard, build.order.shards)


def shard_bounds(n_rows: int, shard: int, shards: int) -> tuple[int, int]:
    """First row and the one after the last of a shard; shards are runs of rows and leave none out."""
    return shard * n_rows // shards, (shard + 1) * n_rows // shards


def evolve_stage(build: Build[InstructRecipe]) -> dict[str, Any]:
    """Evolve and answer the shard's seeds, all rounds; every attempt is a row, refused ones with their reason."""
    setting = evolve_setting(build)
    first, last = own_bounds(build)

    def evolved(seed: Seed) -> Program[Tables]:
        rounds = yield from evolve_row(seed, setting)
        return [[evolved_row(row) for row in rounds]]

    (output,) = build.outputs("seed")
    pieces = made_in_pieces(
        build,
        "evolve",
        read_seed_rows(build),
        evolved,
        [EVOLVED],
        total=last - first,
        decided_by=[output["parts"], first, last],
    )
    parts = parts_of(pieces)
    return {"parts": parts, "seeds": last - first, "counts": by_status(build.store, parts)}


def evolve_setting(build: Build[InstructRecipe]) -> EvolveSetting:
    return rounds_setting(build, {name: OPERATORS[name] for name in build.recipe.evolve.operators})


def rounds_setting(build: Build[Rounds], operators: Mapping[str, Operator]) -> EvolveSetting:
    """What a recipe says of its rounds, with operators in the order in which rows take them."""
    recipe = build.recipe
    judge = recipe.evolve.acceptance.equality_judge
    answer = partial(
        respond_request,
        model=build.models[recipe.respond.model],
        decoding=recipe.respond.decoding.decoding(),
        recipe_seed=recipe.seed,
    )
    return EvolveSetting(
        operators=tuple(operators),
        table=operators,
        rounds=recipe.evolve.rounds,
        evolver=build.models[recipe.evolve.model],
        decoding=recipe.evolve.decoding.decoding(),
        acceptance=recipe.evolve.acceptance,
        recipe_seed=recipe.seed,
        answer=answer,
        keep_truncated=recipe.respond.keep_truncated,
        equality_judge=build.models[judge] if judge else None,
    )


def score_stage(build: Build[Rounds]) -> dict[str, Any]:
    """Score the shard's accepted pairs by every metric of the recipe; a pair that came up twice is scored once."""
    evolved = build.outputs("evolve")[build.order.shard]
    setting = scoring(build)

    pieces = made_in_pieces(
        build,
        "score",
        shard_pairs(build, evolved["parts"]),
        lambda pair: score_tables(pair, build.recipe.score.metrics, setting),
        [SCORES],
        total=evolved["counts"][Status.ACCEPTED],
        decided_by=evolved["parts"],
    )
    return {"parts": parts_of(pieces)}


def shard_pairs(build: Build[Rounds], parts: Sequence[str]) -> Iterator[Pair]:
    """The different accepted pairs of EVOLVED objects, in their order."""
    operators = evolving_of(build).operators
    seen = repeated_pairs(build.store, parts)
    rows = (row for sha256 in parts for row in build.store.rows(sha256))
    for number, row in enumerate(rows):
        if row["status"] == Status.ACCEPTED and number not in seen:
            instruction = Instruction(text=row["instruction"], input=row["input"])
            parent = Instruction(text=row["parent_instruction"], input=row["parent_input"])
            prompt = operators[row["operator"]].prompt(parent)
            yield Pair(instruction=instruction, response=row["response"], evolving_prompt=prompt)


def scoring(build: Build[Rounds]) -> Scoring:
    recipe = build.recipe
    return scoring_of(
        recipe.score, build.models, recipe.models, responder=recipe.respond.model, respond_prompt=RESPOND_PROMPT
    )


def score_set_stage(build: Build[Rounds]) -> dict[str, Any]:
    """Score the accepted instructions of all shards by the metrics that look at the whole set."""
    score = build.recipe.score
    members = {
        pair.instruction.id: Member(pair.instruction.id, pair.instruction)
        for evolved in build.outputs("evolve")
        for pair in shard_pairs(build, evolved["parts"])
    }
    found = scored_set(
        list(members.values()),
        set_metrics(score.metrics),
        scoring(build),
        build.engine,
        approximate_above=score.approximate_above,
    )
    rows = (score_row(one) for scores in found.scores for one in scores)
    written = write_parts(build.store, rows, SCORES)
    return {"parts": [part.sha256 for part in written], "recalls": dict(found.recalls)}
