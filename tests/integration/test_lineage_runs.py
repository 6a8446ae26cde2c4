"""Runs, attempts and stage outputs on a real database."""

import threading

import pytest
import sqlalchemy as sa

from evol_core.errors import Fenced, NotFound
from evol_core.lineage.runs import (
    check_not_fenced,
    finish_attempt,
    put_stage_output,
    register_attempt,
    register_run,
    stage_outputs,
)

pytestmark = pytest.mark.postgres


def run_id(connection: sa.Connection, key: str = "night-1") -> int:
    return register_run(
        connection, flow="evol_instruct", run_key=key, trigger="cli", conf={}, code_version="c1", recipe_hash="r1"
    )


def attempt(connection: sa.Connection, run: int, *, shard: int = 0, try_number: int | None = None) -> int:
    return register_attempt(
        connection, run_id=run, task="evolve", shard=shard, try_number=try_number, code_version="c1"
    )


def test_a_run_is_registered_once(database: sa.Engine) -> None:
    with database.begin() as connection:
        assert run_id(connection) == run_id(connection)
        assert run_id(connection, "night-2") != run_id(connection)


def test_each_attempt_without_a_number_is_the_next_one(database: sa.Engine) -> None:
    with database.begin() as connection:
        run = run_id(connection)
        first, second = attempt(connection, run), attempt(connection, run)

    assert second > first


def test_the_same_try_is_the_same_attempt(database: sa.Engine) -> None:
    with database.begin() as connection:
        run = run_id(connection)
        assert attempt(connection, run, try_number=1) == attempt(connection, run, try_number=1)


def test_an_attempt_at_an_unknown_run_is_refused(database: sa.Engine) -> None:
    with database.begin() as connection, pytest.raises(NotFound, match="run 77 is not registered"):
        attempt(connection, 77)


def test_a_newer_attempt_fences_an_older_one_of_the_same_shard_only(database: sa.Engine) -> None:
    with database.begin() as connection:
        run = run_id(connection)
        old, other_shard = attempt(connection, run), attempt(connection, run, shard=1)
        new = attempt(connection, run)
        check_not_fenced(connection, other_shard)
        check_not_fenced(connection, new)
        with pytest.raises(Fenced, match=f"attempt {old} at task evolve .shard 0. is superseded by attempt {new}"):
            check_not_fenced(connection, old)


def test_an_unknown_attempt_owns_nothing(database: sa.Engine) -> None:
    with database.begin() as connection, pytest.raises(NotFound, match="attempt 99 is not registered"):
        check_not_fenced(connection, 99)


def test_a_newer_attempt_waits_for_a_commit_under_way(database: sa.Engine) -> None:
    with database.begin() as connection:
        run = run_id(connection)
        old = attempt(connection, run)
    registered = threading.Event()

    def register() -> None:
        with database.begin() as connection:
            attempt(connection, run)
        registered.set()

    with database.begin() as connection:
        check_not_fenced(connection, old)
        newcomer = threading.Thread(target=register)
        newcomer.start()
        assert not registered.wait(0.3)
        put_stage_output(connection, attempt_id=old, stage="evolve", shard=0, output={"by": "old"})
    newcomer.join(10)

    assert registered.is_set()
    with database.connect() as connection:
        assert stage_outputs(connection, run, "evolve") == [{"by": "old"}]


def test_outputs_come_in_the_order_of_shards(database: sa.Engine) -> None:
    with database.begin() as connection:
        run = run_id(connection)
        for shard in (2, 0, 1):
            put_stage_output(
                connection,
                attempt_id=attempt(connection, run, shard=shard),
                stage="evolve",
                shard=shard,
                output={"shard": shard},
            )
        assert stage_outputs(connection, run, "evolve") == [{"shard": 0}, {"shard": 1}, {"shard": 2}]
        assert stage_outputs(connection, run, "score") == []


def test_a_fenced_attempt_cannot_overwrite_an_output(database: sa.Engine) -> None:
    with database.begin() as connection:
        run = run_id(connection)
        old, new = attempt(connection, run), attempt(connection, run)
        put_stage_output(connection, attempt_id=new, stage="evolve", shard=0, output={"by": "new"})
    with database.begin() as connection, pytest.raises(Fenced):
        put_stage_output(connection, attempt_id=old, stage="evolve", shard=0, output={"by": "old"})

    with database.connect() as connection:
        assert stage_outputs(connection, run, "evolve") == [{"by": "new"}]


def test_outputs_hold_any_text(database: sa.Engine) -> None:
    output = {"text": "NUL \0, lone \ud800, emoji 🙂", "list": [1, 2.5, None, True]}
    with database.begin() as connection:
        run = run_id(connection)
        put_stage_output(connection, attempt_id=attempt(connection, run), stage="seed", shard=0, output=output)

        assert stage_outputs(connection, run, "seed") == [output]


def test_the_first_end_of_an_attempt_stands(database: sa.Engine) -> None:
    with database.begin() as connection:
        tried = attempt(connection, run_id(connection))
        finish_attempt(connection, tried, "success")
        finish_attempt(connection, tried, "failed")
        state = connection.execute(sa.text("SELECT state FROM lineage.task_attempt")).scalar_one()

    assert state == "success"
