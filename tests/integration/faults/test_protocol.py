"""The protocol against its model; and faults planted in it, each of which the model must find."""

import re
from collections.abc import Callable
from dataclasses import dataclass
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
from tests.integration.faults.protocol import Caring, Collecting, Protocol, Publishing
from tests.integration.faults.protocol_model import surroundings

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

PROFILE = settings(
    max_examples=60 if LONG else 15,
    stateful_step_count=30 if LONG else 20,
    deadline=None,
    database=None,
    derandomize=not LONG,
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
)

HUNT = settings(PROFILE, max_examples=100, stateful_step_count=15, phases=(Phase.generate,), derandomize=False)
"""For a planted fault: none of its histories is made short once it is found."""

HUNTS = 20
"""Each begins anew: the rarest fault is found by about two in three, most by the first."""


def machine(kind: type[Publishing], database: sa.Engine, folder: Path) -> type[Publishing]:
    return type("Here", (kind,), {"around": surroundings(database, ObjectStore(folder))})


@pytest.mark.parametrize("kind", [Protocol, Publishing, Caring, Collecting] if LONG else [Protocol])
def test_the_protocol_does_what_its_model_says(database: sa.Engine, tmp_path: Path, kind: type[Publishing]) -> None:
    run_state_machine_as_test(machine(kind, database, tmp_path), settings=PROFILE)


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


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something wrong with the protocol."""

    kind: type[Publishing]
    """The machine that has the rules around it: the more rules, the rarer the few that lead to it."""

    plant: Callable[[sa.Engine], None]
    seen: str
    """What the model says when it has found it."""


FAULTS = {
    "a superseded attempt is not refused": Fault(
        kind=Publishing,
        plant=without("    PERFORM lineage.check_not_fenced(p_attempt);\n"),
        seen="wanted Fenced",
    ),
    "base and version are not compared": Fault(
        kind=Publishing,
        plant=without(
            "    IF p_base IS DISTINCT FROM d.head_version OR p_version <> next_version THEN\n"
            "        RAISE EXCEPTION '% moved: built version % on head %, but its head is % and its next version %',\n"
            "            p_name, p_version, p_base, d.head_version, next_version USING ERRCODE = '40001';\n"
            "    END IF;\n"
        ),
        seen="wanted VersionConflict",
    ),
    "the same content is not looked for": Fault(
        kind=Publishing,
        plant=without(
            "    RETURN QUERY SELECT v.version, v.state, true FROM lineage.dataset_version v\n"
            "        WHERE v.dataset_id = d.dataset_id AND v.manifest_hash = p_manifest;\n"
            "    IF FOUND THEN\n        RETURN;\n    END IF;\n"
        ),
        seen="moved: built version|superseded|manifest_hash",
    ),
    "a retracted head stays the head": Fault(
        kind=Caring,
        plant=without(
            "    UPDATE lineage.dataset SET head_version = (\n"
            "        SELECT max(version) FROM lineage.dataset_version\n"
            "        WHERE dataset_id = v.dataset_id AND state = 'published' AND version < p_version\n"
            "    ) WHERE dataset_id = v.dataset_id AND head_version = p_version;\n",
            "retract_version",
        ),
        seen="another version is the head",
    ),
    "a version that is not published becomes the head": Fault(
        kind=Caring,
        plant=without(
            "    IF v.state <> 'published' THEN\n"
            "        RAISE EXCEPTION '%@% is %; only a published version can be the head', p_name, p_version, v.state\n"
            "            USING ERRCODE = 'EV004';\n    END IF;\n",
            "rollback_version",
        ),
        seen="wanted ConfigError, but it went through",
    ),
    "an older version that is released becomes the head": Fault(
        kind=Caring,
        plant=without(" AND p_version > coalesce(head_version, 0)", "release_version"),
        seen="another version is the head",
    ),
    "the collector does not see what versions hold": Fault(
        kind=Collecting,
        plant=without(
            "    RETURN QUERY EXECUTE format("
            "'SELECT f.sha256 FROM lineage.object_file f WHERE f.file_id IN (%s)', pointers);\n",
            "needed_objects",
        ),
        seen="an object of a version was given up",
    ),
    "the collector does not see what stages hand on": Fault(
        kind=Collecting,
        plant=without(
            "    RETURN QUERY SELECT DISTINCT decode(named[1], 'hex')\n"
            "        FROM lineage.stage_output o, regexp_matches(o.output::text, '[0-9a-f]{64}', 'g') named;\n",
            "needed_objects",
        ),
        seen="an object that is needed is gone",
    ),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_planted_fault_is_found(database: sa.Engine, tmp_path: Path, fault: Fault) -> None:
    found_by = machine(fault.kind, database, tmp_path)
    fault.plant(database)

    said = next(filter(None, (hunt(found_by) for _ in range(HUNTS))), "")

    assert re.search(fault.seen, said), f"{HUNTS} hunts did not find it"


def hunt(machine: type[Publishing]) -> str:
    """What the model says against the protocol; empty where it found nothing."""
    try:
        run_state_machine_as_test(machine, settings=HUNT)
    except (AssertionError, EvolError, sa.exc.SQLAlchemyError) as error:
        return str(error) or repr(error)
    return ""
