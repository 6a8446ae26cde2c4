"""A version's rows become samples and an order, once; a training that is resumed finds them as they were."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from evol_core.errors import ConfigError
from evol_core.recipe.sft import SftRecipe, TrainConfig
from evol_core.sft.order import steps_of, training_order
from evol_core.sft.samples import PAIRS, SAMPLES, Tally, dpo_pairs, sft_samples
from evol_core.sft.task import TrainingFolder, TrainTask
from evol_core.store.files import file_hash

BATCH = 1024

_ORDER: "list[tuple[str, pa.DataType]]" = [
    ("position", pa.int64()),
    ("step", pa.int64()),
    ("sample", pa.int64()),
    ("row", pa.int64()),
    ("instruction_id", pa.string()),
]
ORDER = pa.schema(_ORDER)
"""A line a row that is seen: packed samples have several at one position."""

NEEDS: Mapping[str, tuple[str, ...]] = {
    "sft": ("instruction", "input", "output"),
    "dpo": ("instruction", "input", "chosen", "rejected"),
}
"""Columns of the version, by method."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What the training will see. Rows = used + those left out."""

    rows: int
    used: int
    cut: int
    left_out: Mapping[str, int]
    samples: int
    steps: int
    order_sha256: str


def check_columns(columns: Sequence[str], method: str, spec: str) -> None:
    """
    Raises:
        ConfigError: the version has not what the method needs.
    """
    if missing := [name for name in NEEDS[method] if name not in columns]:
        fits = [other for other, needs in NEEDS.items() if set(needs) <= set(columns)]
        raise ConfigError(
            f"train.method {method!r} needs the columns {list(NEEDS[method])}, and {spec} lacks {missing}; "
            f"methods that fit it: {fits or 'none'}"
        )


def prepare(
    folder: TrainingFolder, recipe: SftRecipe, spec: str, parts: Callable[[], Iterable[pa.Table]], tokenizer: Any
) -> Prepared:
    """Write samples and order; nothing is done where they are there.

    Args:
        parts: the version's rows, a table a part; asked twice.

    Raises:
        InputError: rows are too long, and the recipe refuses them.
        NotFound: no row is left to train on.
    """
    if folder.prepared.exists():
        return Prepared(**json.loads(folder.prepared.read_text(encoding="utf-8")))
    config, tally = recipe.train, Tally()
    form, schema = (sft_samples, SAMPLES) if config.method == "sft" else (dpo_pairs, PAIRS)
    samples = form(_rows(parts(), NEEDS[config.method]), tokenizer, config, tally)
    rows_of = _write_samples(folder.samples, samples, schema)
    tally.check(config, spec)
    steps = _steps(len(rows_of), config)
    order = training_order(len(rows_of), steps * config.global_batch, recipe.seed)
    ids = [row["instruction_id"] for row in _rows(parts(), ("instruction_id",))]
    pq.write_table(_order_table(order, rows_of, ids, config.global_batch), folder.order, compression="zstd")
    done = Prepared(
        rows=tally.rows,
        used=tally.used,
        cut=tally.cut,
        left_out=dict(tally.left_out),
        samples=len(rows_of),
        steps=steps,
        order_sha256=file_hash(folder.order),
    )
    staged = folder.prepared.with_suffix(".part")
    staged.write_text(json.dumps(asdict(done), indent=1), encoding="utf-8")
    staged.replace(folder.prepared)
    return done


def _steps(n_samples: int, config: TrainConfig) -> int:
    return steps_of(n_samples, epochs=config.epochs, global_batch=config.global_batch, max_steps=config.max_steps)


def _rows(parts: Iterable[pa.Table], columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    for part in parts:
        yield from part.select(list(columns)).to_pylist()


def _write_samples(path: Path, samples: Iterator[dict[str, Any]], schema: pa.Schema) -> list[list[int]]:
    """The rows' numbers in each sample."""
    rows_of: list[list[int]] = []
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        while batch := list(islice(samples, BATCH)):
            rows_of += [sample["rows"] for sample in batch]
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
    return rows_of


def _order_table(order: list[int], rows_of: list[list[int]], ids: list[str], global_batch: int) -> pa.Table:
    lines = [
        {
            "position": position,
            "step": position // global_batch + 1,
            "sample": sample,
            "row": row,
            "instruction_id": ids[row],
        }
        for position, sample in enumerate(order)
        for row in rows_of[sample]
    ]
    return pa.Table.from_pylist(lines, schema=ORDER)


def training_task(recipe: SftRecipe, folder: TrainingFolder, base: Path, prepared: Prepared) -> TrainTask:
    """What the processes are told: the recipe in steps and paths."""
    train, launch = recipe.train, recipe.launch
    an_epoch = max(1, -(-prepared.samples // train.global_batch))
    warmup = round(train.warmup_ratio * prepared.steps) if train.warmup_steps is None else train.warmup_steps
    return TrainTask(
        folder=str(folder.path),
        base=str(base),
        method=train.method,
        tuning=train.tuning,
        zero=train.zero,
        lora=train.lora.model_dump(),
        dpo_beta=train.dpo_beta,
        processes=launch.processes,
        micro_batch=train.micro_batch,
        accumulation=recipe.accumulation,
        steps=prepared.steps,
        checkpoint_steps=launch.checkpoint_steps or an_epoch,
        learning_rate=train.learning_rate,
        schedule=train.schedule,
        warmup_steps=warmup,
        weight_decay=train.weight_decay,
        max_grad_norm=train.max_grad_norm,
        max_tokens=train.max_tokens,
        packing=train.packing,
        gradient_checkpointing=train.gradient_checkpointing,
        dtype=train.dtype,
        seed=recipe.seed,
    )
