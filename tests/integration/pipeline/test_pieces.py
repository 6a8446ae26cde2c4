"""Stages that were broken off and are started again: what they finished is not derived again, and changes nothing."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from evol_core.errors import EngineError, Fenced
from evol_core.evolve.rounds import EvolveSetting, evolve_row
from evol_core.lineage.garbage import collect_garbage, forget_object
from evol_core.lineage.runs import finish_attempt
from evol_core.pipeline import instruct, pieces
from evol_core.records import Losses, Seed
from evol_core.requests import LossRequest, Request
from evol_core.store.objects import ObjectStore
from tests.integration.pipeline.test_build import Runs, model_folder, recipe, reply

pytestmark = pytest.mark.postgres

SEEDS = [f"Count to {number}." for number in range(7)]


@pytest.fixture(autouse=True)
def pairs_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece is two rows, so that a few make several."""
    monkeypatch.setattr(pieces, "PIECE", 2)


@pytest.fixture
def runs(tmp_path: Path, database: sa.Engine, database_url: str) -> Runs:
    model_folder(tmp_path / "home")
    return Runs(tmp_path / "home", database, database_url)


@pytest.fixture
def derived(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Ordinals of the rows that are derived, in their order."""
    begun: list[int] = []

    def counted(seed: Seed, setting: EvolveSetting) -> Any:
        begun.append(seed.ordinal)
        return evolve_row(seed, setting)

    monkeypatch.setattr(instruct, "evolve_row", counted)
    return begun


def evolve(runs: Runs, tmp_path: Path, key: str = "a", **said: Any) -> dict[str, Any]:
    """The stage as a new attempt of the run with this key."""
    return runs.run(runs.order(recipe(tmp_path, SEEDS), key, "evolve"), **said)


def seeded(runs: Runs, tmp_path: Path, key: str = "a") -> None:
    runs.run(runs.order(recipe(tmp_path, SEEDS), key, "seed"))


def own(output: dict[str, Any]) -> dict[str, Any]:
    """An output without what its attempt did."""
    return {name: value for name, value in output.items() if name != "requests"}


def seven(request: Request) -> str:
    """Evolves each row, and never refuses."""
    asked = request.texts[-1]
    return f"{next(seed for seed in [*SEEDS, asked] if seed in asked)} Mind detail {request.hash[:6]}."


def broken_off(runs: Runs, tmp_path: Path, answers: int) -> None:
    seeded(runs, tmp_path)
    with pytest.raises(EngineError):
        evolve(runs, tmp_path, reply=seven, fail_after=answers)


def test_a_stage_goes_on_behind_its_last_finished_piece(
    tmp_path: Path, runs: Runs, derived: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "drive", one_row_after_the_other)
    broken_off(runs, tmp_path, answers=14)
    assert derived == [0, 1, 2, 3]
    derived.clear()

    output = evolve(runs, tmp_path, reply=seven)

    assert derived == [2, 3, 4, 5, 6], "rows 0 and 1 were a piece; row 2 was done, but its piece was not"
    assert output["counts"] == {"accepted": 14, "rejected": 0, "failed": 0}
    assert output["requests"]["replayed"] + output["requests"]["generated"] == 28
    assert output["requests"]["replayed"] == 14


def one_row_after_the_other(programs: Any, engine: Any) -> Iterator[Any]:
    """`drive`, but that no row begins before the last one has ended."""
    from evol_core.runner import drive

    return drive(programs, engine, window=1)


def test_a_stage_that_was_broken_off_puts_out_what_it_would_have(tmp_path: Path, runs: Runs) -> None:
    seeded(runs, tmp_path)
    whole = evolve(runs, tmp_path, reply=seven)
    forget_pieces(runs)

    seeded(runs, tmp_path, "b")
    parts = [evolve(runs, tmp_path, "b", reply=seven)]
    with runs.database.begin() as connection:
        connection.execute(sa.text("DELETE FROM lineage.finished_piece WHERE piece IN (1, 3)"))
    parts.append(evolve(runs, tmp_path, "b", reply=seven))

    assert [own(part) for part in parts] == [own(whole)] * 2


def forget_pieces(runs: Runs) -> None:
    with runs.database.begin() as connection:
        connection.execute(sa.text("DELETE FROM lineage.finished_piece"))


def test_a_finished_stage_derives_nothing_in_another_run(tmp_path: Path, runs: Runs, derived: list[int]) -> None:
    seeded(runs, tmp_path)
    first = evolve(runs, tmp_path, reply=seven)
    derived.clear()
    seeded(runs, tmp_path, "b")

    again = evolve(runs, tmp_path, "b", reply=seven)

    assert derived == []
    assert own(again) == own(first)
    assert again["requests"]["replayed"] == first["requests"]["generated"]


@pytest.mark.parametrize("harm", ["flipped", "cut", "gone"])
def test_a_piece_that_is_not_whole_is_derived_again_and_mended(
    tmp_path: Path, runs: Runs, derived: list[int], harm: str
) -> None:
    seeded(runs, tmp_path)
    first = evolve(runs, tmp_path, reply=seven)
    derived.clear()
    store = ObjectStore(runs.settings.objects)
    path = store.path(first["parts"][1])
    data = path.read_bytes()
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(data[:-9] if harm == "cut" else data[:99] + bytes([data[99] ^ 1]) + data[100:])

    again = evolve(runs, tmp_path, reply=seven)

    assert derived == [2, 3, 4, 5, 6]
    assert own(again) == own(first)
    store.verify(first["parts"][1])


def test_other_code_derives_its_own_rows(
    tmp_path: Path, runs: Runs, derived: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    seeded(runs, tmp_path)
    evolve(runs, tmp_path, reply=seven)
    derived.clear()
    monkeypatch.setattr(pieces, "source_hash", lambda: "other code")

    evolve(runs, tmp_path, reply=seven)

    assert len(derived) == len(SEEDS)


def test_another_rule_of_acceptance_derives_its_own_rows(tmp_path: Path, runs: Runs, derived: list[int]) -> None:
    seeded(runs, tmp_path)
    first = evolve(runs, tmp_path, reply=seven)
    derived.clear()
    strict = recipe(tmp_path, SEEDS, evolve={"rounds": 2, "acceptance": {"max_added_words": 1}})
    runs.run(runs.order(strict, "b", "seed"))

    refused = runs.run(runs.order(strict, "b", "evolve"), seven)

    assert len(derived) == len(SEEDS)
    assert (first["counts"]["accepted"], refused["counts"]["rejected"]) == (14, 14)


def test_another_dtype_of_the_scorer_gets_its_own_scores(tmp_path: Path, runs: Runs) -> None:
    """It is in no recipe's hash, since it is none of the rows' business."""

    def measured(request: Request) -> str | Losses:
        if isinstance(request, LossRequest):
            given = 0.5 if request.dtype == "float32" else 0.75
            return Losses(question=2.0, given=given, alone=1.0, n_question=5, n_answer=7, n_alone=6)
        return seven(request)

    ifd = []
    for dtype in ("float32", "bfloat16"):
        said = recipe(
            tmp_path,
            SEEDS,
            models={"default": {"path": "tiny"}, "scorer": {"path": "tiny", "dtype": dtype}},
            score={"metrics": ["ifd"], "scorer": "scorer"},
        )
        for stage in ("seed", "evolve", "score"):
            output = runs.run(runs.order(said, dtype, stage), measured)
        store = ObjectStore(runs.settings.objects)
        ifd.append({row["value"] for part in output["parts"] for row in store.rows(part)})

    assert ifd == [{0.5}, {0.75}]


def test_a_forgotten_answer_takes_its_pieces_along(tmp_path: Path, runs: Runs) -> None:
    """Else rows would stay that tell of an answer which nobody can read any more."""
    seeded(runs, tmp_path)
    evolve(runs, tmp_path, reply=seven)
    with runs.database.connect() as connection:
        sha256 = connection.execute(
            sa.text("SELECT encode(f.sha256, 'hex') FROM lineage.generation JOIN lineage.object_file f USING (file_id)")
        ).scalars()
        lost = set(sha256)
    store = ObjectStore(runs.settings.objects)
    for one in lost:
        store.path(one).unlink()
        with runs.database.begin() as connection:
            forget_object(connection, store, one)

    again = evolve(runs, tmp_path, reply=lambda request: f"{seven(request)} Anew.")

    assert again["requests"]["generated"] == 28
    texts = [row["instruction"] for part in again["parts"] for row in store.rows(part)]
    assert all(text.endswith("Anew.") for text in texts)


def test_an_attempt_that_was_overtaken_harms_nothing(tmp_path: Path, runs: Runs) -> None:
    seeded(runs, tmp_path)
    newer: list[dict[str, Any]] = []

    def overtaken(request: Request) -> str:
        if not newer:
            newer.append({})
            newer[0] = evolve(runs, tmp_path, reply=seven)
        return f"{seven(request)} Too late."

    with pytest.raises(Fenced):
        evolve(runs, tmp_path, reply=overtaken)

    again = evolve(runs, tmp_path, reply=reply)
    assert own(again) == own(newer[0])
    assert again["requests"]["generated"] == 0


def test_old_pieces_are_given_up_and_what_a_stage_put_out_stays(tmp_path: Path, runs: Runs) -> None:
    seeded(runs, tmp_path)
    output = evolve(runs, tmp_path, reply=seven)
    store = ObjectStore(runs.settings.objects)
    with runs.database.begin() as connection:
        for attempt_id in connection.execute(sa.text("SELECT attempt_id FROM lineage.task_attempt")).scalars():
            finish_attempt(connection, attempt_id, "success")

    assert collect_garbage(runs.database, store, timedelta(days=1), remove=True).pieces == 0
    with runs.database.begin() as connection:
        connection.execute(sa.text("UPDATE lineage.finished_piece SET written_at = now() - interval '2 days'"))
    assert collect_garbage(runs.database, store, timedelta(days=1), remove=True).pieces == len(output["parts"])
    for part in output["parts"]:
        store.verify(part)
