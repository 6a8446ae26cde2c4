"""What the stages of AutoIF share: models in their roles, the sandbox, rows in and out.

Each stage passes its rows on, refused ones too, so that every constraint, reply and response is in its table with
its fate. Rows of a shard are a run of constraints in order, so any number of shards makes the same version.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from evol_core.config import Settings
from evol_core.errors import ConfigError, SeedError
from evol_core.lineage.pieces import Piece
from evol_core.pipeline.context import Build
from evol_core.pipeline.pieces import by_status, parts_of
from evol_core.recipe import AutoifRecipe, DecodingConfig
from evol_core.records import Status
from evol_core.runner import write_parts
from evol_core.sandbox.isolation import LAYERS
from evol_core.sandbox.supervisor import Sandbox
from evol_core.seed import check_sources, read_seeds
from evol_core.verify.asking import Asking
from evol_core.verify.queries import is_usable
from evol_core.verify.tables import Row

Output = dict[str, Any]
"""What a stage puts out: the objects of its tables under `parts`, counts, names."""


def check_autoif(recipe: AutoifRecipe, settings: Settings) -> None:
    """What the recipe names must be there.

    Raises:
        ConfigError: a layer of the sandbox has no such name.
        SeedError: a file is missing or is not what the recipe says, or no query is of a usable length.
    """
    unknown = sorted(set(recipe.sandbox.require_layers) - set(LAYERS))
    if unknown:
        raise ConfigError(f"sandbox.require_layers: unknown layers {unknown}; known: {sorted(LAYERS)}")
    check_sources(recipe.seeds)
    check_sources(recipe.queries, "queries")
    with read_seeds(recipe.queries, field="queries") as batch:
        if not any(is_usable(seed.instruction.text) for seed in batch.seeds()):
            raise SeedError(f"queries: none of {batch.n_items} entries is a query of 21 to 299 characters; add some")


def sandbox_of(build: Build[AutoifRecipe]) -> Sandbox:
    """The recipe's sandbox, not started yet."""
    setting = build.recipe.sandbox
    return Sandbox(n_workers=setting.workers, require_layers=setting.require_layers)


def asking_of(build: Build[AutoifRecipe], model: str, decoding: DecodingConfig, json_schema: str = "") -> Asking:
    """A model of the recipe in a role."""
    return Asking(model=build.models[model], decoding=decoding.decoding(json_schema), recipe_seed=build.recipe.seed)


def seed_texts(build: Build[AutoifRecipe], which: str) -> list[str]:
    """Texts of a seed version of this build; one with an input is no constraint and no query."""
    (sources,) = build.outputs("sources")
    return [row["instruction"] for row in read_rows(build, sources[which]["parts"]) if not row["input"]]


def checkers_of(build: Build[AutoifRecipe], fates: Sequence[Row]) -> dict[str, list[tuple[str, str]]]:
    """The kept checkers of constraints, the best first: (checker_id, source) by constraint_id."""
    (checked,) = build.outputs("crosscheck")
    return ranked_checkers(read_rows(build, checked["parts"]["checkers"]), fates)


def ranked_checkers(rows: Iterable[Row], fates: Sequence[Row]) -> dict[str, list[tuple[str, str]]]:
    """The kept ones among rows of CHECKERS, the best first: (checker_id, source) by constraint_id."""
    wanted = {row["constraint_id"] for row in fates}
    ranked: dict[str, list[tuple[int, str, str]]] = {constraint_id: [] for constraint_id in wanted}
    for row in rows:
        if row["rank"] is not None and row["constraint_id"] in wanted:
            ranked[row["constraint_id"]].append((row["rank"], row["checker_id"], row["source"]))
    return {key: [(checker_id, source) for _, checker_id, source in sorted(of_one)] for key, of_one in ranked.items()}


def own(build: Build[AutoifRecipe], stage: str) -> Output:
    """What this shard's own earlier stage put out."""
    return build.outputs(stage)[build.order.shard]


def read_rows(build: Build[AutoifRecipe], parts: Sequence[str]) -> Iterator[Row]:
    for sha256 in parts:
        yield from build.store.read(sha256).to_pylist()


def put(build: Build[AutoifRecipe], name: str, rows: Iterable[Row], schema: pa.Schema) -> Output:
    """Write a stage's rows; where they lie and what became of them."""
    counts = dict.fromkeys((status.value for status in Status), 0)

    def counting() -> Iterator[Row]:
        for row in rows:
            counts[row["status"]] += 1
            yield row

    parts = write_parts(build.store, counting(), schema)
    return {"parts": {name: [part.sha256 for part in parts]}, "counts": counts}


def in_parts(build: Build[AutoifRecipe], name: str, pieces: Sequence[Piece]) -> Output:
    """As `put`, for rows that were written piece by piece."""
    parts = parts_of(pieces)
    return {"parts": {name: parts}, "counts": by_status(build.store, parts)}


def counted(rows: Iterable[Row]) -> dict[str, int]:
    """Rows by status."""
    counts = Counter(row["status"] for row in rows)
    return {status.value: counts[status] for status in Status}
