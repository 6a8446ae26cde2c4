"""The recipe of a training run: one published version, one base model, and how the one is learned by the other."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from evol_core.recipe.parts import Part, Recipe
from evol_core.records import content_hash


class LoraConfig(Part):
    """Low-rank adapters on all linear layers, merged into the weights at the end."""

    rank: int = Field(8, ge=1)
    alpha: float = Field(8.0, gt=0)
    dropout: float = Field(0.0, ge=0, lt=1)


class TrainConfig(Part):
    """What decides the weights. The defaults are the paper's (methods 7)."""

    method: Literal["sft", "dpo"] = Field("sft", description="dpo needs a version of preference pairs")
    tuning: Literal["full", "lora"] = "full"
    zero: Literal[2, 3] = Field(3, description="DeepSpeed's stage: 2 splits the optimiser, 3 the weights as well")
    lora: LoraConfig = LoraConfig()
    dpo_beta: float = Field(0.3, gt=0, description="How close dpo stays to the base model")
    epochs: int = Field(3, ge=1)
    global_batch: int = Field(64, ge=1, description="Samples a step, over all processes")
    micro_batch: int = Field(1, ge=1, description="Samples that a process holds at once")
    learning_rate: float = Field(2e-5, gt=0)
    schedule: Literal["cosine", "linear", "constant_with_warmup"] = "cosine"
    warmup_ratio: float = Field(0.03, ge=0, lt=1, description="Share of all steps")
    warmup_steps: int | None = Field(None, ge=0, description="Instead of the ratio")
    weight_decay: float = Field(0.0, ge=0)
    max_grad_norm: float = Field(1.0, gt=0)
    max_tokens: int = Field(2048, ge=16, description="Of prompt and response together")
    too_long: Literal["cut", "drop", "refuse"] = Field("cut", description="What becomes of longer rows; counted")
    packing: bool = Field(False, description="Several rows a sample, which do not see each other")
    gradient_checkpointing: bool = True
    dtype: Literal["auto", "float32", "bfloat16"] = Field("auto", description="auto: bfloat16 where a GPU has it")
    max_steps: int | None = Field(None, ge=1, description="Stop after so many steps; the schedule ends there too")

    @model_validator(mode="after")
    def _packing_has_its_limits(self) -> Self:
        if self.packing and self.micro_batch != 1:
            raise ValueError("packing fills each sample to max_tokens: set micro_batch to 1")
        if self.packing and self.method == "dpo":
            raise ValueError("packing is for method sft; a preference pair stays a sample of its own")
        return self


class LaunchConfig(Part):
    """Where it runs. Changes no weight beyond rounding, so it is no part of a run's identity."""

    processes: int = Field(1, ge=1, description="On this machine, one a GPU; with a host file, of all machines")
    host_file: str = Field("", description="DeepSpeed's list of machines; empty: this one alone")
    launcher: Literal["torchrun", "deepspeed"] = Field("torchrun", description="A host file needs deepspeed")
    master_port: int = Field(0, ge=0, le=65535, description="0: a free one, for one machine")
    checkpoint_steps: int | None = Field(None, ge=1, description="Steps between checkpoints; empty: one an epoch")

    @model_validator(mode="after")
    def _hosts_need_deepspeed(self) -> Self:
        if self.host_file and self.launcher != "deepspeed":
            raise ValueError("host_file is DeepSpeed's: set launcher to deepspeed")
        return self


class SftRecipe(Recipe):
    """One checkpoint: a frozen version learned by a base model."""

    flow: Literal["sft"] = "sft"
    dataset: str = Field(min_length=1, description="NAME, NAME@NUMBER or NAME@TAG; NAME is its newest version")
    base: str = Field("default", description="What is trained: a name under models")
    train: TrainConfig = TrainConfig()
    launch: LaunchConfig = LaunchConfig()

    places: ClassVar[frozenset[str]] = frozenset({"seeds", "shards", "models", "launch"})

    @property
    def roles(self) -> Mapping[str, str]:
        return {"base": self.base}

    @property
    def accumulation(self) -> int:
        """Micro batches that a process adds up in a step."""
        return self.train.global_batch // (self.train.micro_batch * self.launch.processes)

    @property
    def config(self) -> dict[str, Any]:
        """What decides the weights beside the rows and the base model; a run's identity is made of it."""
        return {**self.train.model_dump(mode="json"), "seed": self.seed}

    @property
    def config_hash(self) -> str:
        return content_hash(self.config)

    @model_validator(mode="after")
    def _batches_divide(self) -> Self:
        held = self.train.micro_batch * self.launch.processes
        if self.train.global_batch % held:
            raise ValueError(
                f"train.global_batch must be a multiple of micro_batch x processes = {held}, "
                f"got {self.train.global_batch}"
            )
        return self

    def from_folder(self, base: Path) -> Self:
        if not self.launch.host_file:
            return self
        launch = self.launch.model_copy(update={"host_file": str(base / self.launch.host_file)})
        return self.model_copy(update={"launch": launch})
