"""A folder that says what a version is: its data, a card as Hugging Face reads it, a Croissant file."""

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from evol_core.catalogue.croissant import croissant, data_file
from evol_core.catalogue.facts import Facts
from evol_core.errors import ConfigError
from evol_core.store.files import file_hash, io_errors
from evol_core.store.objects import ObjectStore

CARD = "README.md"
CROISSANT = "croissant.json"

_FEATURES = {"string": "string", "int64": "int64", "double": "float64", "bool": "bool"}

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def write_card(store: ObjectStore, facts: Facts, folder: Path) -> list[Path]:
    """Write a version's folder: `data/`, `README.md`, `croissant.json`. Whoever has it needs nothing of Evol.

    Returns:
        The files, in that order.

    Raises:
        ConfigError: the folder holds something already.
        NotFound: an object is not in the store.
        ObjectDamaged: an object's bytes are not those that its name promises.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty; name a new folder, so that files of two versions do not mix")
    files = [_copy(store, stored.sha256, folder / data_file(n, stored.sha256)) for n, stored in _data(facts)]
    said = json.dumps(croissant(facts, description(facts)), indent=2, ensure_ascii=False) + "\n"
    for name, text in ((CARD, card(facts)), (CROISSANT, said)):
        with io_errors(folder / name, "write"):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        files.append(folder / name)
    return files


def _data(facts: Facts) -> Iterable[tuple[int, Any]]:
    return enumerate(facts.version.data)


def _copy(store: ObjectStore, sha256: str, path: Path) -> Path:
    """A copy, not a link: whoever edits it must not change the store."""
    store.verify(sha256)
    with io_errors(path, "write"):
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(store.path(sha256), path)
        if file_hash(path) != sha256:
            raise ConfigError(f"{path} was not copied right; check that disk, and write the card again")
    return path


def description(facts: Facts) -> str:
    """The version in one sentence."""
    models = sorted({step["model"] for step in facts.steps})
    rounds = {step["round"] for step in facts.steps}
    if facts.version.kind == "seeds":
        return f"{facts.summary['n_rows']} seed instructions, cleaned and without duplicates."
    made = f", made in {len(rounds)} rounds by {' and '.join(models)}" if models else ""
    return f"{facts.summary['n_rows']} rows for instruction tuning{made}. Instructions and answers are a model's work."


def card(facts: Facts) -> str:
    """The README: a head that Hugging Face reads, then what people ask first."""
    head = yaml.safe_dump(_head(facts), sort_keys=False, allow_unicode=True)
    version = facts.version
    sections = [
        f"---\n{head}---\n\n# {version.spec}\n\n{description(facts)}",
        _facts_section(facts),
        _table("Columns", ("column", "type", "meaning"), [(c.name, c.type, c.meaning) for c in facts.columns]),
        _section("How rows were made", facts.steps, ("operator", "round", "model", "revision", "prompt_hash", "rows")),
        _section("Metrics over all rows", facts.metrics, ("metric", "scorer", "rows", "scored", "mean")),
        _section("What was refused", facts.refused, ("stage", "status", "reason", "n")),
        LIMITS if facts.steps else "",
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


LIMITS = """\
## Before you use it

A row is here because no rule refused it, not because somebody read it: answers can be wrong. The licences above are
those of the seeds; terms of the models that wrote the rows may add to them. A metric that could not be computed is
null, never 0."""


def _head(facts: Facts) -> dict[str, Any]:
    n_rows = facts.summary["n_rows"]
    licences = [name.lower() for name in facts.licences]
    known = licences[0] if len(licences) == 1 and licences[0] != "unknown" else "other"
    features = [{"name": c.name, "dtype": _FEATURES[c.type]} for c in facts.columns if c.type in _FEATURES]
    return {
        "pretty_name": facts.version.spec,
        "license": known,
        **({"license_name": ", ".join(facts.licences) or "unknown"} if known == "other" else {}),
        "task_categories": ["text-generation"],
        "tags": ["instruction-tuning", "synthetic"] if facts.steps else ["instruction-tuning"],
        "size_categories": [next((word for most, word in _SIZES if n_rows < most), "n>1M")],
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": "data/*.parquet"}]}],
        "dataset_info": {
            "features": features,
            "splits": [{"name": "train", "num_examples": n_rows}],
            "download_size": sum(stored.n_bytes for stored in facts.version.data),
        },
    }


def _facts_section(facts: Facts) -> str:
    said = facts.summary
    parents = ", ".join(f"{name}@{version}" for name, version in facts.parents)
    lines = {
        "published": f"{facts.created:%Y-%m-%d %H:%M} UTC, state {said['state']}",
        "rows in": f"{said['n_in']} = {said['n_accepted']} accepted + {said['n_rejected']} rejected "
        f"+ {said['n_failed']} failed",
        "built from": parents or "files",
        "licences of the seeds": ", ".join(facts.licences) or "not said",
        "closed gates": ", ".join(said["closed_gates"]) or "none",
        "recipe": said["recipe_hash"] or "none: seeds are read, not built",
        "code": said["code_version"],
        "run": f"{facts.attempt['flow']} {facts.attempt['run_key']}",
    }
    return "\n".join(f"- {name}: {value}" for name, value in lines.items())


def _section(title: str, rows: Sequence[Mapping[str, Any]], names: tuple[str, ...]) -> str:
    return _table(title, names, [tuple(row[name] for name in names) for row in rows])


def _table(title: str, names: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> str:
    if not rows:
        return ""
    lines = [names, ("---",) * len(names), *rows]
    return f"## {title}\n\n" + "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")
