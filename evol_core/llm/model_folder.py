"""A Hugging Face model folder, checked, and its identity by content.

The identity is the same wherever the folder lies: SHA-256 over its weight files and its own code, if it brings any,
so that a pinned revision pins what would run; and apart from them over its
tokenizer files, the chat template among them. Weights are hashed once: the hashes are kept in `.evol-identity.json`
beside them, and hold as long as every file keeps its size, its time of change and its inode.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from evol_core.errors import ModelError
from evol_core.records import ModelRef, canonical_json, content_hash

CACHE = ".evol-identity.json"

WEIGHTS = ("*.safetensors", "*.bin")
NOT_WEIGHTS = ("training_args.bin", "optimizer.bin", "scheduler.bin", "random_states*.bin")
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model", "tekken.json")
"""Any one of these makes a tokenizer."""

TOKENIZER_PARTS = (
    *TOKENIZERS,
    "merges.txt",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
    "additional_chat_templates/*.jinja",
)

Stamp = list[int]
"""Size, time of change in nanoseconds, inode."""


def describe(folder: Path) -> ModelRef:
    """Check a model folder and give the model's identity; its name is the folder's.

    Raises:
        ModelError: the folder is missing or lacks a part; the message names it.
    """
    folder = folder.resolve()
    weights, tokenizer = _parts(folder)
    stamps = {str(path.relative_to(folder)): _stamp(path) for path in (*weights, *tokenizer)}
    hashes = _remembered(folder, stamps)
    if hashes is None:
        hashes = {"weights": _hash_files(folder, weights), "tokenizer": _hash_files(folder, tokenizer)}
        _remember(folder, stamps, hashes)
    return ModelRef(name=folder.name, revision=hashes["weights"], tokenizer=hashes["tokenizer"])


def check_revision(wanted: str, found: ModelRef) -> None:
    """Hold a recipe to the weights that it names; an empty wish accepts any.

    Raises:
        ModelError: other weights lie there.
    """
    if wanted and wanted != found.revision:
        raise ModelError(
            f"model {found.name!r} has the weights {found.revision}, but the recipe asks for revision {wanted}; "
            "put the right weights there, or change `revision` to the ones found"
        )


def _parts(folder: Path) -> tuple[list[Path], list[Path]]:
    """The files of the weights and of the tokenizer, each in the order of their names."""
    if not folder.is_dir():
        raise ModelError(
            f"model folder {folder} does not exist; give a Hugging Face model folder, "
            "or the name of a model that the platform brings, for example smollm2"
        )
    weights = _weight_files(folder)
    tokenizer = sorted({path for pattern in TOKENIZER_PARTS for path in folder.glob(pattern)})
    missing = []
    if not (folder / "config.json").is_file():
        missing.append("config.json")
    if not weights:
        missing.append("weights (*.safetensors or *.bin)")
    if not any((folder / name).is_file() for name in TOKENIZERS):
        missing.append(f"a tokenizer ({', '.join(TOKENIZERS)})")
    if missing:
        raise ModelError(
            f"{folder} is no Hugging Face model folder: it lacks {'; '.join(missing)}; "
            "save the model and its tokenizer there with save_pretrained, or correct the path"
        )
    _check_shards(folder, weights)
    return sorted([*weights, *folder.glob("*.py")]), tokenizer


def _weight_files(folder: Path) -> list[Path]:
    """The safetensors, or where there are none the .bin files, as engines choose them too."""
    for pattern in WEIGHTS:
        found = [path for path in folder.glob(pattern) if not any(path.match(other) for other in NOT_WEIGHTS)]
        if found:
            return sorted(found)
    return []


def _check_shards(folder: Path, weights: Sequence[Path]) -> None:
    """Every shard that a weight index names is there: a download that broke off is no model."""
    names = {path.name for path in weights}
    for index in sorted(folder.glob("*.index.json")):
        try:
            shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise ModelError(f"{index} is no index of weights; copy the model folder again") from None
        lacking = sorted(shards - names)
        if lacking and index.name.split(".")[-3] == weights[0].suffix[1:]:
            raise ModelError(f"{folder} lacks weight files that {index.name} names: {lacking}; copy them there")


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ino]


def _hash_files(folder: Path, paths: Sequence[Path]) -> str:
    """SHA-256 over the names and contents of files, in the order of their names."""
    return content_hash([[str(path.relative_to(folder)), _hash_file(path)] for path in paths])


def _hash_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}; engines need to read it too") from None


def _remembered(folder: Path, stamps: dict[str, Stamp]) -> dict[str, str] | None:
    """The hashes of an earlier call, where no file has changed since."""
    try:
        cached = json.loads((folder / CACHE).read_text(encoding="utf-8"))
        hashes = {key: cached["hashes"][key] for key in ("weights", "tokenizer")}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return hashes if cached.get("files") == stamps and all(isinstance(h, str) for h in hashes.values()) else None


def _remember(folder: Path, stamps: dict[str, Stamp], hashes: dict[str, str]) -> None:
    """Keep hashes for the next call, atomically; a folder that cannot be written is hashed anew each time."""
    try:
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=f"{CACHE}.")
    except OSError:
        return
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(canonical_json({"files": stamps, "hashes": hashes}))
        temporary.chmod(0o644)
        temporary.replace(folder / CACHE)
    except OSError:
        temporary.unlink(missing_ok=True)
