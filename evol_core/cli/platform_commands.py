"""The embedded platform on the command line: up, down, status, logs, doctor."""

from dataclasses import asdict
from typing import Annotated

import typer

from evol_core.cli.output import AsJson, command, emit, say
from evol_core.platform.doctor import examine
from evol_core.platform.embedded import Part, log_file, log_in
from evol_core.platform.embedded import down as bring_down
from evol_core.platform.embedded import status as state_of
from evol_core.platform.embedded import up as bring_up
from evol_core.platform.log_lines import follow_lines, last_lines
from evol_core.platform.settings import machine_from_environment


def register(app: typer.Typer) -> None:
    for function in (up, down, status, logs, doctor):
        app.command()(function)


@command
def up(as_json: AsJson = False) -> None:
    """Bring the platform up: PostgreSQL, Airflow, the small model. Starts what is down, repairs what died."""
    machine = machine_from_environment()
    bring_up(machine, say)
    emit(log_in(machine), as_json=as_json, title="Evol is up")


@command
def down() -> None:
    """End every process of the platform, running jobs among them. Data stays."""
    machine = machine_from_environment()
    bring_down(machine)
    say(f"nothing of {machine.home} runs any more; its data is kept")


@command
def status(as_json: AsJson = False) -> None:
    """Say what runs. The exit code is 1 unless every part is healthy."""
    parts = state_of(machine_from_environment())
    emit([asdict(part) if as_json else _line(part) for part in parts], as_json=as_json, title="Evol's processes")
    if any(part.state != "healthy" for part in parts):
        raise typer.Exit(1)


@command
def logs(
    name: Annotated[str, typer.Argument(help="A part, as `evol status` names it.")] = "scheduler",
    lines: Annotated[int, typer.Option("-n", "--lines", min=0, help="How many from the end.")] = 50,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with what is written from now on.")] = False,
) -> None:
    """Print the end of a part's log."""
    path = log_file(machine_from_environment(), name)
    for line in follow_lines(path, lines) if follow else last_lines(path, lines):
        print(line, flush=follow)


@command
def doctor(as_json: AsJson = False) -> None:
    """Say what works on this machine, and what to do about what does not."""
    checks = examine(machine_from_environment())
    emit([asdict(check) for check in checks], as_json=as_json, title="What works here")
    if any(check.state == "fail" for check in checks):
        raise typer.Exit(1)


def _line(part: Part) -> dict[str, object]:
    since = f"{part.since.astimezone():%Y-%m-%d %H:%M:%S}" if part.since else None
    return {"name": part.name, "state": part.state, "pid": part.pid, "since": since, "where": part.url or part.log}
