"""The task that has a stage done by a job: it starts or attaches, waits, and reads the result.

It waits for a quick job where it is, for a longer one without a worker slot.
"""

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from evol_core.airflow.runs import Context, attempt_of, note_failure, run_of, transaction
from evol_core.airflow.trigger import EvolJobTrigger
from evol_core.config import Settings
from evol_core.errors import EvolError, JobFailed
from evol_core.job.folder import JobError, JobFolder
from evol_core.job.launch import WORKER, ask_to_stop, live_attempt, start_or_attach, stop
from evol_core.job.spec import JobSpec
from evol_core.job.surroundings import settings_from
from evol_core.recipe import Recipe, parse_recipe

LOG_LINES = 40
"""Of the job's log, in the task's."""


class EvolJobOperator(BaseOperator):
    """Runs one stage of a flow, for one shard or for all rows.

    A retry attaches to the job of an earlier try where that still runs. A person's clear, or a state set by hand,
    ends the job with every process of it.
    """

    template_fields: Sequence[str] = ("recipe", "shard")

    worker = WORKER
    """The module that does the work in the job."""

    quick_s = 20.0
    """A job that ends within so many seconds is waited for in the worker: deferring and coming back takes longer."""

    _following: tuple[JobFolder, str] | None = None
    """The job and its lease's owner, once this try has started or found it."""

    def __init__(
        self, *, flow: str, stage: str, recipe: Mapping[str, Any] | Any, shard: int | Any = None, **arguments: Any
    ) -> None:
        """`recipe` is plain data, mostly another task's output; `shard` None takes all rows."""
        super().__init__(**arguments)
        self.flow = flow
        self.stage = stage
        self.recipe = recipe
        self.shard = shard

    def execute(self, context: Context) -> dict[str, Any]:
        settings = settings_from(os.environ)
        recipe = parse_recipe(dict(self.recipe), origin="the run's recipe")
        owner = owner_of(context)
        spec = self._spec(context, recipe, settings)
        folder = start_or_attach(spec, settings, owner, worker=self.worker)
        self._following = folder, owner
        self.log.info("stage %s, attempt %d; its log is %s", spec.task, spec.attempt_id, folder.log)
        patience = self.execution_timeout
        deadline = time.time() + patience.total_seconds() if patience else None
        trigger = EvolJobTrigger(folder=str(folder.path), owner=owner, deadline=deadline)
        event = self._quick_end(trigger)
        if event is None:
            self.defer(trigger=trigger, method_name="finish")
        return self.finish(context, event)

    def finish(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """The job's small output.

        Raises:
            AirflowFailException: the job failed, and would again.
            JobFailed: the job failed; another try may pass.
        """
        folder = JobFolder(Path(event["folder"]))
        if event["reason"] == "lost":
            raise JobFailed(f"another try follows the job in {folder.path} now; this one lets go of it")
        if event["reason"] == "late":
            stop(folder, owner=event["owner"])
            _note_failure(folder)
            raise JobFailed(f"the job was not done within {self.execution_timeout} and was stopped; {_hint(folder)}")
        self.log.info("the end of %s:\n%s", folder.log, folder.log_tail(LOG_LINES))
        result = folder.result()
        if result is None or result.error is not None:
            self._fail(folder, None if result is None else result.error)
        return {name: value for name, value in result.output.items() if name != "parts"}

    def on_kill(self) -> None:
        """A person's word, or a newer try's, while the job was being started."""
        if self._following is not None:
            ask_to_stop(*self._following)

    def _quick_end(self, trigger: EvolJobTrigger) -> Mapping[str, Any] | None:
        """The trigger's event, or None where the job takes longer."""
        until = time.monotonic() + self.quick_s
        while time.monotonic() < until:
            if (event := trigger.look()) is not None:
                return event
            time.sleep(trigger.poll_s)
        return None

    def _spec(self, context: Context, recipe: Recipe, settings: Settings) -> JobSpec:
        """With the attempt that does this work already, or a new one: of two, lineage heeds only the newer."""
        with transaction(settings) as connection:
            run_id = run_of(context, recipe, connection)
        work = JobSpec(
            flow=self.flow,
            stage=self.stage,
            shard=self.shard or 0,
            shards=1 if self.shard is None else recipe.parts_of(self.stage),
            recipe=recipe.model_dump(mode="json"),
            run_id=run_id,
            attempt_id=0,
            run_key=context["dag_run"].run_id,
            created=time.time(),
        )
        attempt_id = live_attempt(work, settings)
        if attempt_id is None:
            with transaction(settings) as connection:
                attempt_id = attempt_of(context, run_id, self.stage, self.shard, connection)
        return replace(work, attempt_id=attempt_id)

    def _fail(self, folder: JobFolder, error: JobError | None) -> NoReturn:
        _note_failure(folder)
        if error is None:
            raise JobFailed(f"the job's processes are gone and left no result; {_hint(folder)}")
        if error.retryable:
            raise JobFailed(error.message)
        raise AirflowFailException(error.message)


def owner_of(context: Context) -> str:
    """This try of this task, for the job's lease."""
    ti = context["ti"]
    return f"{ti.dag_id} {ti.run_id} {ti.task_id} {ti.map_index} try {ti.try_number}"


def _note_failure(folder: JobFolder) -> None:
    """In lineage, for a job that was killed before it could; a database that is away must not hide the cause."""
    spec = folder.spec()
    if spec is not None:
        with suppress(EvolError):
            note_failure(settings_from(os.environ), spec.attempt_id)


def _hint(folder: JobFolder) -> str:
    return f"{folder.log} has its last words; a retry goes on from what was recorded"
