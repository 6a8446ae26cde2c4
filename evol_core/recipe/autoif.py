"""The recipe of AutoIF: constraints, checkers that are run, queries, responses, and what of them is kept."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from evol_core.recipe.parts import DecodingConfig, GateConfig, Part, Recipe, SeedSource, seeds_from

GREEDY = DecodingConfig(temperature=0.0, top_p=1.0, max_tokens=512)

NLI_OFF = "off"
"""No model compares back-translations with constraints; lineage says so of every constraint."""

NLI_ENGINE = "nli"
"""The engine of models that compare two texts and write none."""


class ConstraintsConfig(Part):
    """Self-instruct: many constraints out of the seeds (methods 4, step 1)."""

    model: str = Field("default", description="A name under models")
    requests: int = Field(100, ge=0, description="So often the model is asked for 50 constraints; 0: the seeds alone")
    limit: int | None = Field(None, ge=1, description="Only the first so many constraints go on, seeds first")
    decoding: DecodingConfig = DecodingConfig()


class CheckersConfig(Part):
    """Functions and test cases that a model writes for each constraint (step 2)."""

    model: str = Field("default", description="A name under models")
    samples: int = Field(8, ge=1, le=64, description="Replies a constraint")
    decoding: DecodingConfig = DecodingConfig()
    structured: bool = Field(False, description="Hold the replies to the JSON schema, where the engine can")
    strict_expectations: bool = Field(False, description='Take "True" and 1 for what they are: no function agrees')


class CrosscheckConfig(Part):
    """Functions and cases judge each other (step 3)."""

    policy: Literal["upstream", "paper_scripts", "majority"] = Field("upstream", description="How many must agree")


class BackTranslationConfig(Part):
    """Functions described as rules again, and held against their constraint (step 4)."""

    model: str = Field("default", description="A name under models")
    decoding: DecodingConfig = GREEDY
    nli: str = Field(
        NLI_OFF,
        description=f"A name under models (a classifier of engine {NLI_ENGINE}, or a chat model), or {NLI_OFF}",
    )

    @field_validator("nli", mode="before")
    @classmethod
    def _off_in_yaml_is_false(cls, value: object) -> object:
        return NLI_OFF if value is False else value


class ResponsesConfig(Part):
    """Answers to queries under a constraint, checked by running its functions (steps 5 and 6)."""

    model: str = Field("default", description="A name under models")
    queries: int = Field(16, ge=1, description="Queries a constraint; chosen by the constraint alone")
    samples: int = Field(8, ge=1, le=64, description="Responses a query")
    decoding: DecodingConfig = DecodingConfig()
    keep_truncated: bool = Field(False, description="Check a response that was cut at max_tokens")
    keep: Literal["any", "majority", "most"] = Field(
        "any", description="Share of the functions that must accept: above 0, above 0.5, from 0.8"
    )


class QualityConfig(Part):
    """A judge's score of 0 to 10 on every response that is kept (step 7)."""

    judge: str = Field("default", description="A name under models")
    decoding: DecodingConfig = GREEDY
    keep: Literal["code", "paper"] = Field("code", description="code: above 8; paper: from 8")


class PreferenceConfig(Part):
    """Pairs of an accepted and a refused response (step 9), a version of their own."""

    min_rows: int = Field(1, ge=0, description="With fewer pairs that version is quarantined")


class SandboxConfig(Part):
    """Where generated functions run. It changes no row."""

    workers: int = Field(2, ge=1, le=256, description="Functions that run at once")
    require_layers: tuple[str, ...] = Field((), description="Walls that must stand beyond the floor; see evol doctor")


class AutoifRecipe(Recipe):
    """Two datasets that AutoIF builds: NAME for fine-tuning, NAME.preference for preference training."""

    flow: Literal["autoif"] = "autoif"
    seeds: tuple[SeedSource, ...] = Field(min_length=1, description="Seed constraints, one an entry")
    queries: tuple[SeedSource, ...] = Field(min_length=1, description="What is asked under constraints")
    constraints: ConstraintsConfig = ConstraintsConfig()
    checkers: CheckersConfig = CheckersConfig()
    crosscheck: CrosscheckConfig = CrosscheckConfig()
    back_translation: BackTranslationConfig = BackTranslationConfig()
    responses: ResponsesConfig = ResponsesConfig()
    quality: QualityConfig = QualityConfig()
    preference: PreferenceConfig = PreferenceConfig()
    sandbox: SandboxConfig = SandboxConfig()
    gates: GateConfig = GateConfig()

    places: ClassVar[frozenset[str]] = Recipe.places | {"queries", "sandbox"}

    @property
    def roles(self) -> Mapping[str, str]:
        said = self.back_translation.nli
        return self._writers | ({} if said == NLI_OFF else {"back_translation.nli": said})

    @property
    def _writers(self) -> dict[str, str]:
        return {
            "constraints.model": self.constraints.model,
            "checkers.model": self.checkers.model,
            "back_translation.model": self.back_translation.model,
            "responses.model": self.responses.model,
            "quality.judge": self.quality.judge,
        }

    @property
    def sources(self) -> tuple[SeedSource, ...]:
        return (*self.seeds, *self.queries)

    @model_validator(mode="after")
    def _classifiers_write_nothing(self) -> Self:
        for field, name in self._writers.items():
            if name in self.models and self.models[name].engine == NLI_ENGINE:
                raise ValueError(f"{field} names {name!r}, a model of engine {NLI_ENGINE}, which writes no text")
        return self

    def from_folder(self, base: Path) -> Self:
        changed: dict[str, Any] = {"seeds": seeds_from(self.seeds, base), "queries": seeds_from(self.queries, base)}
        return self.model_copy(update=changed)
