"""The recipe of a comparison: two evolvers on the same seeds, with the same answers and scores.

By default both take the same operators and draws. An arm may take an evolving method instead (Auto Evol-Instruct).
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from evol_core.recipe.auto_evol import METHOD, AnalyseConfig, AutoEvolRecipe, AutoEvolveConfig, OptimiseConfig
from evol_core.recipe.instruct import (
    AcceptanceConfig,
    BuildGateConfig,
    EvolveConfig,
    InstructRecipe,
    RespondConfig,
    RoundsRecipe,
)
from evol_core.recipe.parts import NAME, DecodingConfig, GateConfig, Part, Recipe, SeedSource, seeds_from
from evol_core.recipe.scoring import ScoreConfig

ArmName = Literal["a", "b"]

ARMS: tuple[ArmName, ...] = ("a", "b")

NO_METHOD = ""

OPTIONAL_METHOD = f"^$|{METHOD}"


class ArmsConfig(Part):
    """The two evolvers, models and what they evolve by; everything else is the same for both."""

    a: str = Field("small", description="The evolver of arm A: a name under models")
    b: str = Field("large", description="The evolver of arm B: a name under models")
    a_method: str = Field(
        NO_METHOD,
        pattern=OPTIONAL_METHOD,
        description="Empty: A evolves by the operators. base, or NAME@HASH of a method of Auto Evol-Instruct: by it",
    )
    b_method: str = Field(NO_METHOD, pattern=OPTIONAL_METHOD, description="The same for B")
    reply: Literal["json", "headings"] = Field("json", description="What a method's reply looks like")

    def model(self, arm: ArmName) -> str:
        return self.a if arm == "a" else self.b

    def method(self, arm: ArmName) -> str:
        """Empty where the arm evolves by operators."""
        return self.a_method if arm == "a" else self.b_method

    @property
    def share_model(self) -> bool:
        return self.a == self.b


class ArmEvolveConfig(Part):
    """Rounds of evolution, as EvolveConfig says them, without a model: the arms name theirs."""

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
    """Two datasets that differ in what evolved them alone, and what tells them apart."""

    flow: Literal["compare_arms"] = "compare_arms"
    seeds: tuple[SeedSource, ...] = Field(min_length=1)
    arms: ArmsConfig = ArmsConfig()
    evolve: ArmEvolveConfig = ArmEvolveConfig()
    respond: RespondConfig = RespondConfig()
    score: ScoreConfig = ScoreConfig()
    analyse: AnalyseConfig = AnalyseConfig()
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
            **({"analyse.model": self.analyse.model} if self.analyse.model else {}),
        }

    @property
    def sources(self) -> tuple[SeedSource, ...]:
        return self.seeds

    def from_folder(self, base: Path) -> Self:
        return self.model_copy(update={"seeds": seeds_from(self.seeds, base)})

    @model_validator(mode="after")
    def _arms_differ(self) -> Self:
        a, b = ((self.arms.model(arm), self.arms.method(arm)) for arm in ARMS)
        if a == b:
            by = f"evolve by {a[1]!r}" if a[1] else "evolve by the operators"
            raise ValueError(
                f"arms.a and arms.b both name the model {a[0]!r} and {by}; a comparison needs two evolvers: "
                "another model, or another method"
            )
        for arm in ARMS:
            if not re.fullmatch(NAME, self.dataset(arm)):
                raise ValueError(
                    f"arm {arm} would make the dataset {self.dataset(arm)!r}; a name has at most 63 characters, "
                    "lower case, digits, - and _: rename the recipe or the model"
                )
        return self

    def dataset(self, arm: ArmName) -> str:
        """The dataset that an arm is published as; the arm's letter tells two with one model apart."""
        name = f"{self.name}-{self.arms.model(arm)}"
        return f"{name}-{arm}" if self.arms.share_model else name

    def arm(self, arm: ArmName) -> RoundsRecipe:
        """One arm as a recipe of its own: the same in both, but for its name and its evolver."""
        said: dict[str, Any] = {
            "name": self.dataset(arm),
            "seed": self.seed,
            "shards": self.shards,
            "models": self.models,
            "seeds": self.seeds,
            "respond": self.respond,
            "score": self.score,
            "gates": BuildGateConfig(**dict(self.gates)),
        }
        whole = self._by_method(arm, said) if self.arms.method(arm) else self._by_operators(arm, said)
        used = set(whole.roles.values())
        return whole.model_copy(update={"models": {name: self.models[name] for name in self.models if name in used}})

    def _by_operators(self, arm: ArmName, said: dict[str, Any]) -> InstructRecipe:
        return InstructRecipe(**said, evolve=EvolveConfig(model=self.arms.model(arm), **dict(self.evolve)))

    def _by_method(self, arm: ArmName, said: dict[str, Any]) -> AutoEvolRecipe:
        """The method as it is: a comparison optimises nothing."""
        model = self.arms.model(arm)
        rounds = {name: value for name, value in dict(self.evolve).items() if name != "operators"}
        evolve = AutoEvolveConfig(model=model, method=self.arms.method(arm), reply=self.arms.reply, **rounds)
        return AutoEvolRecipe(**said, evolve=evolve, optimise=OptimiseConfig(optimiser=model), analyse=self.analyse)
