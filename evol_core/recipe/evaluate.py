"""The recipe of an evaluation: a model answers a file of prompts whose instructions a program can check."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field

from evol_core.recipe.parts import DecodingConfig, Part, Recipe


class LmEvalConfig(Part):
    """A run of lm-eval beside it; off while no task is named."""

    tasks: tuple[str, ...] = Field((), description="Names that lm-eval knows; it must be in the jobs environment")
    limit: int | None = Field(None, ge=1, description="Only the first so many items of a task")


class EvaluateRecipe(Recipe):
    """IFEval-style checks of one model, for example of a checkpoint."""

    flow: Literal["evaluate"] = "evaluate"
    prompts: str = Field(description="JSON lines of key, prompt, instruction_id_list, kwargs; beside the recipe")
    benchmark: Literal["ifeval", "ifbench"] = Field("ifeval", description="Whose checks the prompts name")
    model: str = Field("default", description="A name under models; its path may be a checkpoint's folder")
    decoding: DecodingConfig = DecodingConfig(temperature=0, top_p=1, max_tokens=512)
    lm_eval: LmEvalConfig = LmEvalConfig()

    places: ClassVar[frozenset[str]] = frozenset({"seeds", "shards", "models", "prompts"})

    @property
    def roles(self) -> Mapping[str, str]:
        return {"model": self.model}

    def from_folder(self, base: Path) -> Self:
        return self.model_copy(update={"prompts": str(base / self.prompts)})
