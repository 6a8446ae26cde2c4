"""The stage of the flow `sft`: a published version and a base model become a checkpoint, once."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from evol_core.config import Settings
from evol_core.errors import EvolError, ModelError, NotFound
from evol_core.lineage.training import (
    Trained,
    TrainingStart,
    begin_training,
    fail_training,
    find_trained,
    finish_training,
    manifest_hash,
)
from evol_core.lineage.versions import Version, resolve
from evol_core.llm.model_folder import describe
from evol_core.pipeline.context import Build, model_folder
from evol_core.pipeline.plan import Plan, StagePlan
from evol_core.recipe import SftRecipe
from evol_core.records import content_hash
from evol_core.runner import Progress
from evol_core.sft.chat import check_chat_template
from evol_core.sft.hosts import check_hosts
from evol_core.sft.launch import run_trainer
from evol_core.sft.merge import merge_adapter
from evol_core.sft.plot import plot_losses
from evol_core.sft.prepare import Prepared, check_columns, prepare, training_task
from evol_core.sft.task import TrainingFolder


def check_sft(recipe: SftRecipe, settings: Settings) -> None:
    """
    Raises:
        NotFound: the host file is missing.
        ConfigError: it is none, or has other than launch.processes slots.
    """
    check_hosts(recipe.launch)


@dataclass(frozen=True, kw_only=True)
class _Input:
    """What a training is made of."""

    version: Version
    hash: str
    """SHA-256 over the version's content, the base model and the configuration."""

    folder: TrainingFolder
    trained: Trained | None
    """The run that was made of the same, where its checkpoint is still there."""


def _input(build: Build[SftRecipe]) -> _Input:
    """
    Raises:
        NotFound: there is no such version, or it is quarantined or retracted.
    """
    recipe, base = build.recipe, build.models[build.recipe.base]
    with build.database.connect() as connection:
        version = resolve(connection, recipe.dataset)
        said = [manifest_hash(connection, version), base.revision, base.tokenizer, recipe.config]
        input_hash = content_hash(said)
        trained = find_trained(connection, input_hash)
    folder = TrainingFolder(build.settings.home / "training" / f"{recipe.name}-{input_hash[:16]}")
    return _Input(
        version=version, hash=input_hash, folder=folder, trained=trained if trained and _is_there(trained) else None
    )


def _is_there(trained: Trained) -> bool:
    try:
        return describe(Path(trained.uri)).revision == trained.checkpoint
    except ModelError:
        return False


def plan_sft(build: Build[SftRecipe]) -> Plan:
    """Whether there is something to train.

    Raises:
        NotFound: there is no such version, or it is quarantined or retracted.
    """
    given = _input(build)
    rows = sum(part.n_rows for part in given.version.data)
    stage = StagePlan(stage="train", rows=rows, complete=given.trained is not None, at_most=None)
    return Plan(seeds=0, refused=0, stages=(stage,))


def train_stage(build: Build[SftRecipe]) -> dict[str, Any]:
    """Train, unless this version and this configuration were trained already.

    Raises:
        NotFound: the version is missing, not published, or has no row to train on.
        ModelError: the tokenizer has no chat template.
        JobFailed: the training failed; the next attempt goes on from its last checkpoint.
    """
    given = _input(build)
    if given.trained is not None:
        return _output(given, given.trained, trained=False)
    with given.folder.locked():
        start = _start(build, given)
        with build.database.begin() as connection:
            training_run_id = begin_training(connection, start, build.order.attempt_id)
        try:
            return _output(given, _train(build, given, training_run_id), trained=True)
        except EvolError:
            with build.database.begin() as connection:
                fail_training(connection, training_run_id, build.order.attempt_id)
            raise


def _start(build: Build[SftRecipe], given: _Input) -> TrainingStart:
    recipe = build.recipe
    return TrainingStart(
        name=recipe.name,
        input_hash=given.hash,
        version=given.version,
        base=build.models[recipe.base],
        config=recipe.config,
        config_hash=recipe.config_hash,
        seed=recipe.seed,
        folder=str(given.folder.path),
    )


def _train(build: Build[SftRecipe], given: _Input, training_run_id: int) -> Trained:
    import torch
    from transformers import AutoTokenizer

    recipe, folder = build.recipe, given.folder
    base = model_folder(recipe.models[recipe.base], build.settings)
    tokenizer = AutoTokenizer.from_pretrained(base)
    check_chat_template(tokenizer, base.name)
    prepared = _prepare(build, given, tokenizer)
    folder.last_checkpoint(recipe.launch.processes)
    if not folder.model.exists():
        training_task(recipe, folder, base, prepared).write(folder.task)
        tell = _teller(build, prepared)
        run_trainer(folder, recipe.launch, gpu=torch.cuda.is_available(), tell=tell)
        if recipe.train.tuning == "lora":
            merge_adapter(base, folder.adapter, folder.unfinished_model)
        (folder.unfinished_model / "training_args.bin").unlink(missing_ok=True)  # paths of this machine, pickled
        folder.unfinished_model.rename(folder.model)
    losses = folder.read_losses()
    title = f"{recipe.name}: {base.name} on {given.version.spec}"
    plot_losses(losses, title, recipe.train.method, folder.path)
    trained = Trained(
        training_run_id=training_run_id,
        checkpoint=describe(folder.model).revision,
        step=prepared.steps,
        uri=str(folder.model),
        counts={**asdict(prepared), "processes": recipe.launch.processes},
    )
    with build.database.begin() as connection:
        finish_training(
            connection,
            trained,
            attempt_id=build.order.attempt_id,
            order_hash=prepared.order_sha256,
            losses=losses,
        )
    folder.drop_checkpoints()
    return trained


def _prepare(build: Build[SftRecipe], given: _Input, tokenizer: Any) -> Prepared:
    version = given.version
    if not version.data:
        raise NotFound(f"{version.spec} has no rows; there is nothing to train on")
    columns = build.store.schema(version.data[0].sha256).names
    check_columns(columns, build.recipe.train.method, version.spec)

    def parts() -> Iterator[pa.Table]:
        return (build.store.read(part.sha256) for part in version.data)

    return prepare(given.folder, build.recipe, version.spec, parts, tokenizer)


def _teller(build: Build[SftRecipe], prepared: Prepared) -> Callable[[int], None]:
    """Reports samples, which are what the steps of a training are made of."""
    batch = build.recipe.train.global_batch

    def tell(steps: int) -> None:
        build.report(Progress(stage="train", done=steps * batch, total=prepared.steps * batch))

    return tell


def _output(given: _Input, done: Trained, *, trained: bool) -> dict[str, Any]:
    losses = given.folder.read_losses()
    return {
        "version": given.version.spec,
        "trained": trained,
        "training_run": done.training_run_id,
        "checkpoint": done.checkpoint,
        "folder": done.uri,
        "steps": done.step,
        "rows": done.counts.get("used"),
        "cut": done.counts.get("cut"),
        "left_out": done.counts.get("left_out"),
        "first_loss": losses[0]["loss"] if losses else None,
        "last_loss": losses[-1]["loss"] if losses else None,
    }
