"""Cross-validation of a file on the command line."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from evol_core.cli.output import AsJson, command, emit, say
from evol_core.errors import InputError, SandboxUnavailable
from evol_core.sandbox.supervisor import Sandbox
from evol_core.verify.files import CrosscheckSummary, crosscheck_file, known_policies, lost_functions

EVERY_S = 2.0
SHOWN_BROKEN = 20


def register(app: typer.Typer) -> None:
    app.command("crosscheck")(crosscheck)


@command
def crosscheck(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help='Rows of {"instruction", "gpt-answer": [replies]}.', show_default=False),
    ],
    output: Annotated[Path, typer.Option(help="Where the rows go: .jsonl, .json or .parquet.", show_default=False)],
    policy: Annotated[str, typer.Option(help=f"How many must agree: {known_policies()}.")] = "upstream",
    strict_expectations: Annotated[
        bool, typer.Option("--strict-expectations", help='Take "True" for a text, not for true.')
    ] = False,
    workers: Annotated[int, typer.Option(min=1, help="Checkers that run at once.")] = 2,
    as_json: AsJson = False,
) -> None:
    """Run generated checkers on each other's cases and keep those that agree; exits with 0 where every row is there."""
    with Sandbox(n_workers=workers) as sandbox, _progress() as report:
        summary = crosscheck_file(file, policy, strict_expectations, output, sandbox=sandbox, report=report)
    emit(_shown(summary, output), as_json=as_json, title=f"{file}: {policy}")
    _demand_all(summary, file, output)


def _shown(summary: CrosscheckSummary, output: Path) -> dict[str, Any]:
    counts = {name: dict(value) if isinstance(value, dict) else value for name, value in vars(summary).items()}
    counts["layers"] = list(summary.layers)
    counts["broken_rows"] = len(summary.broken_rows)
    return {**counts, "output": str(output)}


def _demand_all(summary: CrosscheckSummary, file: Path, output: Path) -> None:
    """Name what is missing from the output, and fail where something is."""
    for row in summary.broken_rows[:SHOWN_BROKEN]:
        say(f"{file}:{row.line}: {row.problem}")
    if summary.broken_rows:
        raise InputError(
            f"{len(summary.broken_rows)} rows of {file} cannot be read (the first {SHOWN_BROKEN} are named above); "
            f"the other {summary.instructions} are in {output}. Mend them and run the command again"
        )
    if lost := lost_functions(summary):
        raise SandboxUnavailable(
            f"{lost} checkers could not be judged, because the sandbox ended under them; they are in {output} with the "
            "reason 'lost'. Run the command again"
        )


@contextmanager
def _progress() -> Iterator[Callable[[int], None]]:
    """Tells how many instructions are done: a living line on a terminal, now and then a plain one elsewhere."""
    if not sys.stderr.isatty():
        yield _every(EVERY_S, lambda done: say(f"{done} instructions done"))
        return
    columns = (TextColumn("{task.completed} instructions done"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("crosscheck", total=None)
        yield lambda done: bar.update(task, completed=done)


def _every(seconds: float, tell: Callable[[int], None]) -> Callable[[int], None]:
    last = time.monotonic()

    def report(done: int) -> None:
        nonlocal last
        if time.monotonic() - last >= seconds:
            last = time.monotonic()
            tell(done)

    return report
