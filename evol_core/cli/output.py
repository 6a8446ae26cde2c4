"""How commands speak: tables for people, JSON for programs, one error with its next step."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Annotated, Any, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evol_core.errors import EvolError

P = ParamSpec("P")
R = TypeVar("R")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]

Row = Mapping[str, Any]

PLAIN_WIDTH = 160
"""Characters a line where there is no terminal to ask."""


def emit(data: Row | Sequence[Row], *, as_json: bool, title: str = "") -> None:
    """Print one record or rows: as JSON, or as a table (of two columns for one record)."""
    if as_json:
        print(json.dumps(data, ensure_ascii=False, indent=2, default=str))
        return
    table = _record_table(data, title) if isinstance(data, Mapping) else _rows_table(data, title)
    Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False).print(table)


def emit_parts(parts: dict[str, list[dict[str, Any]]]) -> None:
    """One table a part that has rows."""
    for name, rows in parts.items():
        if rows:
            emit(rows, as_json=False, title=name.replace("_", " "))


def say(text: str) -> None:
    """One line to a person; on standard error, so that it never mixes with data."""
    print(text, file=sys.stderr, flush=True)


def _record_table(record: Row, title: str) -> Table:
    table = Table(title=title or None, show_header=False, title_justify="left")
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in record.items():
        table.add_row(name, _cell(value))
    return table


def _rows_table(rows: Sequence[Row], title: str) -> Table:
    table = Table(title=title or None, title_justify="left")
    for name in rows[0] if rows else ["(no rows)"]:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    return table


def _cell(value: object) -> Text:
    """A value as plain text: what a model wrote can neither style nor steer the terminal."""
    if value is None:
        return Text("")
    if isinstance(value, float):
        return Text(f"{value:.4g}")
    text = json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, (dict, list, tuple)) else str(value)
    return Text("".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text))


@contextmanager
def plain_errors() -> Iterator[None]:
    """An EvolError becomes its message on standard error and its exit code; nothing else is caught."""
    try:
        yield
    except EvolError as error:
        say(f"error: {error}")
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        say("interrupted; what was recorded is kept, the same command goes on from there")
        raise typer.Exit(130) from None


def command(function: Callable[P, R]) -> Callable[P, R]:
    """A command whose errors are for a person to read."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with plain_errors():
            return function(*args, **kwargs)

    return run
