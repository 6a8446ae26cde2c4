"""Attempts whose job ended without saying so to the lineage: killed, or while the database was away."""

import sqlalchemy as sa

from evol_core.config import Settings
from evol_core.job.launch import all_jobs
from evol_core.lineage.runs import finish_attempt


def note_ended(engine: sa.Engine, settings: Settings) -> None:
    """Say of the attempts of this home's dead jobs that they are at work no more: they hold no garbage back.

    Raises:
        JobFailed: another process has been starting or stopping one of the jobs for long.
        DatabaseError: the database cannot be reached or written to.
    """
    ended = ended_attempts(settings)
    with engine.begin() as connection:
        for attempt_id, state in ended.items():
            finish_attempt(connection, attempt_id, state)


def ended_attempts(settings: Settings) -> dict[int, str]:
    """How the attempts of this home's dead jobs ended: `success`, `failed`, or `lost` where nobody could tell.

    Raises:
        JobFailed: another process has been starting or stopping one of the jobs for long.
    """
    ended: dict[int, str] = {}
    for folder in all_jobs(settings):
        with folder.locked():
            spec, result = folder.spec(), folder.result()
            if spec is None or folder.alive():
                continue
            ended[spec.attempt_id] = "lost" if result is None else _STATES[result.state]
    return ended


_STATES = {"done": "success", "failed": "failed"}
