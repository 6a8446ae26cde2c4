"""The recipe of Evol-Instruct: seeds, rounds of evolution with answers, scores, gates."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import Field

from evol_core.recipe.parts import DecodingConfig, GateConfig, Part, Recipe, SeedSource, seeds_from


class AcceptanceConfig(Part):
    """Bounds of the acceptance rules (methods 2)."""

    max_added_words: int = Field(60, ge=0, description="A child may be so many words longer than its parent")
    same_language: bool = Field(True, description="Refuse a child in another language than its parent's")


class RoundsConfig(Part):
    """Rounds of evolution, whatever they evolve by."""

    model: str = Field("default", description="A name under models")
    rounds: int = Field(3, ge=0, le=100)
    decoding: DecodingConfig = DecodingConfig()
    acceptance: AcceptanceConfig = AcceptanceConfig()


class EvolveConfig(RoundsConfig):
    """Rounds of evolution by operators."""

    operators: tuple[str, ...] = Field(
        ("constraints", "deepen", "concretize", "reasoning", "breadth"),
        min_length=1,
        description="In order: row i takes operator (i + round) mod their number",
    )


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


class RoundsRecipe(Recipe):
    """Seeds that are evolved in rounds, answered, scored and published: what such flows have in common."""

    seeds: tuple[SeedSource, ...] = Field(min_length=1)
    evolve: RoundsConfig = RoundsConfig()
    respond: RespondConfig = RespondConfig()
    score: ScoreConfig = ScoreConfig()
    gates: GateConfig = GateConfig()

    @property
    def roles(self) -> Mapping[str, str]:
        return {
            "evolve.model": self.evolve.model,
            "respond.model": self.respond.model,
            "score.judge": self.score.judge,
            "score.scorer": self.score.scorer,
        }

    @property
    def sources(self) -> tuple[SeedSource, ...]:
        return self.seeds

    def from_folder(self, base: Path) -> Self:
        return self.model_copy(update={"seeds": seeds_from(self.seeds, base)})


class InstructRecipe(RoundsRecipe):
    """One dataset that Evol-Instruct builds."""

    flow: Literal["evol_instruct"] = "evol_instruct"
    evolve: EvolveConfig = EvolveConfig()
