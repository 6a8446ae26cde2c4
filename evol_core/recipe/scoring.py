"""What a recipe says of scores, and what `evol score` takes beside a file."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from evol_core.recipe.parts import ModelConfig, Part

EMBEDDER = "all-mpnet-base-v2"


class ScoreConfig(Part):
    """Metrics of the accepted rows."""

    metrics: tuple[str, ...] = Field(
        ("length_chars", "length_words", "length_tokens", "difficulty_score", "difficulty_level", "ifd", "ic_ifd"),
        description="Names from the table of metrics",
    )
    judge: str = Field("default", description="The model that gives difficulty scores and levels")
    scorer: str = Field("default", description="The base model whose losses IFD and IC-IFD are made of")
    reward: str = Field("", description="The reward model; empty where no metric asks one")
    embedder: str = Field("", description="The embedding model of diversity; empty where no metric asks one")
    form: Literal["plain", "chat"] = Field("plain", description="The text form that the scorer reads")
    max_tokens: int = Field(2048, ge=2, description="A longer pair gets no loss, and a reason")
    approximate_above: int = Field(
        100_000, ge=1, description="Rows above which the nearest other row is searched approximately"
    )

    @property
    def roles(self) -> Mapping[str, str]:
        """Every field that names a model, with the name that it holds."""
        named = {"judge": self.judge, "scorer": self.scorer, "reward": self.reward, "embedder": self.embedder}
        return {f"score.{role}": name for role, name in named.items() if name}


class FileScoring(Part):
    """How a plain file's rows are scored: as a recipe says it, with the platform's own models where nothing is said."""

    models: Mapping[str, ModelConfig] = {"default": ModelConfig(), "embedder": ModelConfig(path=EMBEDDER)}
    score: ScoreConfig = ScoreConfig(embedder="embedder")
    responder: str = Field("default", description="The model that wrote the responses")
