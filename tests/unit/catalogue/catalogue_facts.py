"""A version and what is known of it, for tests without a database."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from evol_core.catalogue.facts import Column, Facts
from evol_core.lineage.versions import Version
from evol_core.store.objects import ObjectStore

STEP = {
    "operator": "deepen",
    "round": 0,
    "prompt": "deepen",
    "prompt_hash": "ab" * 32,
    "model": "smollm2",
    "revision": "w1",
    "size_class": "slm",
    "decoding_hash": "cd" * 32,
    "rows": 3,
}


def some_facts(store: ObjectStore, *, parts: int = 1, **changes: Any) -> Facts:
    """A version of two rows a part."""
    table = pa.table({"ordinal": [0, 1], "instruction": ["Name a | river.", "Add."], "score_ifd": [0.5, None]})
    data = tuple(store.put(table.set_column(0, "ordinal", [[part, part + 1]])) for part in range(parts))
    n_rows = sum(stored.n_rows for stored in data)
    version = Version(
        name="evol", version=3, dataset_id=1, kind="dataset", state="published", data=data, refused=(), scores=()
    )
    said: dict[str, Any] = {
        "version": version,
        "summary": {
            "state": "published",
            "n_rows": n_rows,
            "n_in": n_rows + 1,
            "n_accepted": n_rows,
            "n_rejected": 1,
            "n_failed": 0,
            "n_bytes": sum(stored.n_bytes for stored in data),
            "n_objects": parts,
            "closed_gates": [],
            "recipe_hash": "ef" * 32,
            "code_version": "0.1.0+abc123",
        },
        "created": datetime(2026, 11, 23, 2, 30, tzinfo=UTC),
        "began": datetime(2026, 11, 23, 2, 0, tzinfo=UTC),
        "attempt": {
            "flow": "evol_instruct",
            "run_key": "night-1",
            "task": "publish",
            "shard": -1,
            "try_number": 1,
        },
        "parents": (("evol.seeds", 2),),
        "columns": (
            Column("ordinal", "int64", "Number of the seed."),
            Column("instruction", "string", "The instruction."),
            Column("score_ifd", "double", ""),
        ),
        "licences": ("CC0-1.0",),
        "steps": [STEP],
        "metrics": [{"metric": "ifd", "scorer": "s", "rows": n_rows, "scored": parts, "mean": 0.5}],
        "refused": [{"stage": "evolve", "status": "rejected", "reason": "too_long", "n": 1, "share": 0.2}],
    }
    return Facts(**said | changes)
