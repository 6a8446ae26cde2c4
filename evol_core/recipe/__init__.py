"""What to build: typed, frozen, hashed. YAML in, JSON schema out (a DAG's form is made from it).

A recipe is checked as a whole before any engine starts. Names of parts that live in tables above this
room (operators, metrics, importers) are checked against those tables in `pipeline`.
"""

from evol_core.recipe.auto_evol import AutoEvolRecipe
from evol_core.recipe.autoif import AutoifRecipe
from evol_core.recipe.compare_arms import ARMS, ArmName, CompareArmsRecipe
from evol_core.recipe.evaluate import EvaluateRecipe, LmEvalConfig
from evol_core.recipe.housekeeping import HousekeepingRecipe
from evol_core.recipe.instruct import (
    AcceptanceConfig,
    BuildGateConfig,
    EvolveConfig,
    InstructRecipe,
    RespondConfig,
    RoundsRecipe,
    SelectConfig,
)
from evol_core.recipe.parts import (
    BenchmarkSource,
    DecodingConfig,
    GateConfig,
    ModelConfig,
    Part,
    Recipe,
    SeedSource,
    seeds_from,
)
from evol_core.recipe.reading import DEFAULT_FLOW, RECIPES, parse_recipe, read_recipe
from evol_core.recipe.rescore import RescoreRecipe
from evol_core.recipe.scoring import FileScoring, ScoreConfig
from evol_core.recipe.sft import LaunchConfig, LoraConfig, SftRecipe, TrainConfig

__all__ = [
    "ARMS",
    "DEFAULT_FLOW",
    "RECIPES",
    "AcceptanceConfig",
    "ArmName",
    "AutoEvolRecipe",
    "AutoifRecipe",
    "BenchmarkSource",
    "BuildGateConfig",
    "CompareArmsRecipe",
    "DecodingConfig",
    "EvaluateRecipe",
    "EvolveConfig",
    "FileScoring",
    "GateConfig",
    "HousekeepingRecipe",
    "InstructRecipe",
    "LaunchConfig",
    "LmEvalConfig",
    "LoraConfig",
    "ModelConfig",
    "Part",
    "Recipe",
    "RescoreRecipe",
    "RespondConfig",
    "RoundsRecipe",
    "ScoreConfig",
    "SeedSource",
    "SelectConfig",
    "SftRecipe",
    "TrainConfig",
    "parse_recipe",
    "read_recipe",
    "seeds_from",
]
