"""What recipes are made of: frozen pieces, and what every flow's recipe has."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from evol_core.records import content_hash
from evol_core.requests import Decoding


class Part(BaseModel):
    """A piece of a recipe: frozen, and closed to names that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DecodingConfig(Part):
    """How tokens are drawn (methods 2: 0.7, 0.95, 2,048; temperature 0 is greedy)."""

    temperature: float = Field(0.7, ge=0, le=2)
    top_p: float = Field(0.95, gt=0, le=1)
    max_tokens: int = Field(2048, ge=1)

    def decoding(self, json_schema: str = "") -> Decoding:
        return Decoding(
            temperature=self.temperature, top_p=self.top_p, max_tokens=self.max_tokens, json_schema=json_schema
        )


class ModelConfig(Part):
    """A model and the engine that runs it."""

    path: str = Field("smollm2", description="A model folder, or the name of one that the platform brings")
    engine: Literal["vllm", "nli"] = Field("vllm", description="nli: a classifier that compares two texts")
    size_class: Literal["slm", "llm"] = Field("slm", description="The arm of small-against-large comparisons")
    dtype: Literal["float32", "bfloat16", "float16", "auto"] = Field("float32", description="Weights and arithmetic")
    max_model_len: int = Field(2048, ge=16, description="Context, tokens")
    max_num_seqs: int = Field(64, ge=1, description="Requests that the engine runs at once")
    tensor_parallel: int = Field(1, ge=1, description="GPUs a replica")
    gpu_memory_utilization: float = Field(0.9, gt=0, le=1)
    trust_remote_code: bool = Field(False, description="Run code from the model folder; only with a pinned revision")
    revision: str = Field("", description="The weights hash that must be found; empty accepts what lies there")

    @model_validator(mode="after")
    def _remote_code_is_pinned(self) -> Self:
        if self.trust_remote_code and not self.revision:
            raise ValueError("trust_remote_code runs code from the model folder: pin it by setting revision as well")
        return self


class SeedSource(Part):
    """One file of seed instructions."""

    path: str = Field(description="The file; relative to the recipe's own folder")
    format: Literal["auto", "alpaca", "gsm8k", "self_instruct", "sharegpt", "lines", "parquet"] = "auto"
    licence: str = Field("unknown", description="SPDX name of the data's licence")
    limit: int | None = Field(None, ge=0, description="Only the first so many items")


def seeds_from(sources: tuple[SeedSource, ...], base: Path) -> tuple[SeedSource, ...]:
    """Sources with their relative paths taken from `base`."""
    return tuple(source.model_copy(update={"path": str(base / source.path)}) for source in sources)


class BenchmarkSource(Part):
    """One file of a benchmark's items, which no published row may repeat."""

    name: str = Field(min_length=1, description="Of the benchmark, as hits name it")
    path: str = Field(description="JSON, JSON lines or Parquet; relative to the recipe's own folder")
    columns: tuple[str, ...] = Field(
        ("question", "instruction", "prompt", "text"), min_length=1, description="Where an item's texts stand"
    )


class GateConfig(Part):
    """What a version must reach to be published; one that does not is quarantined."""

    min_rows: int = Field(1, ge=0)
    min_coverage: float = Field(0.0, ge=0, le=1, description="Share of rows with a value, for every metric")
    max_reject_rate: float = Field(1.0, ge=0, le=1)
    max_fail_rate: float = Field(0.1, ge=0, le=1)


NAME = r"^[a-z][a-z0-9_-]{0,62}$"


class Recipe(Part):
    """One dataset and how it is built: what all flows say. Each flow's own class adds the rest."""

    name: Annotated[str, Field(pattern=NAME, description="Of the dataset: lower case, digits, - and _")]
    flow: str
    seed: int = Field(0, ge=0, description="Of every random draw; another number draws other samples")
    models: dict[str, ModelConfig] = {"default": ModelConfig(path="smollm2")}
    shards: int = Field(1, ge=1, le=1000, description="Parts that are built apart; changes no row")

    places: ClassVar[frozenset[str]] = frozenset({"seeds", "shards", "models", "decontaminate"})
    """Fields that say where and how something is done, and decide no row."""

    @property
    def roles(self) -> Mapping[str, str]:
        """Every field that names a model, with the name that it holds."""
        return {}

    @property
    def sources(self) -> tuple[SeedSource, ...]:
        """The files that a build starts from."""
        return ()

    def parts_of(self, stage: str) -> int:
        """How many jobs do a stage that is done in parts: the shards, but where a flow says otherwise."""
        return self.shards

    @model_validator(mode="after")
    def _models_are_named(self) -> Self:
        for field, name in self.roles.items():
            if name not in self.models:
                raise ValueError(f"{field} names the model {name!r}; models has {sorted(self.models)}")
        return self

    @property
    def hash(self) -> str:
        """SHA-256 of what decides the rows: not where files lie, how many shards, or how an engine is tuned.

        Seeds and weights enter a version by content, through its parents and its request hashes.
        """
        return self.hash_of(self.model_dump(mode="json"))

    @classmethod
    def hash_of(cls, said: Mapping[str, Any]) -> str:
        """The hash of a recipe as it was once written out in full, maybe before it had all of today's fields."""
        kept = {name: value for name, value in said.items() if name not in cls.places}
        sizes = {name: model["size_class"] for name, model in said.get("models", {}).items()}
        return content_hash({**kept, "models": sizes})

    def from_folder(self, base: Path) -> Self:
        """The recipe with its relative paths taken from `base`."""
        return self
