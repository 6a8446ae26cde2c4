"""The recipe of an evaluation: a model answers a file of prompts whose instructions a program can check."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field

from evol_core.recipe.parts import DecodingConfig, Part, Recipe


class LmEvalConfig(Part):
    """A run of lm-eval beside it; off while no task is named."""

    tasks: tuple[str, ...] = Field((), description="Names that lm-eval knows, or that stand in tasks_folder")
    limit: int | None = Field(None, ge=1, description="Only the first so many items of a task")
    tasks_folder: str = Field("", description="A folder with tasks of your own, as lm-eval writes them; empty: none")
    python: str = Field(
        "",
        description="The python of an environment with lm-eval, so that ours needs none; empty: the jobs environment",
    )


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
        lm_eval = self.lm_eval
        if lm_eval.tasks_folder:
            lm_eval = lm_eval.model_copy(update={"tasks_folder": str(base / lm_eval.tasks_folder)})
        return self.model_copy(update={"prompts": str(base / self.prompts), "lm_eval": lm_eval})
