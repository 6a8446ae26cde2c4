"""The recipe of rescoring: metrics, and models for them, over a version that is there already."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from evol_core.recipe.parts import Recipe
from evol_core.recipe.scoring import ScoreConfig


class RescoreRecipe(Recipe):
    """Scores to add to one published version; no row of it changes."""

    flow: Literal["rescore"] = "rescore"
    version: str = Field(min_length=1, description="NAME, NAME@NUMBER or NAME@TAG of a published dataset")
    responder: str = Field("default", description="The model that wrote the responses, for answer confidence")
    score: ScoreConfig = ScoreConfig()

    @property
    def roles(self) -> Mapping[str, str]:
        return {**self.score.roles, "responder": self.responder}
