"""Runs, rows and versions for tests of the lineage."""

from collections.abc import Sequence
from dataclasses import asdict

import sqlalchemy as sa

from evol_core.lineage.generations import PostgresIndex
from evol_core.lineage.load import load_data_rows, load_evolved, load_refused, load_scores, load_seeds
from evol_core.lineage.publish import Counts, Publication, Published, VersionRef, publish
from evol_core.lineage.runs import register_attempt, register_run
from evol_core.lineage.steps import register_step
from evol_core.records import (
    ACCEPTED,
    Evolved,
    Generation,
    Instruction,
    ModelRef,
    Pair,
    Refused,
    RequestHash,
    Score,
    Seed,
    Status,
    Verdict,
    canonical_json,
    content_hash,
)
from evol_core.requests import Decoding, GenerateRequest, Message
from evol_core.schemas import (
    EVOLVED,
    GENERATIONS,
    REFUSED,
    SCORES,
    SEEDS,
    dataset_schema,
    evolved_row,
    generation_row,
    refused_row,
    score_row,
    seed_row,
    to_table,
)
from evol_core.store.objects import ObjectStore, StoredObject

MODEL = ModelRef(name="smollm2", revision="w1", tokenizer="t1")

SEED_TEXTS = ("Name three rivers.", "Add two numbers.", "Write a haiku.")

REFUSED_LINE = Refused(status=Status.REJECTED, reason="empty", source="seeds.jsonl", line=9, text="{}")


def new_attempt(database: sa.Engine, *, run_key: str = "night-1", task: str = "publish", shard: int = -1) -> int:
    """The next attempt at a task of a run."""
    with database.begin() as connection:
        run_id = register_run(
            connection,
            flow="evol_instruct",
            run_key=run_key,
            trigger="cli",
            conf={},
            code_version="c1",
            recipe_hash="r",
        )
        return register_attempt(connection, run_id=run_id, task=task, shard=shard, code_version="c1")


def seed(ordinal: int, text: str, output: str | None = None) -> Seed:
    instruction = Instruction(text=text)
    return Seed(
        ordinal=ordinal, instruction=instruction, output=output, source="seeds.jsonl", licence="MIT", line=ordinal + 1
    )


def publish_seeds(
    database: sa.Engine,
    store: ObjectStore,
    texts: Sequence[str] = SEED_TEXTS,
    *,
    name: str = "evol.seeds",
    attempt_id: int | None = None,
    refused: Sequence[Refused] = (REFUSED_LINE,),
) -> Published:
    """A seed version of these texts."""
    table = to_table([seed_row(seed(number, text)) for number, text in enumerate(texts)], SEEDS)
    refused_table = to_table([refused_row(one) for one in refused], REFUSED)
    data, aside = store.put(table), store.put(refused_table)
    publication = Publication(
        name=name,
        kind="seeds",
        recipe_hash="",
        code_version="c1",
        parents=(),
        data=(data,),
        refused=(aside,),
        scores=(),
        counts=Counts(n_in=len(texts) + len(refused), accepted=len(texts), rejected=len(refused), failed=0),
        gates=(),
        metadata={},
    )

    def load(connection: sa.Connection, version: VersionRef) -> None:
        load_seeds(connection, table, version)
        load_refused(connection, refused_table, version)
        load_data_rows(connection, data, table)

    return publish(database, publication, attempt_id=attempt_id or new_attempt(database, task="seed"), load=load)


def child_text(text: str, round: int) -> str:
    return f"{text} Then explain why, part {round}."


def evolved_rows(texts: Sequence[str] = SEED_TEXTS, *, rounds: int = 2, salt: str = "") -> list[Evolved]:
    """Every text evolved in every round; the last text's evolutions are all rejected."""
    return [
        row
        for ordinal, text in enumerate(texts)
        for row in _journey(ordinal, text, rounds, ordinal + 1 < len(texts), salt)
    ]


def _journey(ordinal: int, text: str, rounds: int, is_accepted: bool, salt: str) -> list[Evolved]:
    parent = Instruction(text=text)
    seed_id, rows = parent.id, []
    for round in range(rounds):
        child = Instruction(text=child_text(parent.text, round) + salt)
        rows.append(
            Evolved(
                ordinal=ordinal,
                round=round,
                seed_id=seed_id,
                parent=parent,
                operator="deepen",
                child=child,
                response=f"Answer {ordinal}.{round}" if is_accepted else None,
                verdict=ACCEPTED if is_accepted else Verdict(status=Status.REJECTED, reason="too_long"),
                evolve_hash=RequestHash(content_hash(["evolve", child.text])),
                respond_hash=RequestHash(content_hash(["respond", child.text])) if is_accepted else None,
            )
        )
        parent = child if is_accepted else parent
    return rows


def scores_of(rows: Sequence[Evolved], metric: str = "ifd") -> list[Score]:
    """A score for every accepted pair."""
    return [
        Score(subject_id=Pair(instruction=row.child, response=row.response).id, metric=metric, value=0.5, scorer="s")
        for row in rows
        if row.child is not None and row.response is not None
    ]


class Build:
    """A build of evolved rows: its objects in the store, its publication, and the load of its rows."""

    def __init__(
        self,
        store: ObjectStore,
        rows: Sequence[Evolved],
        *,
        name: str = "evol",
        parents: tuple[tuple[str, int], ...] = (("evol.seeds", 1),),
        passed: bool = True,
        scores: Sequence[Score] | None = None,
    ) -> None:
        self.rows = rows
        accepted = [row for row in rows if row.verdict.status is Status.ACCEPTED]
        refused = [row for row in rows if row.verdict.status is not Status.ACCEPTED]
        self.evolved = to_table([evolved_row(row) for row in rows], EVOLVED)
        self.table = to_table([_dataset_row(row) for row in accepted], dataset_schema(()))
        self.score_table = to_table(map(score_row, scores_of(rows) if scores is None else scores), SCORES)
        self.data = store.put(self.table)
        n_failed = sum(1 for row in refused if row.verdict.status is Status.FAILED)
        self.publication = Publication(
            name=name,
            kind="dataset",
            recipe_hash="r1",
            code_version="c1",
            parents=parents,
            data=(self.data,),
            refused=(store.put(to_table([evolved_row(row) for row in refused], EVOLVED)),),
            scores=(store.put(self.score_table),),
            counts=Counts(n_in=len(rows), accepted=len(accepted), rejected=len(refused) - n_failed, failed=n_failed),
            gates=({"name": "min_rows", "wanted": ">= 1", "found": float(len(accepted)), "passed": passed},),
            metadata={"models": {"default": "smollm2"}},
        )

    def load(self, connection: sa.Connection, version: VersionRef) -> None:
        load_evolved(connection, self.evolved, version=version, steps=register_steps(connection, version.attempt_id))
        load_data_rows(connection, self.data, self.table)
        load_scores(connection, self.score_table, attempt_id=version.attempt_id)

    def publish(self, database: sa.Engine, attempt_id: int | None = None) -> Published:
        return publish(database, self.publication, attempt_id=attempt_id or new_attempt(database), load=self.load)


def register_steps(connection: sa.Connection, attempt_id: int) -> dict[tuple[int, str], tuple[int, int]]:
    def step(operator: str, round: int) -> int:
        return register_step(
            connection,
            attempt_id=attempt_id,
            operator=operator,
            round=round,
            prompt_name=operator,
            prompt_body=f"Please {operator}: {{text}}",
            model=MODEL,
            size_class="slm",
            decoding=Decoding(),
            code_version="c1",
        )

    return {(round, "deepen"): (step("deepen", round), step("respond", round)) for round in range(3)}


def record_generations(database: sa.Engine, store: ObjectStore, rows: Sequence[Evolved]) -> StoredObject:
    """Answers for every request behind these rows, written and registered."""
    hashes = {row.evolve_hash for row in rows} | {row.respond_hash for row in rows if row.respond_hash}
    request = GenerateRequest(model=MODEL, messages=(Message("user", "?"),), decoding=Decoding(), seed=11)
    answers = [
        generation_row(
            request,
            Generation(
                request_hash=request_hash,
                text="yes",
                finish_reason="stop",
                n_prompt_tokens=10,
                n_tokens=5,
                seconds=0.5,
                engine="e",
            ),
            canonical_json(asdict(request)),
        )
        for request_hash in sorted(hashes)
    ]
    table = to_table(answers, GENERATIONS)
    stored = store.put(table)
    PostgresIndex(database, new_attempt(database, task="evolve", shard=0)).register(stored, table)
    return stored


def _dataset_row(row: Evolved) -> dict[str, object]:
    said = evolved_row(row)
    names = [name for name in dataset_schema(()).names if name != "output"]
    return {**{name: said[name] for name in names}, "output": row.response}


def table_counts(database: sa.Engine) -> dict[str, int]:
    """Rows of every table of the lineage."""
    with database.connect() as connection:
        names = connection.execute(
            sa.text(
                "SELECT relname FROM pg_class WHERE relnamespace = 'lineage'::regnamespace AND relkind IN ('r', 'p')"
            )
        ).scalars()
        return {
            str(name): connection.execute(sa.text(f"SELECT count(*) FROM lineage.{name}")).scalar_one()
            for name in names
        }
