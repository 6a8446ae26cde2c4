"""What hangs on one seed, one model or one prompt: rows, versions, training runs and checkpoints."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import sqlalchemy as sa

from evol_core.errors import NotFound
from evol_core.lineage.row import as_uuid, near_rows
from evol_core.lineage.rows_of import rows_of

SHORTEST_PREFIX = 6
"""Hex digits that a prompt's or a checkpoint's hash may be cut to."""

NAMED = 5
"""Known names that an error lists at most."""


def seed_impact(connection: sa.Connection, seed_id: str, *, limit: int) -> dict[str, Any]:
    """All that came of a seed.

    Args:
        limit: descendants to list at most; they are counted in full.

    Returns:
        `of`, `uses` (where the seed stood), `n_rows` (the seed and all its descendants), `rows`, `versions`,
        `checkpoints`.

    Raises:
        NotFound: there is no such row, or it is no seed; the message names known ones.
    """
    key = as_uuid(seed_id)
    origins = rows_of(
        connection,
        "SELECT source, line, licence FROM lineage.seed_origin WHERE instruction_id = :id ORDER BY source, line",
        id=key,
    )
    if not origins:
        raise NotFound(_no_seed(connection, key))
    return _impact(connection, {"seed": key}, origins, "ARRAY[CAST(:seed AS uuid)]", limit)


def model_impact(connection: sa.Connection, name: str, *, limit: int) -> dict[str, Any]:
    """All that a model made or answered, and what was evolved from that; what it scored and what was trained from it.

    Returns:
        As `seed_impact`; `uses` says what it did for which version.

    Raises:
        NotFound: no such model is recorded; the message names those that are near.
    """
    known = _names(connection, "SELECT DISTINCT name FROM lineage.model UNION SELECT name FROM lineage.scorer")
    if name not in known or not name:
        raise NotFound(f"there is no model {name!r}; {_near(name, known)}")
    uses = rows_of(connection, "SELECT * FROM analytics.model_uses(:model)", model=name)
    return _impact(connection, {"model": name}, uses, "ARRAY(SELECT analytics.rows_by_model(:model))", limit)


def prompt_impact(connection: sa.Connection, prompt: str, *, limit: int) -> dict[str, Any]:
    """All that a prompt made, and what was evolved from that.

    Args:
        prompt: the beginning of the SHA-256 of its body, SHORTEST_PREFIX digits or more.

    Returns:
        As `seed_impact`; `uses` says for which version by which operator and model.

    Raises:
        NotFound: no such prompt is recorded, or several are; the message names those that are near.
    """
    prompts = rows_of(
        connection, "SELECT DISTINCT encode(sha256, 'hex') AS hash, name FROM lineage.prompt ORDER BY 2, 1"
    )
    found = whole_hash("prompt", prompt, {row["hash"]: row["name"] for row in prompts})
    uses = rows_of(
        connection,
        "SELECT dataset, version, state, operator, round, prompt, model, n_rows FROM analytics.step_use "
        "WHERE prompt_hash = :prompt ORDER BY dataset, version, operator, round",
        prompt=found,
    )
    return _impact(connection, {"prompt": found}, uses, "ARRAY(SELECT analytics.rows_by_prompt(:prompt))", limit)


def whole_hash(what: str, wanted: str, known: Mapping[str, str]) -> str:
    """The one known hash that begins so.

    Args:
        known: names by hash.

    Raises:
        NotFound: none or several do; the message names those that are near.
    """
    found = [sha256 for sha256 in known if sha256.startswith(wanted.lower())]
    if len(found) == 1 and len(wanted) >= SHORTEST_PREFIX:
        return found[0]
    by_name = [sha256 for sha256, name in known.items() if name == wanted]
    near = by_name or found or get_close_matches(wanted.lower(), known, n=NAMED, cutoff=0.3) or list(known)
    named = ", ".join(f"{sha256[:12]} ({known[sha256]})" for sha256 in near[:NAMED]) or "none yet"
    raise NotFound(
        f"there is no {what} {wanted!r}; known near it: {named}. "
        f"Give its SHA-256 or at least the first {SHORTEST_PREFIX} digits of it"
    )


def _impact(
    connection: sa.Connection, of: dict[str, str], uses: list[dict[str, Any]], roots: str, limit: int
) -> dict[str, Any]:
    """What came of some rows; `roots` is SQL for their ids, from our own words alone."""
    counted = rows_of(connection, f"SELECT count(*) AS n FROM analytics.descendants({roots})", **of)
    return {
        "of": of,
        "uses": uses,
        "n_rows": counted[0]["n"],
        "rows": rows_of(connection, _ROWS.format(roots=roots), **of, limit=limit),
        "versions": rows_of(connection, f"SELECT * FROM analytics.affected_versions({roots})", **of),
        "checkpoints": rows_of(connection, f"SELECT * FROM analytics.affected_checkpoints({roots})", **of),
    }


_ROWS = """
    SELECT line.instruction_id, line.depth, i.head
    FROM (SELECT * FROM analytics.descendants({roots}) LIMIT :limit) line
    LEFT JOIN lineage.instruction i USING (instruction_id)
    ORDER BY line.depth, line.instruction_id
"""


def _no_seed(connection: sa.Connection, key: str) -> str:
    """Why an id leads to no seed: its own seeds, or known ids near it."""
    seeds = _names(
        connection,
        "SELECT instruction_id::text FROM analytics.ancestors(CAST(:id AS uuid)) "
        "WHERE depth > 0 AND instruction_id IN (SELECT instruction_id FROM lineage.seed_origin) ORDER BY depth LIMIT 5",
        id=key,
    )
    if seeds:
        return f"row {key} is no seed; it was evolved from seeds {', '.join(seeds)}"
    return f"there is no seed {key}; known ids near it: {near_rows(connection, 'seed_origin', key)}"


def _near(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=NAMED)
    return f"did you mean {' or '.join(near)}?" if near else f"known: {[name for name in known if name] or 'none yet'}"


def _names(connection: sa.Connection, query: str, **parameters: Any) -> list[str]:
    return [str(name) for name in connection.execute(sa.text(query), parameters).scalars()]
