"""AutoIF as a whole over a real Postgres and the real sandbox, with replies that were written for it."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from evol_core.config import Settings
from evol_core.errors import JobFailed, SandboxUnavailable
from evol_core.llm.fake import FakeEngine
from evol_core.llm.port import Engine
from evol_core.pipeline import Order, run
from evol_core.recipe import AutoifRecipe, parse_recipe
from evol_core.records import Instruction
from evol_core.store.objects import ObjectStore
from tests.integration.pipeline.recorded_replies import RecordedReplies
from tests.integration.pipeline.test_build import Runs, model_folder

pytestmark = pytest.mark.postgres

STAGES = ("checkers", "crosscheck", "back_translate", "respond", "check", "quality")


@pytest.fixture
def runs(tmp_path: Path, database: sa.Engine, database_url: str) -> Runs:
    model_folder(tmp_path / "home")
    return Runs(tmp_path / "home", database, database_url)


@pytest.fixture(scope="module")
def replies() -> RecordedReplies:
    return RecordedReplies()


def recipe(tmp_path: Path, replies: RecordedReplies, **changes: Any) -> AutoifRecipe:
    for name, texts in (("constraints", replies.seeds), ("queries", replies.queries)):
        (tmp_path / f"{name}.txt").write_text("".join(f"{text}\n" for text in texts))
    data: dict[str, Any] = {
        "name": "iftest",
        "flow": "autoif",
        "seeds": [{"path": str(tmp_path / "constraints.txt"), "licence": "CC0-1.0"}],
        "queries": [{"path": str(tmp_path / "queries.txt"), "licence": "CC0-1.0"}],
        "models": {"default": {"path": "tiny"}},
        "constraints": {"requests": 1},
        "checkers": {"samples": 6},
        "back_translation": {"nli": "default"},
        "responses": {"queries": 2, "samples": 3},
    }
    parsed = parse_recipe(data | changes, origin="test")
    assert isinstance(parsed, AutoifRecipe)
    return parsed


def query(database: sa.Engine, text: str) -> list[tuple[Any, ...]]:
    with database.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(text))]


def objects(runs: Runs, dataset: str, role: str) -> list[list[dict[str, Any]]]:
    """The rows of a version's objects of one role, an object each."""
    found = query(
        runs.database,
        "SELECT encode(o.sha256, 'hex') FROM lineage.dataset_version_file f JOIN lineage.object_file o USING (file_id) "
        f"JOIN lineage.dataset d USING (dataset_id) WHERE d.name = '{dataset}' AND f.role::text = '{role}' ORDER BY ord",
    )
    store = ObjectStore(runs.settings.objects)
    return [store.read(sha256).to_pylist() for (sha256,) in found]


def test_print(tmp_path: Path, runs: Runs, replies: RecordedReplies) -> None:
    outputs = runs.run(runs.order(recipe(tmp_path, replies), "a"), replies)
    import json

    print(json.dumps(outputs, indent=1))
    for view in ("constraints_by_fate", "functions_by_reason", "pass_rates"):
        print(view)
        for row in query(runs.database, f"SELECT * FROM analytics.{view} ORDER BY 1,2,3,4,5"):
            print(row)
