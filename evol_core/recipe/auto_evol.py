"""The recipe of Auto Evol-Instruct: optimise the evolving method, evolve by it, analyse what was planned."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from evol_core.recipe.instruct import RoundsConfig, RoundsRecipe
from evol_core.recipe.parts import DecodingConfig, Part

METHOD = r"^(base|[a-z][a-z0-9_-]{0,62}@[0-9a-f]{8,64})$"


class OptimiseConfig(Part):
    """The optimiser loop. Its evolver is greedy, and its development set apart from its mini-batches."""

    steps: int = Field(0, ge=0, le=100, description="Of optimisation; 0 evolves by the method as it is")
    optimiser: str = Field("default", description="The model that names failures and writes better methods")
    decoding: DecodingConfig = DecodingConfig(temperature=0.6, top_p=0.95)
    sample: int = Field(2000, ge=2, description="Seeds that the loop draws from, development set included")
    batch: int = Field(10, ge=1, description="Rows of a step's mini-batch")
    stages: int = Field(1, ge=1, le=10, description="Times that a row of the mini-batch is evolved")
    candidates: int = Field(5, ge=1, le=100, description="Methods that a step asks for")
    development: int = Field(50, ge=1, description="Rows on which methods are compared")


class AutoEvolveConfig(RoundsConfig):
    """Rounds of self-planned evolution."""

    rounds: int = Field(1, ge=0, le=100)
    method: str = Field(
        "base",
        pattern=METHOD,
        description="base, or NAME@HASH of a method that an earlier build chose; optimising starts from it",
    )
    method_text: str = Field("", description="A method's own text, with {instruction} in it, instead of a name")
    reply: Literal["json", "headings"] = Field("json", description="Structured output, or text under headings")

    @field_validator("method_text")
    @classmethod
    def _has_a_place(cls, text: str) -> str:
        if text and "{instruction}" not in text:
            raise ValueError("has no place for the instruction; write {instruction} where it shall stand")
        return text

    @model_validator(mode="after")
    def _one_method(self) -> Self:
        if self.method_text and self.method != "base":
            raise ValueError("give method or method_text, not both")
        return self


class AnalyseConfig(Part):
    """Trajectory analysis: the listed ways to make an instruction harder, as short phrases."""

    model: str = Field("", description="The model that names each way in a few words; empty takes the ways' own words")
    max_tokens: int = Field(256, ge=1, description="Of a reply with the phrases of one trajectory")


class AutoEvolRecipe(RoundsRecipe):
    """One dataset that Auto Evol-Instruct builds."""

    flow: Literal["auto_evol"] = "auto_evol"
    evolve: AutoEvolveConfig = AutoEvolveConfig()
    optimise: OptimiseConfig = OptimiseConfig()
    analyse: AnalyseConfig = AnalyseConfig()
    max_calls: int | None = Field(
        None, ge=0, description="Requests that the whole build may make at most; empty sets no limit"
    )

    @property
    def roles(self) -> Mapping[str, str]:
        asked = {"optimise.optimiser": self.optimise.optimiser, "analyse.model": self.analyse.model}
        return {**super().roles, **{field: name for field, name in asked.items() if name}}

    def parts_of(self, stage: str) -> int:
        return max(1, self.optimise.steps) if stage == "optimise" else super().parts_of(stage)
