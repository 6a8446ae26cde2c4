"""Scorers with real code and small weights: a real model, and random ones of every build that matters.

The jobs interpreter runs these: `.venv-jobs/bin/python -m pytest tests/integration/engine_scores`.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from evol_core.config import Settings
from evol_core.llm.model_folder import describe
from evol_core.platform.models import ensure_model
from evol_core.records import ModelRef
from evol_core.score.models.losses import LossScorer
from tests.integration.engine_scores.tiny import MODELS, TOKENIZERS, save, save_embedder

Tiny = Callable[[str, str], Path]


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SmolLM2: the folder that EVOL_TEST_MODEL names, or the one that the platform brings."""
    if named := os.environ.get("EVOL_TEST_MODEL"):
        return Path(named)
    home = tmp_path_factory.mktemp("home")
    return ensure_model("smollm2", Settings(home=home, database_url="", jobs_python=Path(sys.executable)))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """A folder with a random model of a build and a tokenizer of a kind, by their names in `tiny`."""
    made: dict[tuple[str, str], Path] = {}

    def folder(model: str, tokenizer: str) -> Path:
        if (model, tokenizer) not in made:
            made[model, tokenizer] = tmp_path_factory.mktemp(f"{model}-{tokenizer}")
            save(made[model, tokenizer], MODELS[model](), TOKENIZERS[tokenizer]())
        return made[model, tokenizer]

    return folder


@pytest.fixture(scope="session")
def smollm2(model_folder: Path) -> tuple[LossScorer, ModelRef]:
    ref = describe(model_folder)
    return LossScorer(model_folder, ref), ref


@pytest.fixture(scope="session")
def tiny_embedder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random model of the architecture of all-mpnet-base-v2."""
    folder = tmp_path_factory.mktemp("embedder")
    save_embedder(folder, tmp_path_factory.mktemp("parts"))
    return folder


@pytest.fixture(scope="session")
def mpnet_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """all-mpnet-base-v2, as the platform brings it."""
    home = tmp_path_factory.mktemp("home")
    return ensure_model("all-mpnet-base-v2", Settings(home=home, database_url="", jobs_python=Path(sys.executable)))
