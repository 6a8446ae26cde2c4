"""The last stage of AutoIF: two versions, NAME to fine-tune on and NAME.preference, each in one transaction."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict

import pyarrow as pa
import sqlalchemy as sa

from evol_core.lineage.load import load_data_rows, load_scores
from evol_core.lineage.load_autoif import (
    AutoifSteps,
    load_checked_responses,
    load_checkers,
    load_constraints,
    load_proposed,
    load_replies,
    load_task_outcomes,
    load_verdicts,
)
from evol_core.lineage.publish import Counts, Publication, Published, VersionRef
from evol_core.lineage.steps import register_step
from evol_core.pipeline.autoif_parts import Output, checkers_of, counted
from evol_core.pipeline.autoif_rows import (
    OPERATOR,
    OUTCOMES,
    constraint_rows,
    pair_outcome,
    paired,
    quality_scores,
    responses,
    sft_row,
    table_rows,
    tasks,
    unpaired_outcome,
    unpaired_row,
)
from evol_core.pipeline.context import Build
from evol_core.pipeline.publishing import tables_of
from evol_core.publish.gates import Gate, Tally, check_gates
from evol_core.recipe import AutoifRecipe, GateConfig
from evol_core.records import Status
from evol_core.requests import Decoding
from evol_core.runner import write_parts
from evol_core.schemas import SCORES
from evol_core.store.objects import StoredObject
from evol_core.verify.checkers import PROMPT as CHECKER_PROMPT
from evol_core.verify.checkers import SCHEMA
from evol_core.verify.responses import NAME as RESPOND
from evol_core.verify.self_instruct import NAME as PROPOSE
from evol_core.verify.self_instruct import PROMPT as PROPOSE_PROMPT
from evol_core.verify.tables import (
    BACK_TRANSLATIONS,
    CASES,
    CHECKERS,
    CONSTRAINTS,
    PREFERENCE,
    REPLIES,
    RESPONSES,
    SFT,
    UNPAIRED,
    VERDICTS,
    Row,
)

INSTRUCTION_ALONE = "{instruction}"
"""The prompt of a response: the joined instruction, as a trainer sees it."""

MAIN_PASSED = "main_passed"
"""The gate of NAME.preference that NAME's own gates close: 1 where they are all open, else 0."""

Checkers = dict[str, list[str]]
"""The sources of kept checkers, the best first, by constraint_id."""


def publish_stage(build: Build[AutoifRecipe]) -> Output:
    """Publish both versions, or quarantine one where a gate closes; the same content is the same version."""
    fates = [row for row in table_rows(build, "back_translate", "fates") if row["status"] == Status.ACCEPTED]
    checkers = {key: [source for _, source in pairs] for key, pairs in checkers_of(build, fates).items()}
    (said,) = {output["nli"] for output in build.outputs("back_translate")}
    main = _publish_sft(build, checkers)
    return main | {
        "nli": said,
        "constraints_kept": len(fates),
        "preference": _publish_preference(build, checkers, main_passed=not main["closed_gates"]),
    }


def _publish_sft(build: Build[AutoifRecipe], checkers: Checkers) -> Output:
    recipe = build.recipe
    tally = _tally(counted(responses(build)))
    gates = check_gates(tally, recipe.gates)
    judge, decoding = build.models[recipe.quality.judge], recipe.quality.decoding
    accepted = (row for row in responses(build) if row["status"] == Status.ACCEPTED)
    refused = (row for row in responses(build) if row["status"] != Status.ACCEPTED)
    rows = (sft_row(row, checkers[row["constraint_id"]]) for row in accepted)
    evidence = _evidence(build)
    publication = _publication(
        build,
        name=recipe.name,
        data=write_parts(build.store, rows, SFT),
        refused=write_parts(build.store, refused, RESPONSES),
        scores=write_parts(build.store, quality_scores(responses(build), judge, decoding), SCORES),
        evidence=[part for parts in evidence.values() for part in parts],
        tally=tally,
        gates=gates,
    )

    def load(connection: sa.Connection, version: VersionRef) -> None:
        steps = _steps(build, connection)
        _load_evidence(build, connection, version, evidence, steps)
        for table in tables_of(responses(build), RESPONSES):
            load_checked_responses(connection, table, version, steps)
        for part in publication.scores:
            load_scores(connection, build.store.read(part.sha256), attempt_id=build.order.attempt_id)
        _load_data(build, connection, publication)

    return _told(build.publish(publication, load), tally, gates)


def _publish_preference(build: Build[AutoifRecipe], checkers: Checkers, *, main_passed: bool) -> Output:
    """Pairs are held back with the version whose answers they are made of."""
    pairs: list[Row] = []
    alone: list[Row] = []
    for task in tasks(build):
        of_task = paired(task, build.recipe.seed, checkers[task[0]["constraint_id"]])
        pairs += of_task
        alone += [] if of_task else [unpaired_row(task)]
    tally = _tally(counted(alone) | {Status.ACCEPTED.value: len(pairs)})
    gates = check_gates(tally, GateConfig(min_rows=build.recipe.preference.min_rows, max_fail_rate=1.0))
    gates.append(Gate(name=MAIN_PASSED, wanted=">= 1", found=float(main_passed), passed=main_passed))
    publication = _publication(
        build,
        name=f"{build.recipe.name}.preference",
        data=write_parts(build.store, pairs, PREFERENCE),
        refused=write_parts(build.store, alone, UNPAIRED),
        tally=tally,
        gates=gates,
    )
    outcomes = [*map(pair_outcome, pairs), *map(unpaired_outcome, alone)]

    def load(connection: sa.Connection, version: VersionRef) -> None:
        load_task_outcomes(connection, pa.Table.from_pylist(outcomes, OUTCOMES), version, _steps(build, connection))
        _load_data(build, connection, publication)

    return _told(build.publish(publication, load), tally, gates)


def _tally(counts: Mapping[str, int]) -> Tally:
    return Tally(
        n_in=sum(counts.values()),
        accepted=counts[Status.ACCEPTED],
        rejected=counts[Status.REJECTED],
        failed=counts[Status.FAILED],
        scored={},
    )


def _publication(
    build: Build[AutoifRecipe],
    *,
    name: str,
    data: list[StoredObject],
    refused: list[StoredObject],
    tally: Tally,
    gates: list[Gate],
    scores: Sequence[StoredObject] = (),
    evidence: Sequence[StoredObject] = (),
) -> Publication:
    recipe = build.recipe
    (sources,) = build.outputs("sources")
    (checked,) = build.outputs("crosscheck")
    return Publication(
        name=name,
        kind="dataset",
        recipe_hash=recipe.hash,
        code_version=build.code_version,
        parents=tuple((sources[key]["name"], sources[key]["version"]) for key in ("constraints", "queries")),
        data=tuple(data),
        refused=tuple(refused),
        scores=tuple(scores),
        evidence=tuple(evidence),
        counts=Counts(n_in=tally.n_in, accepted=tally.accepted, rejected=tally.rejected, failed=tally.failed),
        gates=tuple(asdict(gate) for gate in gates),
        metadata={
            "recipe": recipe.model_dump(mode="json", exclude={"seeds", "queries", "shards"}),
            "models": {key: asdict(ref) for key, ref in build.models.items()},
            "nli": recipe.back_translation.nli,
            "sandbox_layers": checked["layers"],
        },
    )


def _evidence(build: Build[AutoifRecipe]) -> dict[str, list[StoredObject]]:
    """Every table behind the rows, all shards of each as one."""
    tables: dict[str, tuple[Iterable[Row], pa.Schema]] = {
        "constraints": (constraint_rows(build), CONSTRAINTS),
        "replies": (table_rows(build, "checkers", "replies"), REPLIES),
        "checkers": (table_rows(build, "crosscheck", "checkers"), CHECKERS),
        "cases": (table_rows(build, "crosscheck", "cases"), CASES),
        "verdicts": (table_rows(build, "crosscheck", "verdicts"), VERDICTS),
        "back_translations": (table_rows(build, "back_translate", "back_translations"), BACK_TRANSLATIONS),
    }
    return {name: write_parts(build.store, rows, schema) for name, (rows, schema) in tables.items()}


def _load_evidence(
    build: Build[AutoifRecipe],
    connection: sa.Connection,
    version: VersionRef,
    evidence: Mapping[str, Sequence[StoredObject]],
    steps: AutoifSteps,
) -> None:
    def tables(name: str) -> Iterator[pa.Table]:
        return (build.store.read(part.sha256) for part in evidence[name])

    for table in tables("constraints"):
        load_constraints(connection, table, version)
        _load_proposed(connection, table, steps)
    for table in tables("replies"):
        load_replies(connection, table, version, steps)
    for table in tables("checkers"):
        load_checkers(connection, table, version, steps)
    for table in tables("verdicts"):
        load_verdicts(connection, table, version)


def _load_proposed(connection: sa.Connection, table: pa.Table, steps: AutoifSteps) -> None:
    """Edges from seeds to the proposed constraints that were kept; of the others nothing comes."""
    rows = table.to_pylist()
    seeds = [row["constraint_id"] for row in rows if row["origin"] == "seed"]
    kept = [row for row in rows if row["origin"] == PROPOSE and row["status"] == Status.ACCEPTED]
    load_proposed(connection, pa.Table.from_pylist(kept, table.schema), seeds, steps)


def _load_data(build: Build[AutoifRecipe], connection: sa.Connection, publication: Publication) -> None:
    for stored in publication.data:
        load_data_rows(connection, stored, build.store.read(stored.sha256, ["instruction_id"]))


def _steps(build: Build[AutoifRecipe], connection: sa.Connection) -> AutoifSteps:
    recipe = build.recipe
    propose, check, respond = recipe.constraints, recipe.checkers, recipe.responses
    form = SCHEMA if check.structured else ""
    return AutoifSteps(
        propose=_step(build, connection, PROPOSE, PROPOSE_PROMPT, propose.model, propose.decoding.decoding()),
        check=_step(build, connection, OPERATOR, CHECKER_PROMPT, check.model, check.decoding.decoding(form)),
        respond=_step(build, connection, RESPOND, INSTRUCTION_ALONE, respond.model, respond.decoding.decoding()),
    )


def _step(
    build: Build[AutoifRecipe],
    connection: sa.Connection,
    operator: str,
    prompt: str,
    model: str,
    decoding: Decoding,
) -> int:
    return register_step(
        connection,
        attempt_id=build.order.attempt_id,
        operator=operator,
        round=0,
        prompt_name=operator,
        prompt_body=prompt,
        model=build.models[model],
        size_class=build.recipe.models[model].size_class,
        decoding=decoding,
        code_version=build.code_version,
    )


def _told(published: Published, tally: Tally, gates: list[Gate]) -> Output:
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
