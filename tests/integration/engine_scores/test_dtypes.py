"""Every engine of scores loads its model in the dtype that the recipe names, and refuses what was asked in another."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from evol_core.config import Settings
from evol_core.llm.model_folder import describe
from evol_core.pipeline.context import real_engine
from evol_core.recipe import ModelConfig
from evol_core.records import Measured, ModelRef
from evol_core.requests import ConfidenceRequest, EmbedRequest, Request, RewardRequest
from tests.integration.engine_scores import test_nli, test_reward
from tests.integration.engine_scores.conftest import Tiny

pytestmark = pytest.mark.engine

Dtype = Literal["float32", "bfloat16", "auto"]
Ask = Callable[[ModelRef, str], Request]

ASKED: dict[str, Ask] = {
    "reward": lambda ref, dtype: RewardRequest(model=ref, user="the sum?", assistant="9", dtype=dtype),
    "confidence": lambda ref, dtype: ConfidenceRequest(model=ref, user="the sum?", response="9 or 10", dtype=dtype),
    "embed": lambda ref, dtype: EmbedRequest(model=ref, text="the sum?", dtype=dtype),
}


@pytest.fixture
def folders(tmp_path: Path, tiny: Tiny, tiny_embedder: Path) -> dict[str, Path]:
    return {"reward": test_reward.classifier(tmp_path), "confidence": tiny("llama", "bos"), "embed": tiny_embedder}


def engine_of(kind: Any, folder: Path, dtype: Dtype, *, engine: Literal["vllm", "nli"] = "vllm") -> Any:
    settings = Settings(home=folder, database_url="", jobs_python=folder)
    return real_engine(kind, ModelConfig(path=str(folder), dtype=dtype, engine=engine), describe(folder), settings)


def measured(kind: str, folder: Path, dtype: Dtype) -> Measured:
    engine = engine_of(kind, folder, dtype)
    engine.submit([ASKED[kind](describe(folder), dtype)])
    (answer,) = engine.collect()
    assert dtype in answer.engine, "the record says in what was measured"
    assert answer.measured is not None
    assert answer.measured.reason == ""
    return answer.measured  # type: ignore[no-any-return]


@pytest.mark.parametrize("kind", ASKED)
def test_what_is_measured_is_measured_in_the_dtype_that_was_asked_for(kind: str, folders: dict[str, Path]) -> None:
    exact, coarse, own = (measured(kind, folders[kind], dtype) for dtype in ("float32", "bfloat16", "auto"))

    assert coarse != exact
    assert own == exact, "the weights lie there in float32"


@pytest.mark.parametrize("kind", ASKED)
def test_a_request_in_another_dtype_is_refused(kind: str, folders: dict[str, Path]) -> None:
    engine = engine_of(kind, folders[kind], "bfloat16")

    with pytest.raises(ValueError, match="was loaded in bfloat16, and a request wants float32"):
        engine.submit([ASKED[kind](describe(folders[kind]), "float32")])


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")
def test_a_classifier_reads_in_the_dtype_that_the_recipe_names(tmp_path: Path) -> None:
    folder = test_nli.classifier(tmp_path)
    model = engine_of("generate", folder, "bfloat16", engine="nli")

    (answer,) = test_nli.ask(model, [("a", "b")], folder)

    assert {str(weight.dtype) for weight in model._model.parameters()} == {"torch.bfloat16"}
    assert answer.finish_reason == "stop"
