"""Scores in every flow: which models metrics ask, and the programs of rows and of whole sets."""

from collections.abc import Mapping, Sequence
from functools import partial

from evol_core.errors import RecipeError
from evol_core.llm.port import Engine, Program
from evol_core.pipeline.pieces import Tables
from evol_core.recipe import ModelConfig
from evol_core.recipe.scoring import ScoreConfig
from evol_core.records import ModelRef, Pair
from evol_core.runner import drive
from evol_core.schemas import score_row
from evol_core.score.diversity import Member, Neighbours, SetScores, set_scores, vectors_of
from evol_core.score.metric import Role, Scoring, SetMetric
from evol_core.score.metrics import ALL_METRICS, models_asked, unknown_metrics
from evol_core.score.rows import score_pair


def check_scores(score: ScoreConfig) -> None:
    """
    Raises:
        RecipeError: a metric has no such name, or needs a model that nobody names.
    """
    if problem := unknown_metrics(score.metrics):
        raise RecipeError(f"score.metrics: {problem}")
    for role in sorted(models_asked(score.metrics) & {"reward", "embedder"}):
        if not getattr(score, role):
            asking = [name for name in score.metrics if ALL_METRICS[name].asks == role]
            raise RecipeError(
                f"score.{role}: is empty, but score.metrics {asking} ask it; put the model under models and its "
                f"name here{', for example path: all-mpnet-base-v2' if role == 'embedder' else ''}"
            )


def scoring_of(
    score: ScoreConfig,
    models: Mapping[str, ModelRef],
    configs: Mapping[str, ModelConfig],
    *,
    responder: str,
    respond_prompt: str = "{instruction}",
) -> Scoring:
    """The models that a recipe names, for its metrics.

    Args:
        configs: what the recipe says of them.
        responder: the name of the model that wrote the responses.
        respond_prompt: what it was asked.
    """
    return Scoring(
        judge=models[score.judge],
        scorer=models[score.scorer],
        dtypes={role: configs[name].dtype for role, name in names_of(score, responder).items() if name},
        reward=models[score.reward] if score.reward else None,
        responder=models[responder] if responder else None,
        embedder=models[score.embedder] if score.embedder else None,
        form=score.form,
        max_tokens=score.max_tokens,
        respond_prompt=respond_prompt,
    )


def names_of(score: ScoreConfig, responder: str) -> dict[Role, str]:
    """The recipe's name of the model in each role; empty where it names none."""
    return {
        "judge": score.judge,
        "scorer": score.scorer,
        "reward": score.reward,
        "embedder": score.embedder,
        "responder": responder,
    }


def needed_models(score: ScoreConfig, responder: str) -> set[str]:
    """Names of the models that the recipe's metrics ask."""
    names = names_of(score, responder)
    return {names[role] for role in models_asked(score.metrics)}


def score_tables(pair: Pair, metrics: Sequence[str], scoring: Scoring) -> Program[Tables]:
    """A pair's scores by the metrics that look at one row, as rows of SCORES."""
    scores = yield from score_pair(pair, metrics, scoring)
    return [[score_row(score) for score in scores]]


def scored_set(
    members: Sequence[Member], metrics: Sequence[SetMetric], scoring: Scoring, engine: Engine, *, approximate_above: int
) -> SetScores:
    """Every member's scores by metrics of the whole set. Needs the jobs environment."""
    if not metrics:
        return SetScores([[] for _ in members], {})
    vectors = list(drive((vectors_of(member, metrics, scoring) for member in members), engine))
    return set_scores(members, vectors, metrics, scoring, partial(_search, approximate_above=approximate_above))


def _search(vectors: Sequence[bytes], *, approximate_above: int) -> Neighbours:
    from evol_core.score.models.search import search

    return search(vectors, approximate_above=approximate_above)
