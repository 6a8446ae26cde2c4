"""A real engine with a real small model: the folder that EVOL_TEST_MODEL names, or the one that the platform brings.

The jobs interpreter runs these: `.venv-jobs/bin/python -m pytest tests/integration/engine`.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from evol_core.config import Settings
from evol_core.llm import vllm_offline
from evol_core.llm.model_folder import describe
from evol_core.llm.vllm_offline import VllmOffline
from evol_core.platform.models import ensure_model
from evol_core.recipe import ModelConfig
from evol_core.records import ModelRef

CONTEXT = 512


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if named := os.environ.get("EVOL_TEST_MODEL"):
        return Path(named)
    home = tmp_path_factory.mktemp("home")
    return ensure_model("smollm2", Settings(home=home, database_url="", jobs_python=Path(sys.executable)))


@pytest.fixture(scope="session")
def model(model_folder: Path) -> ModelRef:
    return describe(model_folder)


@pytest.fixture(scope="session")
def engine(model_folder: Path, model: ModelRef) -> Iterator[VllmOffline]:
    """One engine for all tests of a session: it takes half a minute to start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vllm_offline, "CPU_STEP_TOKENS", CONTEXT)  # so that two long prompts fill a step
        engine = VllmOffline(model_folder, model, ModelConfig(max_model_len=CONTEXT, max_num_seqs=16))
    yield engine
    engine.close()
