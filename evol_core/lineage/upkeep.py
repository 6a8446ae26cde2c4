"""Looking after the database: versions to verify, ids that lead nowhere, figures that analysts wait for."""

import sqlalchemy as sa

from evol_core.lineage.rows_of import rows_of


def versions_kept(connection: sa.Connection, *, heads_only: bool = False, state: str | None = None) -> list[str]:
    """NAME@V of every version that may be read, in order; retracted ones are not among them."""
    rows = rows_of(
        connection,
        "SELECT dataset, version FROM analytics.dataset_version_summary "
        "WHERE state <> 'retracted' AND (is_head OR NOT :heads_only) AND (state = :state OR :state IS NULL) "
        "ORDER BY dataset, version",
        heads_only=heads_only,
        state=state,
    )
    return [f"{row['dataset']}@{row['version']}" for row in rows]


def dangling_ids(connection: sa.Connection) -> dict[str, int]:
    """How many ids of each kind lead nowhere, over all of the lineage. Bulk tables have no foreign keys."""
    (counts,) = rows_of(connection, f"SELECT {', '.join(f'({query}) AS {name}' for name, query in _DANGLING.items())}")
    return {name: count for name, count in counts.items() if count}


_DANGLING = {
    "derivation_child": """
        SELECT count(*) FROM lineage.derivation e
        WHERE NOT EXISTS (SELECT FROM lineage.instruction i WHERE i.instruction_id = e.child_id)""",
    "derivation_parent": """
        SELECT count(*) FROM lineage.derivation e
        WHERE NOT EXISTS (SELECT FROM lineage.instruction i WHERE i.instruction_id = e.parent_id)""",
    "derivation_step": """
        SELECT count(*) FROM lineage.derivation e
        WHERE NOT EXISTS (SELECT FROM lineage.step s WHERE s.step_id = e.step_id)""",
    "response_instruction": """
        SELECT count(*) FROM lineage.response r
        WHERE NOT EXISTS (SELECT FROM lineage.instruction i WHERE i.instruction_id = r.instruction_id)""",
    "row_location_row": """
        SELECT count(*) FROM lineage.row_location l
        WHERE NOT EXISTS (SELECT FROM lineage.instruction i WHERE i.instruction_id = l.row_id)""",
    "row_location_file": """
        SELECT count(*) FROM lineage.row_location l
        WHERE NOT EXISTS (SELECT FROM lineage.object_file f WHERE f.file_id = l.file_id)""",
    "outcome_row": """
        SELECT count(*) FROM lineage.outcome o WHERE o.row_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM lineage.instruction i WHERE i.instruction_id = o.row_id)""",
    "outcome_response": """
        SELECT count(*) FROM lineage.outcome o WHERE o.response_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM lineage.response r WHERE r.response_id = o.response_id)""",
}


def refresh_figures(engine: sa.Engine) -> int:
    """Make the score figures of every head anew, and the planner's own statistics; the number of versions."""
    with engine.begin() as connection:
        heads = rows_of(connection, "SELECT dataset_id FROM lineage.dataset WHERE head_version IS NOT NULL")
    for head in heads:
        with engine.begin() as connection:
            connection.execute(_REFRESH, head)
    with engine.begin() as connection:
        connection.execute(sa.text("ANALYZE"))
    return len(heads)


_REFRESH = sa.text("""
    WITH locked AS (
        SELECT dataset_id, head_version FROM lineage.dataset WHERE dataset_id = :dataset_id FOR UPDATE
    )
    SELECT lineage.summarise_scores(dataset_id, head_version) FROM locked
""")
"""Under the dataset's lock: two who sum up one version at once would leave its lines twice."""
