"""The flow `sft` from a published version to a checkpoint, over a real Postgres and a real trainer on a tiny model.

The jobs interpreter runs these: `.venv-jobs/bin/python -m pytest tests/integration/engine_sft`.
"""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: TID253

from evol_core.lineage.rows_of import rows_of
from evol_core.llm.model_folder import describe
from evol_core.pipeline import sft
from evol_core.recipe import Recipe, parse_recipe
from tests.integration.engine_scores.tiny import CHAT, MODELS, save, tokenizer
from tests.integration.pipeline.test_build import SEEDS, Runs, model_folder
from tests.integration.pipeline.test_build import recipe as instruct_recipe

pytestmark = [pytest.mark.engine, pytest.mark.postgres]


@pytest.fixture
def runs(tmp_path: Path, database: sa.Engine, database_url: str) -> Runs:
    model_folder(tmp_path / "home")
    return Runs(tmp_path / "home", database, database_url)


def recipe(base: Path, **train: Any) -> Recipe:
    small = {"tuning": "lora", "zero": 2, "global_batch": 4, "epochs": 2, "learning_rate": 1e-2, "max_tokens": 400}
    data = {"flow": "sft", "name": "tiny-sft", "dataset": "tiny", "models": {"default": {"path": str(base)}}}
    return parse_recipe(data | {"train": small | train}, origin="test")


def test_a_version_is_trained_once_and_its_merged_checkpoint_is_in_the_lineage(
    tmp_path: Path, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = tmp_path / "base"
    save(base, MODELS["llama"](), tokenizer(bos=True, chat=CHAT.replace("SAID", "")))
    runs.run(runs.order(instruct_recipe(tmp_path, SEEDS), "build"))

    first = runs.run(runs.order(recipe(base), "first"))["train"]
    folder = Path(first["folder"])

    assert (first["trained"], first["version"]) == (True, "tiny@1")
    assert first["last_loss"] < first["first_loss"]
    assert describe(folder).revision == first["checkpoint"] != describe(base).revision
    merged, plain = (AutoModelForCausalLM.from_pretrained(one).state_dict() for one in (folder, base))
    assert merged.keys() == plain.keys(), "the adapter is in the weights"
    assert AutoTokenizer.from_pretrained(folder).chat_template
    with runs.database.connect() as connection:
        (run,) = rows_of(connection, "SELECT * FROM analytics.training_runs")
        seen = rows_of(connection, "SELECT * FROM analytics.checkpoint_exposure")
    assert (run["checkpoint"], run["dataset"], run["version"]) == (first["checkpoint"], "tiny", 1)
    assert seen

    def nothing(*about: object, **rest: object) -> None:
        raise AssertionError("what was trained is trained again")

    monkeypatch.setattr(sft, "run_trainer", nothing)
    again = runs.run(runs.order(recipe(base), "again"))["train"]

    assert again == first | {"trained": False}
    with pytest.raises(AssertionError, match="trained again"):
        runs.run(runs.order(recipe(base, epochs=3), "other"))
