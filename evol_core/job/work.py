"""`python -m evol_core.job.work FOLDER FD`: the process that computes. Started by the supervisor only."""

import ctypes
import logging
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evol_core.config import Settings
from evol_core.errors import EvolError
from evol_core.job.folder import JobError, JobFolder
from evol_core.job.messages import Sender
from evol_core.job.spec import JobSpec
from evol_core.job.surroundings import settings_from

PR_SET_PDEATHSIG = 1

Report = Callable[[dict[str, Any]], None]
"""Takes the fields of a Progress."""

Work = Callable[[JobSpec, Settings, Report], dict[str, Any]]

COLLECTING = "housekeeping"
"""The flow that collects garbage: it must know first which jobs are dead and need nothing any more."""

log = logging.getLogger(__name__)


def run_stage(spec: JobSpec, settings: Settings, report: Report) -> dict[str, Any]:
    """What jobs are for: one stage of the pipeline.

    Raises:
        EvolError: whatever the stage says.
    """
    from evol_core.pipeline import Order, run
    from evol_core.recipe import parse_recipe

    order = Order(
        flow=spec.flow,
        stage=spec.stage,
        shard=spec.shard,
        shards=spec.shards,
        recipe=parse_recipe(dict(spec.recipe), origin="the job's recipe"),
        run_id=spec.run_id,
        attempt_id=spec.attempt_id,
    )
    state = "failed"
    try:
        if spec.flow == COLLECTING:
            _note_dead_jobs(settings)
        output = run(order, settings, lambda progress: report(asdict(progress)))
        state = "success"
        return output
    finally:
        _note_end(settings, spec.attempt_id, state)


def _note_dead_jobs(settings: Settings) -> None:
    from evol_core.job.lost import note_ended
    from evol_core.lineage.database import connect

    engine = connect(settings.database_url)
    try:
        note_ended(engine, settings)
    finally:
        engine.dispose()


def _note_end(settings: Settings, attempt_id: int, state: str) -> None:
    """In lineage; a database that is away must not hide how the stage itself ended."""
    from evol_core.lineage.database import connect
    from evol_core.lineage.runs import finish_attempt

    engine = connect(settings.database_url)
    try:
        with engine.begin() as connection:
            finish_attempt(connection, attempt_id, state)
    except EvolError as error:
        log.warning("the end of attempt %d could not be noted: %s", attempt_id, error)
    finally:
        engine.dispose()


def main(work: Work = run_stage) -> int:
    """Do the work of the folder's spec, and tell the supervisor."""
    _die_with_the_supervisor()
    signal.signal(signal.SIGTERM, _leave)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    folder, sender = JobFolder(Path(sys.argv[1])), Sender(int(sys.argv[2]))
    spec = folder.spec()
    assert spec is not None
    output, error = _outcome(work, spec, lambda said: sender.send({"progress": said}))
    sender.send({"result": {"output": output, "error": asdict(error) if error else None}})
    return error.exit_code if error else 0


def _outcome(work: Work, spec: JobSpec, report: Report) -> tuple[dict[str, Any], JobError | None]:
    try:
        return work(spec, settings_from(os.environ), report), None
    except EvolError as error:
        log.error("%s: %s", type(error).__name__, error)
        return {}, JobError(
            type=type(error).__name__, message=str(error), retryable=error.retryable, exit_code=error.exit_code
        )
    except Exception as error:
        log.exception("stage %s of run %d, shard %d", spec.stage, spec.run_id, spec.shard)
        message = f"stage {spec.stage!r} failed with {type(error).__name__}: {error}; the job's log has the traceback"
        return {}, JobError(type=type(error).__name__, message=message, retryable=True, exit_code=EvolError.exit_code)


def _die_with_the_supervisor() -> None:
    supervisor = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != supervisor:
        sys.exit(1)


def _leave(number: int, frame: object) -> None:
    """Leave through every `finally`, once: engines are closed, nothing half done is committed."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
