"""The publish protocol against its model; and three faults planted in it, each of which the model must find."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from evol_core.errors import EvolError
from evol_core.lineage.database import raw_cursor
from evol_core.lineage.migrate import SQL
from evol_core.store.objects import ObjectStore
from tests.integration.faults.lengths import LONG
from tests.integration.faults.protocol import Protocol, surroundings

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

PROFILE = settings(
    max_examples=200 if LONG else 10,
    stateful_step_count=30 if LONG else 15,
    deadline=None,
    database=None,
    derandomize=not LONG,
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
)

HUNT = settings(PROFILE, max_examples=500, stateful_step_count=20, phases=(Phase.generate,), derandomize=True)
"""For a planted fault: look long enough, and do not take the time to make the history short."""


def machine(database: sa.Engine, folder: Path) -> type[Protocol]:
    class Here(Protocol):
        around = surroundings(database, ObjectStore(folder))

    return Here


def test_the_protocol_does_what_its_model_says(database: sa.Engine, tmp_path: Path) -> None:
    run_state_machine_as_test(machine(database, tmp_path), settings=PROFILE)


def without(text: str, name: str = "publish_version") -> Callable[[sa.Engine], None]:
    """Plants a fault: the function as it is written in sql/, with a part of it left out."""

    def plant(database: sa.Engine) -> None:
        written = newest_definition(name)
        assert text in written, f"{name} has changed; plant the fault anew"
        mutant = written.replace(text, "").replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
        with database.begin() as connection, raw_cursor(connection) as cursor:
            cursor.execute(mutant)

    return plant


def newest_definition(name: str) -> str:
    """The last definition of a function in sql/, from its first word to the end of its body."""
    written = ""
    for path in sorted(SQL.glob("[0-9]*.sql")):
        text = path.read_text(encoding="utf-8")
        for start in ("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"):
            if (place := text.find(f"{start} lineage.{name}(")) >= 0:
                written = text[place : text.index("END $$;", place) + len("END $$;")]
    return written


FAULTS = {
    "a superseded attempt is not refused": without("    PERFORM lineage.check_not_fenced(p_attempt);\n"),
    "base and version are not compared": without(
        "    IF p_base IS DISTINCT FROM d.head_version OR p_version <> next_version THEN\n"
        "        RAISE EXCEPTION '% moved: built version % on head %, but its head is % and its next version %',\n"
        "            p_name, p_version, p_base, d.head_version, next_version USING ERRCODE = '40001';\n"
        "    END IF;\n"
    ),
    "the same content is not looked for": without(
        "    RETURN QUERY SELECT v.version, v.state, true FROM lineage.dataset_version v\n"
        "        WHERE v.dataset_id = d.dataset_id AND v.manifest_hash = p_manifest;\n"
        "    IF FOUND THEN\n        RETURN;\n    END IF;\n"
    ),
}


@pytest.mark.parametrize("plant", FAULTS.values(), ids=FAULTS)
def test_a_planted_fault_is_found(database: sa.Engine, tmp_path: Path, plant: Callable[[sa.Engine], None]) -> None:
    found_by = machine(database, tmp_path)
    plant(database)

    with pytest.raises((AssertionError, EvolError, sa.exc.SQLAlchemyError)):
        run_state_machine_as_test(found_by, settings=HUNT)
