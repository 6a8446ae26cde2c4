"""The stages of Auto Evol-Instruct after its optimiser: evolve by the chosen method, analyse, publish."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from evol_core.config import Settings
from evol_core.evolve.auto.listening import listening
from evol_core.evolve.auto.method import Method
from evol_core.evolve.auto.operator import with_method
from evol_core.evolve.auto.phrases import merged, model_phrases, own_phrase
from evol_core.evolve.auto.tables import PHRASES, TRAJECTORIES, TRIALS, phrase_rows, trajectory_row
from evol_core.evolve.auto.trajectory import Outcome
from evol_core.evolve.rounds import EvolveSetting, evolve_row
from evol_core.lineage.load_auto import load_phrases, load_trajectories
from evol_core.lineage.publish import VersionRef
from evol_core.llm.port import Program
from evol_core.pipeline.auto_optimise import base_method, check_optimise
from evol_core.pipeline.context import Build
from evol_core.pipeline.evolving import chosen_method
from evol_core.pipeline.instruct import own_bounds, read_seed_rows, rounds_setting
from evol_core.pipeline.pieces import Tables, by_status, made_in_pieces, parts_of, tallied
from evol_core.pipeline.publishing import Beside, publish_stage, tables_of
from evol_core.pipeline.scoring import check_scores
from evol_core.publish.benchmark_files import read_benchmarks
from evol_core.recipe import AutoEvolRecipe
from evol_core.records import Seed
from evol_core.runner import drive, write_parts
from evol_core.schemas import EVOLVED, evolved_row
from evol_core.seed import check_sources, read_seeds

Row = dict[str, Any]


def check_auto_evol(recipe: AutoEvolRecipe, settings: Settings) -> None:
    """What the recipe names must be there, and its sizes and budget must allow what it asks for.

    Raises:
        RecipeError: a metric has no such name, a benchmark cannot be read, a method's text is none, sizes do not fit,
            the budget is too small.
        NotFound: nobody recorded the method that it names.
        SeedError: a seed file is missing or is not what the recipe says.
    """
    check_scores(recipe.score)
    read_benchmarks(recipe.decontaminate)
    check_sources(recipe.seeds)
    with read_seeds(recipe.seeds) as batch:
        check_optimise(recipe, batch.n_seeds)
    base_method(recipe, settings)


def method_setting(build: Build[AutoEvolRecipe], method: Method) -> EvolveSetting:
    """The recipe's rounds, with a method as their operator."""
    return with_method(rounds_setting(build, {}), method, build.recipe.evolve.reply)


def auto_evolve_stage(build: Build[AutoEvolRecipe]) -> Row:
    """Evolve and answer the shard's seeds by the chosen method, all rounds; every reply's trajectory is kept."""
    method = chosen_method(build)
    setting = method_setting(build, method)
    (output,) = build.outputs("seed")
    first, last = own_bounds(build)

    def evolved(seed: Seed) -> Program[Tables]:
        heard = yield from listening(evolve_row(seed, setting))
        trajectories = [trajectory_row(row, heard.answers[row.evolve_hash]) for row in heard.result]
        return [[evolved_row(row) for row in heard.result], trajectories]

    pieces = made_in_pieces(
        build,
        "evolve",
        read_seed_rows(build),
        evolved,
        [EVOLVED, TRAJECTORIES],
        total=last - first,
        decided_by=[output["parts"], first, last, method.text],
    )
    parts, trajectories = parts_of(pieces), parts_of(pieces, 1)
    outcomes = tallied(build.store, trajectories, "outcome")
    return {
        "parts": parts,
        "trajectories": trajectories,
        "seeds": last - first,
        "parsed": sum(n for outcome, n in outcomes.items() if Outcome(outcome).parsed),
        "counts": by_status(build.store, parts),
    }


def is_parsed(trajectory: Row) -> bool:
    return Outcome(trajectory["outcome"]).parsed


def analyse_stage(build: Build[AutoEvolRecipe]) -> Row:
    """A phrase for every listed way of the shard's trajectories that could be read."""
    evolved = build.outputs("evolve")[build.order.shard]
    listed = [row for row in _read(build, evolved["trajectories"]) if is_parsed(row)]
    programs = (phrases_of(build, row["methods"]) for row in listed)
    named = build.told("analyse", len(listed), drive(programs, build.engine))
    rows = (one for row, phrases in zip(listed, named, strict=True) for one in phrase_rows(row, phrases))
    return {"parts": [part.sha256 for part in write_parts(build.store, rows, PHRASES)]}


def phrases_of(build: Build[AutoEvolRecipe], methods: list[str]) -> Program[list[str | None]]:
    """A phrase a listed way, as the recipe wants them made; None where there is none."""
    said = build.recipe.analyse
    if not said.model:
        return [own_phrase(method) or None for method in methods]
    return (
        yield from model_phrases(
            methods, model=build.models[said.model], max_tokens=said.max_tokens, recipe_seed=build.recipe.seed
        )
    )


def auto_publish_stage(build: Build[AutoEvolRecipe]) -> Row:
    """Publish the build with its trajectories, phrases and trials as evidence."""
    trajectories = _gathered(build, "evolve", "trajectories")
    phrases = _gathered(build, "analyse", "parts")
    trials = build.outputs("optimise")[-1]
    evidence = (
        *write_parts(build.store, _read(build, trials["parts"]), TRIALS),
        *write_parts(build.store, _read(build, trajectories), TRAJECTORIES),
        *write_parts(build.store, _read(build, phrases), PHRASES),
    )

    def load(connection: sa.Connection, version: VersionRef) -> None:
        for table in tables_of(_read(build, trajectories), TRAJECTORIES):
            load_trajectories(connection, table, version)
        load_phrases(connection, phrase_counts(_read(build, phrases)), version)

    published = publish_stage(build, Beside(evidence=evidence, load=load))
    n_replies = sum(output["seeds"] for output in build.outputs("evolve")) * build.recipe.evolve.rounds
    n_parsed = sum(output["parsed"] for output in build.outputs("evolve"))
    told = {name: trials[name] for name in ("method", "failure_rate", "stop", "stopped")}
    return published | told | {"parsed": n_parsed, "parse_rate": n_parsed / n_replies if n_replies else None}


def phrase_counts(rows: Iterator[Row]) -> list[Row]:
    """Listed ways by round and phrase, near phrases together under one of them."""
    counted = Counter((row["round"], row["phrase"]) for row in rows if row["phrase"] is not None)
    totals: Counter[str] = Counter()
    for (_, phrase), number in counted.items():
        totals[phrase] += number
    stands = merged(totals.elements())
    found: dict[tuple[int, str], list[int]] = {}
    for (round, phrase), number in counted.items():
        found.setdefault((round, stands[phrase]), []).append(number)
    return [
        {"round": round, "phrase": phrase, "n_methods": sum(numbers), "n_spellings": len(numbers)}
        for (round, phrase), numbers in sorted(found.items())
    ]


def _gathered(build: Build[AutoEvolRecipe], stage: str, name: str) -> list[str]:
    return [sha256 for output in build.outputs(stage) for sha256 in output[name]]


def _read(build: Build[AutoEvolRecipe], parts: list[str]) -> Iterator[Row]:
    for sha256 in parts:
        yield from build.store.read(sha256).to_pylist()
