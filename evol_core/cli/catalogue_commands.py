"""Versions for other tools: cards."""

from pathlib import Path
from typing import Annotated

import typer

from evol_core.cli.database import open_database
from evol_core.cli.output import AsJson, command, emit
from evol_core.lineage.versions import resolve
from evol_core.store.objects import ObjectStore


@command
def card(
    spec: Annotated[str, typer.Argument(metavar="NAME[@V]", help="A published version.")],
    output: Annotated[Path, typer.Option(help="A new folder.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Write a version's folder: its data, a Hugging Face card, a Croissant file."""
    from evol_core.catalogue.card import write_card
    from evol_core.catalogue.facts import facts_of

    with open_database() as (settings, connection):
        store = ObjectStore(settings.objects)
        facts = facts_of(connection, store, resolve(connection, spec))
    files = write_card(store, facts, output)
    rows = [{"file": str(path.relative_to(output)), "bytes": path.stat().st_size} for path in files]
    emit(rows, as_json=as_json, title=f"{facts.version.spec} in {output}")
