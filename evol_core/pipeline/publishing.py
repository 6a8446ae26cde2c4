"""The last stage: write the version's objects, ask the gates, and publish all of it in one transaction."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from evol_core.lineage.benchmark_hits import load_benchmark_hits
from evol_core.lineage.load import load_data_rows, load_evolved, load_scores
from evol_core.lineage.publish import Counts, Publication, Published, VersionRef
from evol_core.lineage.steps import register_step
from evol_core.pipeline.context import Build, Rounds
from evol_core.pipeline.evolving import evolving_of
from evol_core.pipeline.gather import Gathered
from evol_core.publish.benchmark_files import read_benchmarks
from evol_core.publish.gates import Gate, Tally, check_build_gates
from evol_core.requests import Decoding
from evol_core.respond import PROMPT as RESPOND_PROMPT
from evol_core.runner import write_parts
from evol_core.schemas import EVOLVED, SCORES, dataset_schema, to_table
from evol_core.score.metrics import set_metrics
from evol_core.store.objects import StoredObject

LOAD_ROWS = 4_096
"""Rows a COPY."""


@dataclass(frozen=True, kw_only=True)
class Beside:
    """What a flow publishes with its rows."""

    evidence: tuple[StoredObject, ...] = ()
    load: Callable[[sa.Connection, VersionRef], None] = lambda connection, version: None
    """Loads more lineage, in the publishing transaction."""


def publish_stage(build: Build[Rounds], beside: Beside | None = None) -> dict[str, Any]:
    """Publish the build, or quarantine it where a gate closes; the same content is the same version."""
    gathered = Gathered(
        build.store,
        evolved=build.outputs("evolve"),
        scored=build.outputs("score"),
        scored_set=build.outputs("score_set") if set_metrics(build.recipe.score.metrics) else (),
        metrics=build.recipe.score.metrics,
        benchmarks=read_benchmarks(build.recipe.decontaminate),
        select=build.recipe.select,
    )
    tally = gathered.tally()
    gates = check_build_gates(tally, build.recipe.gates)
    published = _publish(build, gathered, tally, gates, beside or Beside())
    return {
        "name": published.name,
        "version": published.version,
        "state": published.state,
        "replayed": published.replayed,
        "rows": tally.accepted,
        "rejected": tally.rejected,
        "failed": tally.failed,
        "closed_gates": [asdict(gate) for gate in gates if not gate.passed],
    }


def _publish(build: Build[Rounds], gathered: Gathered, tally: Tally, gates: list[Gate], beside: Beside) -> Published:
    recipe = build.recipe
    (seeds,) = build.outputs("seed")
    publication = Publication(
        name=recipe.name,
        kind="dataset",
        recipe_hash=recipe.hash,
        code_version=build.code_version,
        parents=((seeds["name"], seeds["version"]),),
        data=tuple(write_parts(build.store, gathered.pairs(), dataset_schema(recipe.score.metrics))),
        refused=tuple(write_parts(build.store, gathered.refused(), EVOLVED)),
        scores=tuple(write_parts(build.store, gathered.scores(), SCORES)),
        evidence=beside.evidence,
        counts=Counts(
            n_in=seeds["seeds"] * recipe.evolve.rounds,
            accepted=tally.accepted,
            rejected=tally.rejected,
            failed=tally.failed,
        ),
        gates=tuple(asdict(gate) for gate in gates),
        metadata={
            "recipe": recipe.model_dump(mode="json", exclude={"seeds", "shards"}),
            **_contamination(gathered),
            "models": {name: asdict(ref) for name, ref in build.models.items()},
        },
    )

    def load(connection: sa.Connection, version: VersionRef) -> None:
        steps = _register_steps(build, connection)
        for table in tables_of(gathered.attempts(), EVOLVED):
            load_evolved(connection, table, version=version, steps=steps)
        for table in tables_of(gathered.scores(), SCORES):
            load_scores(connection, table, attempt_id=build.order.attempt_id)
        for stored in publication.data:
            load_data_rows(connection, stored, build.store.read(stored.sha256, ["instruction_id"]))
        load_benchmark_hits(connection, [asdict(hit) for hit in gathered.hits()], version)
        beside.load(connection, version)

    return build.publish(publication, load)


def _contamination(gathered: Gathered) -> dict[str, Any]:
    """What was looked for and what was found, as the version's metadata keep it; nothing where nobody asked."""
    benchmarks = gathered.benchmarks
    if benchmarks is None:
        return {}
    return {
        "contamination": {
            "words": benchmarks.n,
            "items_too_short": len(benchmarks.too_short),
            "hits": [asdict(hit) for hit in gathered.hits()],
        }
    }


def tables_of(rows: Iterator[dict[str, Any]], schema: pa.Schema) -> Iterator[pa.Table]:
    while batch := list(islice(rows, LOAD_ROWS)):
        yield to_table(batch, schema)


def _register_steps(build: Build[Rounds], connection: sa.Connection) -> dict[tuple[int, str], tuple[int, int]]:
    """The evolve step and the respond step of every (round, operator)."""
    recipe, evolving = build.recipe, evolving_of(build)
    steps = {}
    for round in range(recipe.evolve.rounds):
        respond = _step(
            build,
            connection,
            "respond",
            round,
            RESPOND_PROMPT,
            recipe.respond.model,
            recipe.respond.decoding.decoding(),
        )
        for name, operator in evolving.operators.items():
            evolve = _step(build, connection, name, round, operator.PROMPT, recipe.evolve.model, evolving.decoding)
            steps[round, name] = (evolve, respond)
    return steps


def _step(
    build: Build[Rounds],
    connection: sa.Connection,
    operator: str,
    round: int,
    prompt: str,
    model: str,
    decoding: Decoding,
) -> int:
    return register_step(
        connection,
        attempt_id=build.order.attempt_id,
        operator=operator,
        round=round,
        prompt_name=operator,
        prompt_body=prompt,
        model=build.models[model],
        size_class=build.recipe.models[model].size_class,
        decoding=decoding,
        code_version=build.code_version,
    )
