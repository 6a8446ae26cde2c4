"""The index of recorded generations on a real database."""

import threading
from dataclasses import asdict

import pyarrow as pa
import pytest
import sqlalchemy as sa

from evol_core.lineage.generations import PostgresIndex
from evol_core.records import Generation, ModelRef, RequestHash, canonical_json, content_hash
from evol_core.requests import Decoding, GenerateRequest, LossRequest, Message, Request
from evol_core.schemas import GENERATIONS, generation_row, to_table
from evol_core.store.objects import Place, StoredObject
from tests.integration.lineage_rows import new_attempt

pytestmark = pytest.mark.postgres

MODEL = ModelRef(name="smollm2", revision="w1", tokenizer="t1")


def request(number: int) -> GenerateRequest:
    return GenerateRequest(model=MODEL, messages=(Message("user", f"question {number}"),), decoding=Decoding(), seed=7)


def answers(*requests: Request) -> pa.Table:
    return to_table(
        [
            generation_row(
                asked,
                Generation(request_hash=asked.hash, text="yes", finish_reason="stop", n_tokens=3, engine="e"),
                canonical_json(asdict(asked)),
            )
            for asked in requests
        ],
        GENERATIONS,
    )


def index_of(database: sa.Engine) -> PostgresIndex:
    """The index as a new attempt uses it."""
    return PostgresIndex(database, new_attempt(database))


def stored(name: str, n_rows: int = 1) -> StoredObject:
    return StoredObject(sha256=content_hash(name), n_bytes=10, n_rows=n_rows, schema_hash=content_hash("schema"))


def test_what_is_registered_is_found_in_its_place(database: sa.Engine) -> None:
    index = index_of(database)
    asked = [request(0), request(1)]
    index.register(stored("a"), answers(*asked))

    found = index.find([request(1).hash, request(2).hash])

    assert found == {request(1).hash: Place(content_hash("a"), 1)}


def test_nothing_is_found_of_nothing(database: sa.Engine) -> None:
    assert index_of(database).find([]) == {}


def test_an_attempt_that_nobody_registered_enters_nothing(database: sa.Engine) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        PostgresIndex(database, 77).register(stored("a"), answers(request(0)))

    assert PostgresIndex(database, 77).find([request(0).hash]) == {}


def test_the_first_committed_answer_stays_in_force(database: sa.Engine) -> None:
    first, second = index_of(database), index_of(database)
    first.register(stored("a"), answers(request(0)))

    in_force = second.register(stored("b"), answers(request(1), request(0)))

    assert in_force == {request(0).hash: Place(content_hash("a"), 0), request(1).hash: Place(content_hash("b"), 0)}


def test_one_table_that_answers_a_request_twice_keeps_its_first_row(database: sa.Engine) -> None:
    in_force = index_of(database).register(stored("a"), answers(request(0), request(0)))

    assert in_force == {request(0).hash: Place(content_hash("a"), 0)}


def test_registering_again_changes_nothing(database: sa.Engine) -> None:
    index = index_of(database)
    once = index.register(stored("a"), answers(request(0)))

    assert index.register(stored("a"), answers(request(0))) == once
    with database.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM lineage.generation")).scalar() == 1
        assert connection.execute(sa.text("SELECT count(*) FROM lineage.object_file")).scalar() == 1


def test_all_writers_of_a_race_are_told_the_same_place(database: sa.Engine) -> None:
    requests = [request(number) for number in range(50)]
    told: dict[int, dict[RequestHash, Place]] = {}

    def write(number: int) -> None:
        order = requests[::-1] if number % 2 else requests
        told[number] = index_of(database).register(stored(f"object {number}"), answers(*order))

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)

    found = index_of(database).find([asked.hash for asked in requests])
    assert [told[number] for number in range(4)] == [found] * 4


def test_a_generation_is_kept_with_model_seed_and_cost(database: sa.Engine) -> None:
    loss = LossRequest(model=MODEL, instruction="q", response="a")
    attempt_id = new_attempt(database)
    PostgresIndex(database, attempt_id).register(stored("a"), answers(request(0), loss))

    with database.connect() as connection:
        rows = connection.execute(
            sa.text(
                "SELECT name, revision, tokenizer, seed, n_tokens, attempt_id "
                "FROM lineage.generation JOIN lineage.model USING (model_id) ORDER BY row_no"
            )
        ).all()
    assert rows == [("smollm2", "w1", "t1", 7, 3, attempt_id), ("smollm2", "w1", "t1", None, 3, attempt_id)]


@pytest.mark.slow
def test_ten_thousand_requests_are_looked_up_at_once(database: sa.Engine) -> None:
    hashes = [RequestHash(content_hash(number)) for number in range(10_000)]
    one = answers(request(0)).to_pylist()[0]
    table = to_table([one | {"request_hash": request_hash} for request_hash in hashes], GENERATIONS)
    index = index_of(database)
    index.register(stored("a", 10_000), table)

    queries: list[str] = []
    sa.event.listen(database, "before_cursor_execute", lambda *about: queries.append(about[2]))
    found = index.find(hashes)

    assert [found[request_hash].row for request_hash in hashes] == list(range(10_000))
    assert len(queries) == 1
