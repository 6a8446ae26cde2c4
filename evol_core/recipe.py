"""What to build: typed, frozen, hashed. YAML in, JSON schema out (a DAG's form is made from it).

A recipe is checked as a whole before any engine starts. Names of parts that live in tables above this
module (operators, metrics, importers) are checked against those tables in `pipeline`.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from evol_core.errors import RecipeError
from evol_core.records import Decoding, content_hash


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
    engine: Literal["vllm"] = "vllm"
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


class AcceptanceConfig(Part):
    """Bounds of the acceptance rules (methods 2)."""

    max_added_words: int = Field(60, ge=0, description="A child may be so many words longer than its parent")
    same_language: bool = Field(True, description="Refuse a child in another language than its parent's")


class EvolveConfig(Part):
    """Rounds of evolution."""

    model: str = Field("default", description="A name under models")
    operators: tuple[str, ...] = Field(
        ("constraints", "deepen", "concretize", "reasoning", "breadth"),
        min_length=1,
        description="In order: row i takes operator (i + round) mod their number",
    )
    rounds: int = Field(3, ge=0, le=100)
    decoding: DecodingConfig = DecodingConfig()
    acceptance: AcceptanceConfig = AcceptanceConfig()


class RespondConfig(Part):
    """Answers to evolved instructions."""

    model: str = Field("default", description="A name under models")
    decoding: DecodingConfig = DecodingConfig()
    keep_truncated: bool = Field(False, description="Keep a response that was cut at max_tokens")


class ScoreConfig(Part):
    """Metrics of the accepted rows."""

    metrics: tuple[str, ...] = Field(
        ("length_chars", "length_words", "length_tokens", "difficulty_score", "difficulty_level", "ifd", "ic_ifd"),
        description="Names from the table of metrics",
    )
    judge: str = Field("default", description="The model that gives difficulty scores and levels")
    scorer: str = Field("default", description="The base model whose losses IFD and IC-IFD are made of")
    form: Literal["plain", "chat"] = Field("plain", description="The text form that the scorer reads")
    max_tokens: int = Field(2048, ge=2, description="A longer pair gets no loss, and a reason")


class GateConfig(Part):
    """What a version must reach to be published; one that does not is quarantined."""

    min_rows: int = Field(1, ge=0)
    min_coverage: float = Field(0.0, ge=0, le=1, description="Share of rows with a value, for every metric")
    max_reject_rate: float = Field(1.0, ge=0, le=1)
    max_fail_rate: float = Field(0.1, ge=0, le=1)


NAME = r"^[a-z][a-z0-9_-]{0,62}$"


class Recipe(Part):
    """One dataset and how it is built."""

    name: Annotated[str, Field(pattern=NAME, description="Of the dataset: lower case, digits, - and _")]
    flow: Literal["evol_instruct"] = "evol_instruct"
    seed: int = Field(0, ge=0, description="Of every random draw; another number draws other samples")
    seeds: tuple[SeedSource, ...] = Field(min_length=1)
    models: dict[str, ModelConfig] = {"default": ModelConfig(path="smollm2")}
    evolve: EvolveConfig = EvolveConfig()
    respond: RespondConfig = RespondConfig()
    score: ScoreConfig = ScoreConfig()
    gates: GateConfig = GateConfig()
    shards: int = Field(1, ge=1, le=1000, description="Parts that are built apart; changes no row")

    @model_validator(mode="after")
    def _models_are_named(self) -> Self:
        roles = {
            "evolve.model": self.evolve.model,
            "respond.model": self.respond.model,
            "score.judge": self.score.judge,
            "score.scorer": self.score.scorer,
        }
        for field, name in roles.items():
            if name not in self.models:
                raise ValueError(f"{field} names the model {name!r}; models has {sorted(self.models)}")
        return self

    @property
    def hash(self) -> str:
        """SHA-256 of what decides the rows: not where seeds lie, how many shards, or how an engine is tuned.

        Seeds and weights enter a version by content, through its parents and its request hashes.
        """
        said = self.model_dump(mode="json", exclude={"seeds", "shards", "models"})
        sizes = {name: model.size_class for name, model in self.models.items()}
        return content_hash({**said, "models": sizes})


def parse_recipe(data: object, *, origin: str) -> Recipe:
    """A recipe from plain data, for example parsed YAML.

    Raises:
        RecipeError: it names each wrong field, its value and what is allowed.
    """
    if not isinstance(data, dict):
        raise RecipeError(f"{origin}: a recipe is a mapping of fields, got {type(data).__name__}; see examples/")
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        problems = "\n".join(f"  {_problem(detail)}" for detail in error.errors())
        raise RecipeError(
            f"{origin}: this recipe cannot be built:\n{problems}\n"
            "Change the fields named above; `evol recipe schema` prints every field with its bounds."
        ) from None


def _problem(detail: Any) -> str:
    """One line on one wrong field: its name, what is allowed, what was given."""
    field = ".".join(str(part) for part in detail["loc"]) or "recipe"
    if detail["type"] == "missing":
        return f"{field}: is required and not given"
    if detail["type"] == "extra_forbidden":
        return f"{field}: no such field; got {detail['input']!r}"
    message = detail["msg"].removeprefix("Value error, ")
    return f"{field}: {message}; got {_short(detail['input'])}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def read_recipe(path: Path, overrides: tuple[str, ...] = ()) -> Recipe:
    """A recipe from a YAML file, with `key.subkey=value` overrides; seed paths become absolute.

    Raises:
        RecipeError: the file is missing, is not YAML, or does not describe a recipe.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecipeError(f"recipe {path} does not exist; examples/ holds recipes to copy") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"recipe {path} cannot be read: {error}") from None
    except yaml.YAMLError as error:
        raise RecipeError(f"recipe {path} is not YAML: {error}") from None
    if isinstance(data, dict):
        for override in overrides:
            _apply(data, override)
    return with_absolute_seeds(parse_recipe(data, origin=str(path)), path.resolve().parent)


def with_absolute_seeds(recipe: Recipe, base: Path) -> Recipe:
    """The recipe with its relative seed paths taken from `base`."""
    sources = tuple(source.model_copy(update={"path": str(base / source.path)}) for source in recipe.seeds)
    return recipe.model_copy(update={"seeds": sources})


def _apply(data: dict[str, Any], override: str) -> None:
    """Set one `key.subkey=value` in a recipe's data; the value is YAML, a number names a list's item."""
    path, equals, text = override.partition("=")
    if not equals or not path:
        raise RecipeError(f"--set {override!r}: write it as key.subkey=value, for example evolve.rounds=2")
    *parents, last = path.split(".")
    place: Any = data
    for key in parents:
        place = place[_index(place, key, override)] if isinstance(place, list) else place.setdefault(key, {})
        if not isinstance(place, (dict, list)):
            raise RecipeError(f"--set {override!r}: {key!r} holds {place!r}, which has no fields")
    place[_index(place, last, override) if isinstance(place, list) else last] = yaml.safe_load(text)


def _index(items: list[Any], key: str, override: str) -> int:
    if not key.isdigit() or int(key) >= len(items):
        raise RecipeError(f"--set {override!r}: {key!r} is no item of a list of {len(items)}; items count from 0")
    return int(key)
