"""The analyst surface on a real database: documented, right, read only."""

from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from evol_core.errors import DatabaseError, NotFound, QueryError
from evol_core.lineage.analyst import ask, example, examples
from evol_core.lineage.database import connect
from evol_core.lineage.migrate import migrate
from evol_core.store.objects import ObjectStore
from tests.integration.lineage_rows import Build, evolved_rows, publish_seeds, record_generations, scores_of

pytestmark = pytest.mark.postgres

NOTHING_TO_FIND = {
    "small_against_large",
    "exposed_checkpoints",
    "operators_and_metrics",
    "constraints",
    "contamination",
    "disputed_cases",
    "functions",
    "pass_rates",
    "training_runs",
    "hardest_rows",
    "same_text",
    "instruction_following",
    "methods",
    "parse_rates",
    "trajectories",
    "comparisons",
    "paired_scores",
}
"""Examples that ask for what a small build does not have."""


@pytest.fixture
def built(database: sa.Engine, tmp_path: Path) -> sa.Engine:
    """A database with two versions, the second quarantined, and scores of two metrics."""
    store = ObjectStore(tmp_path)
    publish_seeds(database, store)
    rows = evolved_rows()
    record_generations(database, store, rows)
    values = [replace(score, value=float(n)) for n, score in enumerate(scores_of(rows))]
    lost = [replace(score, metric="ic_ifd", value=None, reason="empty") for score in values]
    Build(store, rows, scores=[*values, *lost]).publish(database)
    Build(store, evolved_rows(salt="!"), passed=False).publish(database)
    return database


def rows(engine: sa.Engine, query: str) -> list[dict[str, object]]:
    return ask(engine, query, limit=100).rows


@pytest.mark.parametrize("name", [found.name for found in examples()])
def test_every_example_runs_as_the_analyst(analyst: sa.Engine, name: str) -> None:
    answer = ask(analyst, example(name).query, limit=1000)

    assert answer.rows or name in NOTHING_TO_FIND


@pytest.fixture
def analyst(built: sa.Engine, database_url: str) -> sa.Engine:
    """The same database as the analyst role."""
    with built.begin() as connection:
        connection.execute(sa.text("ALTER ROLE evol_analyst LOGIN PASSWORD 'reads-only'"))
        connection.execute(sa.text(f"GRANT CONNECT ON DATABASE {built.url.database} TO evol_analyst"))
    url = sa.make_url(database_url).set(username="evol_analyst", password="reads-only")
    return connect(url.render_as_string(hide_password=False))


def test_every_view_column_and_function_is_documented(database: sa.Engine) -> None:
    undocumented = """
        SELECT c.relname || coalesce('.' || a.attname, '')
        FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relnamespace = 'analytics'::regnamespace
            AND (obj_description(c.oid) IS NULL OR col_description(c.oid, a.attnum) IS NULL)
        UNION ALL
        SELECT proname FROM pg_proc WHERE pronamespace = 'analytics'::regnamespace AND obj_description(oid) IS NULL
    """
    with database.connect() as connection:
        assert connection.execute(sa.text(undocumented)).scalars().all() == []


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM lineage.outcome",
        "UPDATE lineage.dataset SET head_version = 1",
        "SELECT lineage.release_version('evol', 2, 'eve', 'because')",
        "CREATE TABLE lineage.mine (x int)",
        "SET TRANSACTION READ WRITE; DELETE FROM lineage.dataset",
        "COMMIT; SET default_transaction_read_only = off; DELETE FROM lineage.dataset",
        "SET ROLE postgres",
    ],
)
def test_the_analyst_changes_nothing(analyst: sa.Engine, statement: str) -> None:
    with pytest.raises((QueryError, DatabaseError)):
        ask(analyst, statement, limit=1)

    assert rows(analyst, "SELECT count(*) AS n, max(head_version) AS head FROM dataset") == [{"n": 2, "head": 1}]


def test_a_new_metric_is_readable_for_the_analyst_at_once(analyst: sa.Engine) -> None:
    assert rows(analyst, "SELECT count(*) AS n FROM score") == [{"n": 12}]


def test_metrics_are_summed_up_by_round_and_by_operator(built: sa.Engine) -> None:
    found = rows(
        built, "SELECT metric, round, n_rows, n_scored, mean FROM metric_by_round_model WHERE is_head ORDER BY 1, 2"
    )

    assert found == [
        {"metric": "ic_ifd", "round": 0, "n_rows": 2, "n_scored": 0, "mean": None},
        {"metric": "ic_ifd", "round": 1, "n_rows": 2, "n_scored": 0, "mean": None},
        {"metric": "ifd", "round": 0, "n_rows": 2, "n_scored": 2, "mean": 1.0},
        {"metric": "ifd", "round": 1, "n_rows": 2, "n_scored": 2, "mean": 2.0},
    ]
    by_operator = rows(
        built, "SELECT round, operator, mean FROM metric_by_operator WHERE metric = 'ifd' AND version = 1 ORDER BY 1"
    )
    assert by_operator == [
        {"round": 0, "operator": "deepen", "mean": 1.0},
        {"round": 1, "operator": "deepen", "mean": 2.0},
    ]


def test_arms_meet_on_their_seed_version(built: sa.Engine) -> None:
    found = rows(
        built, "SELECT seeds, round, slm_n, slm_mean, llm_n, llm_mean FROM small_vs_large WHERE metric = 'ifd'"
    )

    assert sorted(found, key=lambda row: str(row["round"])) == [
        {"seeds": "evol.seeds@1", "round": 0, "slm_n": 2, "slm_mean": 1, "llm_n": None, "llm_mean": None},
        {"seeds": "evol.seeds@1", "round": 1, "slm_n": 2, "slm_mean": 2, "llm_n": None, "llm_mean": None},
    ]


def test_rates_of_operators_add_up(built: sa.Engine) -> None:
    found = rows(
        built,
        "SELECT round, n_in, n_accepted, n_rejected, n_parsed, parse_rate FROM operator_rates "
        "WHERE dataset = 'evol' AND version = 1 ORDER BY round",
    )

    one = {"n_in": 3, "n_accepted": 2, "n_rejected": 1, "n_parsed": 3, "parse_rate": 1.0}
    assert found == [{"round": 0, **one}, {"round": 1, **one}]


def test_cost_counts_refused_rows_and_is_told_by_accepted_row(built: sa.Engine) -> None:
    found = rows(
        built,
        "SELECT operator, n_requests, n_tokens, request_seconds, tokens_per_accepted_row FROM token_cost "
        "WHERE version = 1 ORDER BY operator",
    )

    assert found == [
        {
            "operator": "deepen",
            "n_requests": 6,
            "n_tokens": 30,
            "request_seconds": 3.0,
            "tokens_per_accepted_row": 22.5,
        },
        {
            "operator": "respond",
            "n_requests": 4,
            "n_tokens": 20,
            "request_seconds": 2.0,
            "tokens_per_accepted_row": 15.0,
        },
    ]


def test_reasons_are_counted_by_version(built: sa.Engine) -> None:
    found = rows(built, "SELECT dataset, version, stage, reason, n FROM rejects_by_reason ORDER BY 1, 2")

    assert found == [
        {"dataset": "evol", "version": 1, "stage": "evolve", "reason": "too_long", "n": 2},
        {"dataset": "evol", "version": 2, "stage": "evolve", "reason": "too_long", "n": 2},
        {"dataset": "evol.seeds", "version": 1, "stage": "seed", "reason": "empty", "n": 1},
    ]


def test_a_checkpoint_is_exposed_to_the_rows_of_its_version(built: sa.Engine) -> None:
    with built.begin() as connection:
        connection.execute(
            sa.text("""
                INSERT INTO lineage.training_run (attempt_id, base_model_id, config_hash, config, seed, state)
                SELECT max(attempt_id), 1, decode(repeat('00', 32), 'hex'), '{}', 0, 'success'
                FROM lineage.task_attempt;
                INSERT INTO lineage.training_input (training_run_id, dataset_id, version, split)
                SELECT 1, dataset_id, 1, 'train' FROM lineage.dataset WHERE name = 'evol';
                INSERT INTO lineage.checkpoint VALUES (decode(repeat('ab', 32), 'hex'), 1, 10, 'checkpoints/10');
            """)
        )

    assert rows(built, "SELECT count(*) AS n, count(DISTINCT checkpoint) AS c FROM checkpoint_exposure") == [
        {"n": 4, "c": 1}
    ]


def test_a_query_that_cannot_run_is_explained(built: sa.Engine) -> None:
    with pytest.raises(QueryError, match=r'relation "nothing" does not exist(.|\n)*--example surface'):
        ask(built, "SELECT * FROM nothing", limit=1)
    with pytest.raises(QueryError, match="syntax error"):
        ask(built, "SELEC 1", limit=1)


def test_a_query_that_takes_too_long_is_ended(built: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evol_core.lineage.analyst.TIMEOUT", "50ms")
    with pytest.raises(QueryError, match="took longer than 50ms; narrow it down"):
        ask(built, "SELECT pg_sleep(5)", limit=1)


def test_rows_beyond_the_limit_are_told(built: sa.Engine) -> None:
    answer = ask(built, "SELECT generate_series(1, 5) AS n", limit=2)

    assert answer == ([{"n": 1}, {"n": 2}], False)


def test_columns_of_one_name_are_all_kept(built: sa.Engine) -> None:
    assert rows(built, "SELECT 1 AS a, 2 AS b, 3 AS a") == [{"a_1": 1, "b": 2, "a_3": 3}]


def test_an_unknown_example_is_told_with_those_near(built: sa.Engine) -> None:
    with pytest.raises(NotFound, match="there is no example 'reject'; try rejects"):
        example("reject")


def test_the_surface_is_made_anew_when_its_files_change(
    built: sa.Engine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with built.begin() as connection:
        connection.execute(sa.text("CREATE VIEW analytics.stray AS SELECT 1"))
    migrate(database_url)
    assert rows(built, "SELECT * FROM stray") != []

    monkeypatch.setattr("evol_core.lineage.migrate._surface_hash", lambda: "changed")
    migrate(database_url)

    with pytest.raises(QueryError, match="stray"):
        ask(built, "SELECT * FROM stray", limit=1)
    assert len(rows(built, "SELECT * FROM dataset_version_summary")) == 3
