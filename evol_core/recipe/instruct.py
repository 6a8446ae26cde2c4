"""The recipe of Evol-Instruct: seeds, rounds of evolution with answers, scores, gates."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from evol_core.recipe.parts import BenchmarkSource, DecodingConfig, GateConfig, Part, Recipe, SeedSource, seeds_from
from evol_core.recipe.scoring import ScoreConfig


class AcceptanceConfig(Part):
    """Bounds of the acceptance rules (methods 2)."""

    max_added_words: int = Field(60, ge=0, description="A child may be so many words longer than its parent")
    equality_judge: str = Field("", description="The model that refuses a child without new demands; empty: nobody")
    refuse_failures: bool = Field(
        False, description="Refuse a child whose answer shows that the evolution failed (Auto Evol-Instruct's F)"
    )
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


class SelectConfig(Part):
    """Which of the accepted rows are published. The others are kept with their scores, refused by name."""

    at_most: dict[str, float] = Field(
        {}, description="Caps by metric: difficulty_level 4 leaves the very hard rows out; no value is no reason to"
    )
    by: str = Field("", description="The metric that ranks the rows, best first; empty: all of them are published")
    percent: float = Field(100.0, gt=0, le=100, description="Of the rows within the caps, at least one row")

    @property
    def metrics(self) -> Mapping[str, str]:
        """Every metric that is asked, with the field that names it."""
        capped = {metric: f"select.at_most.{metric}" for metric in self.at_most}
        return {**capped, **({self.by: "select.by"} if self.by else {})}

    @model_validator(mode="after")
    def _percent_of_a_ranking(self) -> Self:
        if self.percent < 100 and not self.by:
            raise ValueError(f"percent {self.percent:g} has nothing to rank the rows by; name a metric in by")
        return self


class BuildGateConfig(GateConfig):
    """Gates of a build that looks for duplicates and for items of benchmarks. Such rows are refused in any case."""

    max_contaminated: float = Field(
        1.0, ge=0, le=1, description="Share of all rows that share 13 words in a row with a benchmark's item"
    )
    max_duplicates: float = Field(1.0, ge=0, le=1, description="Share of all rows whose instruction came up before")


class RoundsRecipe(Recipe):
    """Seeds that are evolved in rounds, answered, scored and published: what such flows have in common."""

    seeds: tuple[SeedSource, ...] = Field(min_length=1)
    evolve: RoundsConfig = RoundsConfig()
    respond: RespondConfig = RespondConfig()
    score: ScoreConfig = ScoreConfig()
    decontaminate: tuple[BenchmarkSource, ...] = Field(
        (), description="Benchmarks; a row that shares 13 words in a row with an item is refused"
    )
    select: SelectConfig = SelectConfig()
    gates: BuildGateConfig = BuildGateConfig()

    @model_validator(mode="after")
    def _what_is_asked_is_measured(self) -> Self:
        for metric, field in self.select.metrics.items():
            if metric not in self.score.metrics:
                raise ValueError(f"{field} asks {metric!r}, which score.metrics does not have; add it there")
        if self.gates.max_contaminated < 1 and not self.decontaminate:
            raise ValueError(
                f"gates.max_contaminated is {self.gates.max_contaminated:g}, but nothing is looked for: "
                "name the benchmarks' files in decontaminate"
            )
        return self

    @property
    def roles(self) -> Mapping[str, str]:
        judge = self.evolve.acceptance.equality_judge
        return {
            **({"evolve.acceptance.equality_judge": judge} if judge else {}),
            "evolve.model": self.evolve.model,
            "respond.model": self.respond.model,
            **self.score.roles,
        }

    @property
    def sources(self) -> tuple[SeedSource, ...]:
        return self.seeds

    def from_folder(self, base: Path) -> Self:
        benchmarks = tuple(one.model_copy(update={"path": str(base / one.path)}) for one in self.decontaminate)
        return self.model_copy(update={"seeds": seeds_from(self.seeds, base), "decontaminate": benchmarks})


class InstructRecipe(RoundsRecipe):
    """One dataset that Evol-Instruct builds."""

    flow: Literal["evol_instruct"] = "evol_instruct"
    evolve: EvolveConfig = EvolveConfig()
