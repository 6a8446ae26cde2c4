"""Attempts whose job died without a word hold no garbage back: collecting it notes first that they have ended."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from evol_core.config import Settings
from evol_core.job.launch import job_folder
from evol_core.job.spec import JobSpec
from evol_core.job.work import run_stage
from tests.integration.job.conftest import SpecMaker
from tests.integration.lineage_rows import new_attempt

pytestmark = pytest.mark.postgres


@pytest.fixture
def house(settings: Settings, database: sa.Engine, database_url: str, make_spec: SpecMaker) -> tuple[Settings, JobSpec]:
    """Housekeeping to be done, in a home with a job that left its spec and nothing else."""
    settings = replace(settings, database_url=database_url)
    dead = make_spec(new_attempt(database, task="evolve"))
    folder = job_folder(dead, settings)
    with folder.locked():
        folder.write(dead)
    said = {"flow": "housekeeping", "name": "housekeeping", "models": {}}
    keeper = replace(make_spec(new_attempt(database, run_key="week-1")), flow="housekeeping", stage="collect")
    return settings, replace(keeper, recipe=said, run_id=2, shard=0, shards=1)


def states(database: sa.Engine) -> list[str]:
    with database.connect() as connection:
        query = "SELECT state FROM lineage.task_attempt ORDER BY attempt_id"
        return list(connection.execute(sa.text(query)).scalars())


def test_housekeeping_notes_dead_jobs(house: tuple[Settings, JobSpec], database: sa.Engine) -> None:
    settings, keeper = house
    assert states(database) == ["running", "running"]

    run_stage(keeper, settings, lambda progress: None)

    assert states(database) == ["lost", "success"]
