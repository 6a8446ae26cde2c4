"""How a DAG run goes, for a person: a live table on a terminal, a line a change elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table

from evol_core.cli.output import say
from evol_core.job.folder import JobFolder
from evol_core.platform.dag_runs import DagRun, TaskTry

RunDisplay = Callable[[list[TaskTry]], None]

WORDS = {
    "deferred": "its job runs",
    "up_for_retry": "failed, will be tried again",
    "awaiting_input": "waits for a person",
    "success": "done",
    "failed": "failed",
    "skipped": "skipped",
    "upstream_failed": "not run, as something before it failed",
}
"""Airflow's states that say something to whoever waits; the others come and go."""

LINE_ROWS = 0.1
"""Elsewhere than on a terminal, a job's progress is a line each tenth of its rows."""


@contextmanager
def display(home: Path, run: DagRun) -> Iterator[RunDisplay]:
    """Shows the tasks that it is called with, and the jobs behind them."""
    if not sys.stderr.isatty():
        yield _Lines(home, run).show
        return
    with Live(console=Console(stderr=True), auto_refresh=False) as live:
        yield lambda tasks: live.update(_table(home, run, tasks), refresh=True)


class _Lines:
    def __init__(self, home: Path, run: DagRun) -> None:
        self._home = home
        self._run = run
        self._states: dict[str, tuple[str, int]] = {}
        self._shares: dict[str, int] = {}

    def show(self, tasks: list[TaskTry]) -> None:
        for task in tasks:
            if task.state in WORDS and self._states.get(task.label) != (now := (task.state, task.try_number)):
                self._states[task.label] = now
                say(f"{task.label}: {WORDS[task.state]}{_try(task)}")
        for name, line, share in jobs_of(self._home, self._run):
            if self._shares.get(name) != (tenths := int(share / LINE_ROWS)):
                self._shares[name] = tenths
                say(f"{name}: {line}")


def _table(home: Path, run: DagRun, tasks: list[TaskTry]) -> Table:
    table = Table(title=run.run_id, title_justify="left")
    for name in ("task", "state"):
        table.add_column(name)
    for task in tasks:
        table.add_row(task.label, WORDS.get(task.state or "", task.state or "") + _try(task))
    for name, line, _ in jobs_of(home, run):
        table.add_row(f"  job {name}", line)
    return table


def _try(task: TaskTry) -> str:
    return f" (try {task.try_number})" if task.try_number > 1 else ""


def jobs_of(home: Path, run: DagRun) -> Iterator[tuple[str, str, float]]:
    """Living jobs of the run: name, progress in a line, share of rows done."""
    for path in sorted((home / "jobs").glob("*/*/process.json")):
        folder = JobFolder(path.parent)
        spec, progress = folder.spec(), folder.progress()
        if spec is None or progress is None or (spec.flow, spec.run_key) != (run.dag, run.run_id):
            continue
        if progress.stage and folder.alive():
            yield spec.task, progress.line.removeprefix(f"{spec.stage}: "), progress.done / max(progress.total, 1)
