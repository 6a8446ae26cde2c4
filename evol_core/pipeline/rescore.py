"""The stages of rescoring: choose a version, score its pairs, enter the scores. Its rows stay as they are.

A score is keyed by metric, subject, scorer and revision: scoring again by the same adds nothing, another scorer's
scores stand beside the old ones.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import chain
from typing import Any, NamedTuple

import sqlalchemy as sa

from evol_core.config import Settings
from evol_core.errors import NotFound
from evol_core.evolve.auto.operator import operator_of
from evol_core.evolve.operator import Operator
from evol_core.evolve.operators import OPERATORS
from evol_core.lineage.database import connect
from evol_core.lineage.load import load_scores
from evol_core.lineage.registry import register_objects
from evol_core.lineage.rows_of import rows_of
from evol_core.lineage.runs import check_not_fenced
from evol_core.lineage.versions import Version, parents_of, resolve
from evol_core.llm.port import Program
from evol_core.pipeline.context import Build
from evol_core.pipeline.instruct import shard_bounds
from evol_core.pipeline.pieces import made_in_pieces
from evol_core.pipeline.plan import Plan, plan_stage
from evol_core.pipeline.scoring import check_scores, score_tables, scored_set, scoring_of
from evol_core.recipe import RescoreRecipe
from evol_core.records import Instruction, Pair, Score
from evol_core.respond import PROMPT as RESPOND_PROMPT
from evol_core.runner import write_parts
from evol_core.schemas import SCORES, score_row
from evol_core.score.diversity import Member
from evol_core.score.metric import Scoring
from evol_core.score.metrics import row_metrics, set_metrics
from evol_core.score.rows import score_pair
from evol_core.store.objects import ObjectStore, StoredObject

OF_EVOLUTIONS = {"reward_evolution", "reward_evolution_per_word"}
"""Metrics that need to know the parents."""


class Evolutions(NamedTuple):
    """What a version's rows may have been evolved from, by id, and by what, by name."""

    parents: Mapping[str, Instruction]
    operators: Mapping[str, Operator]


def check_rescore(recipe: RescoreRecipe, settings: Settings) -> None:
    """What the recipe names must be there.

    Raises:
        RecipeError: a metric has no such name, or needs a model that nobody names.
        NotFound: there is no such published dataset version.
    """
    check_scores(recipe.score)
    database = connect(settings.database_url)
    try:
        with database.connect() as connection:
            _version(connection, recipe.version)
    finally:
        database.dispose()


def choose_stage(build: Build[RescoreRecipe]) -> dict[str, Any]:
    """Fix the version, so that all shards score the same one, whatever becomes the head meanwhile."""
    with build.database.connect() as connection:
        version = _version(connection, build.recipe.version)
    return {"name": version.name, "version": version.version, "rows": sum(part.n_rows for part in version.data)}


def score_version_stage(build: Build[RescoreRecipe]) -> dict[str, Any]:
    """Score the shard's pairs by the metrics that look at one row."""
    rows = _chosen(build)["rows"]
    first, last = shard_bounds(rows, build.order.shard, build.order.shards)
    setting, metrics = _scoring(build), build.recipe.score.metrics
    pieces = made_in_pieces(
        build,
        "rescore",
        version_pairs(build, first, last),
        lambda pair: score_tables(pair, metrics, setting),
        [SCORES],
        total=last - first,
        decided_by=[_chosen(build), first, last],
    )
    return {"objects": [asdict(piece.objects[0]) for piece in pieces]}


def score_version_set_stage(build: Build[RescoreRecipe]) -> dict[str, Any]:
    """Score the version's instructions by the metrics that look at all of them."""
    score = build.recipe.score
    metrics = set_metrics(score.metrics)
    pairs = version_pairs(build, 0, _chosen(build)["rows"]) if metrics else iter(())
    members = {pair.instruction.id: Member(pair.instruction.id, pair.instruction) for pair in pairs}
    found = scored_set(
        list(members.values()), metrics, _scoring(build), build.engine, approximate_above=score.approximate_above
    )
    return {**_written(build, chain.from_iterable(found.scores)), "recalls": dict(found.recalls)}


def enter_stage(build: Build[RescoreRecipe]) -> dict[str, Any]:
    """Enter all scores and make the version's figures anew, in one transaction."""
    chosen = _chosen(build)
    outputs = (*build.outputs("score"), *build.outputs("score_set"))
    parts = [StoredObject(**part) for output in outputs for part in output["objects"]]
    attempt_id = build.order.attempt_id
    with build.database.begin() as connection:
        check_not_fenced(connection, attempt_id)
        version = _version(connection, f"{chosen['name']}@{chosen['version']}")
        register_objects(connection, parts, attempt_id)
        added = sum(load_scores(connection, build.store.read(part.sha256), attempt_id=attempt_id) for part in parts)
        connection.execute(
            sa.text("SELECT lineage.summarise_scores(:dataset_id, :version)"),
            {"dataset_id": version.dataset_id, "version": version.version},
        )
    scored = sum(part.n_rows for part in parts)
    return {**chosen, "scores": scored, "added": added, "recalls": outputs[-1]["recalls"]}


def plan_rescore(build: Build[RescoreRecipe]) -> Plan:
    """Replay the scoring as far as the record goes."""
    with build.database.connect() as connection:
        version = _version(connection, build.recipe.version)
        pairs = list(_pairs(build.store, version, _evolutions(build, connection, version)))
    metrics, setting = build.recipe.score.metrics, _scoring(build)
    programs: list[Program[Any]] = [score_pair(pair, metrics, setting) for pair in pairs]
    stage = plan_stage(build, "score", programs, [], requests_a_row=len(row_metrics(metrics)))
    return Plan(seeds=len(pairs), refused=0, stages=(stage,))


def version_pairs(build: Build[RescoreRecipe], first: int, last: int) -> Iterator[Pair]:
    """Rows of the chosen version, from `first` up to `last`."""
    chosen = _chosen(build)
    with build.database.connect() as connection:
        version = _version(connection, f"{chosen['name']}@{chosen['version']}")
        evolutions = _evolutions(build, connection, version)
    for number, pair in enumerate(_pairs(build.store, version, evolutions)):
        if first <= number < last:
            yield pair


def _pairs(store: ObjectStore, version: Version, evolutions: Evolutions) -> Iterator[Pair]:
    for part in version.data:
        for row in store.rows(part.sha256):
            yield Pair(
                instruction=Instruction(text=row["instruction"], input=row["input"]),
                response=row["output"],
                evolving_prompt=_evolving_prompt(row, evolutions),
            )


def _evolving_prompt(row: dict[str, Any], evolutions: Evolutions) -> str:
    """What the row's operator asked of its parent; empty where either is not known."""
    parent = evolutions.parents.get(row.get("parent_id", ""))
    operator = evolutions.operators.get(row.get("operator", ""))
    return operator.prompt(parent) if operator and parent else ""


def _evolutions(build: Build[RescoreRecipe], connection: sa.Connection, version: Version) -> Evolutions:
    """None where no metric asks for parents."""
    if OF_EVOLUTIONS.isdisjoint(build.recipe.score.metrics):
        return Evolutions({}, {})
    parents = [resolve(connection, spec, published_only=False) for spec in parents_of(connection, version)]
    versions = (version, *parents)
    objects = [part for one in versions for part in (*one.data, *(one.refused if one is version else ()))]
    found: dict[str, Instruction] = {}
    for part in objects:
        for row in build.store.read(part.sha256, ["instruction", "input", "instruction_id"]).to_pylist():
            if row["instruction_id"] is not None:
                found[row["instruction_id"]] = Instruction(text=row["instruction"], input=row["input"])
    return Evolutions(found, {**OPERATORS, **_methods(connection, version)})


def _methods(connection: sa.Connection, version: Version) -> dict[str, Operator]:
    """The methods that a version was evolved by, read from the prompts that its steps asked by."""
    rows = rows_of(
        connection,
        "SELECT DISTINCT st.operator, p.body FROM lineage.outcome o JOIN lineage.step st USING (step_id) "
        "JOIN lineage.prompt p USING (prompt_id) WHERE (o.dataset_id, o.version) = (:dataset_id, :version)",
        dataset_id=version.dataset_id,
        version=version.version,
    )
    found = {row["operator"]: operator_of(row["body"]) for row in rows}
    return {name: operator for name, operator in found.items() if operator is not None}


def _version(connection: sa.Connection, spec: str) -> Version:
    version = resolve(connection, spec)
    if version.kind != "dataset":
        raise NotFound(f"{version.spec} is a version of {version.kind}, which have no responses; name a dataset")
    return version


def _chosen(build: Build[RescoreRecipe]) -> dict[str, Any]:
    (output,) = build.outputs("choose")
    return output


def _scoring(build: Build[RescoreRecipe]) -> Scoring:
    recipe = build.recipe
    return scoring_of(
        recipe.score, build.models, recipe.models, responder=recipe.responder, respond_prompt=RESPOND_PROMPT
    )


def _written(build: Build[RescoreRecipe], scores: Iterator[Score]) -> dict[str, Any]:
    """The stage's output: different scores as objects."""
    written = write_parts(build.store, map(score_row, scores), SCORES)
    return {"objects": [asdict(part) for part in written]}
