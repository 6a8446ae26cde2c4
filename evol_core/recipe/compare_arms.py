"""The recipe of a comparison: two evolvers on the same seeds, with the same operators, draws, answers and scores."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from evol_core.recipe.instruct import AcceptanceConfig, BuildGateConfig, EvolveConfig, InstructRecipe, RespondConfig
from evol_core.recipe.parts import NAME, DecodingConfig, GateConfig, Part, Recipe, SeedSource, seeds_from
from evol_core.recipe.scoring import ScoreConfig

ArmName = Literal["a", "b"]

ARMS: tuple[ArmName, ...] = ("a", "b")


class ArmsConfig(Part):
    """The two evolvers; everything else is the same for both."""

    a: str = Field("small", description="The evolver of arm A: a name under models")
    b: str = Field("large", description="The evolver of arm B: another name under models")


class ArmEvolveConfig(Part):
    """Rounds of evolution by operators, as EvolveConfig says them, without a model: the arms name theirs."""

    operators: tuple[str, ...] = Field(
        ("constraints", "deepen", "concretize", "reasoning", "breadth"),
        min_length=1,
        description="In order: row i takes operator (i + round) mod their number",
    )
    rounds: int = Field(3, ge=0, le=100)
    decoding: DecodingConfig = DecodingConfig()
    acceptance: AcceptanceConfig = AcceptanceConfig()


class JudgeConfig(Part):
    """Pairwise verdicts on the two arms' children of one parent, asked in both orders."""

    model: str = Field("default", description="A name under models")
    decoding: DecodingConfig = DecodingConfig(temperature=0.0, top_p=1.0, max_tokens=512)


class CompareConfig(Part):
    """Statistics of the paired rows."""

    resamples: int = Field(2000, ge=100, le=100_000, description="Of the bootstrap, for its 95% intervals")


class CompareArmsRecipe(Recipe):
    """Two datasets that differ in their evolver alone, and what tells them apart."""

    flow: Literal["compare_arms"] = "compare_arms"
    seeds: tuple[SeedSource, ...] = Field(min_length=1)
    arms: ArmsConfig = ArmsConfig()
    evolve: ArmEvolveConfig = ArmEvolveConfig()
    respond: RespondConfig = RespondConfig()
    score: ScoreConfig = ScoreConfig()
    judge: JudgeConfig = JudgeConfig()
    compare: CompareConfig = CompareConfig()
    gates: GateConfig = GateConfig()

    @property
    def roles(self) -> Mapping[str, str]:
        return {
            "arms.a": self.arms.a,
            "arms.b": self.arms.b,
            "respond.model": self.respond.model,
            **self.score.roles,
            "judge.model": self.judge.model,
        }

    @property
    def sources(self) -> tuple[SeedSource, ...]:
        return self.seeds

    def from_folder(self, base: Path) -> Self:
        return self.model_copy(update={"seeds": seeds_from(self.seeds, base)})

    @model_validator(mode="after")
    def _arms_differ(self) -> Self:
        if self.arms.a == self.arms.b:
            raise ValueError(f"arms.a and arms.b both name the model {self.arms.a!r}; a comparison needs two evolvers")
        for arm in ARMS:
            if not re.fullmatch(NAME, self.dataset(arm)):
                raise ValueError(
                    f"arm {arm} would make the dataset {self.dataset(arm)!r}; a name has at most 63 characters, "
                    "lower case, digits, - and _: rename the recipe or the model"
                )
        return self

    def evolver(self, arm: ArmName) -> str:
        """The name under models of an arm's evolver."""
        return self.arms.a if arm == "a" else self.arms.b

    def dataset(self, arm: ArmName) -> str:
        """The dataset that an arm is published as."""
        return f"{self.name}-{self.evolver(arm)}"

    def arm(self, arm: ArmName) -> InstructRecipe:
        """One arm as a recipe of its own: the same in both, but for its name and its evolver."""
        whole = InstructRecipe(
            name=self.dataset(arm),
            seed=self.seed,
            shards=self.shards,
            models=self.models,
            seeds=self.seeds,
            evolve=EvolveConfig(model=self.evolver(arm), **dict(self.evolve)),
            respond=self.respond,
            score=self.score,
            gates=BuildGateConfig(**dict(self.gates)),
        )
        used = set(whole.roles.values())
        return whole.model_copy(update={"models": {name: self.models[name] for name in self.models if name in used}})
