"""What the small tasks of a build do, those that need no job: plan, decide, announce, release."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk.exceptions import AirflowSkipException

from evol_core.airflow.assets import DATASET
from evol_core.airflow.params import recipe_from_params
from evol_core.airflow.runs import Context, run_of, transaction
from evol_core.job.surroundings import settings_from
from evol_core.recipe import parse_recipe

Version = Mapping[str, Any]
"""What the publish stage puts out: name, version, state, rows, closed gates."""

RECENT_EVENTS = 1000
"""Of the dataset asset, looked through for a version that was announced before."""


def plan_build(flow: str, context: Context) -> list[int]:
    """Check the form's recipe as a whole and register the run.

    Returns:
        The numbers of the shards. The recipe as it will be built is left beside it, under the key `recipe`.

    Raises:
        EvolError: something is wrong that would stop a stage later.
    """
    from evol_core.pipeline import check_recipe

    settings = settings_from(os.environ)
    recipe = recipe_from_params(flow, context["params"])
    check_recipe(recipe, settings)
    with transaction(settings) as connection:
        run_of(context, recipe, connection)
    context["ti"].xcom_push(key="recipe", value=recipe.model_dump(mode="json"))
    return list(range(recipe.shards))


def parts_of(recipe: Mapping[str, Any], stage: str) -> list[int]:
    """The numbers of the jobs that do a stage in parts, for a recipe as plan_build left it."""
    from evol_core.recipe import parse_recipe

    return list(range(parse_recipe(dict(recipe), origin="the run's recipe").parts_of(stage)))


def plan_training(context: Context) -> dict[str, Any]:
    """The recipe that will be trained, with the version that it means now.

    Raises:
        AirflowSkipException: the version that was announced is not of the recipe's dataset.
        NotFound: the version is not there, or not published.
        EvolError: something else is wrong that would stop the training later.
    """
    from evol_core.lineage.versions import resolve
    from evol_core.pipeline import check_recipe

    settings = settings_from(os.environ)
    recipe = recipe_from_params("sft", context["params"])
    wanted = recipe.model_dump(mode="json")
    events = context["triggering_asset_events"].get(DATASET) or []
    if events:
        wanted["dataset"] = announced(events[-1].extra, wanted["dataset"])
    with transaction(settings) as connection:
        wanted["dataset"] = resolve(connection, wanted["dataset"]).spec
        fixed = parse_recipe(wanted, origin="the run's recipe")
        check_recipe(fixed, settings)
        run_of(context, fixed, connection)
    return fixed.model_dump(mode="json")


def announced(extra: Mapping[str, Any], wanted: str) -> str:
    """The version that an event tells of, where it is of the wanted dataset.

    Raises:
        AirflowSkipException: it is of another one.
    """
    name = wanted.partition("@")[0]
    if extra.get("name") != name:
        raise AirflowSkipException(f"{extra.get('name')}@{extra.get('version')} is new; this recipe trains on {name}")
    return f"{name}@{extra['version']}"


def state_of(version: Version) -> str:
    """`published`, `quarantined` or `retracted`, as the database has it now."""
    from evol_core.lineage.versions import resolve

    with transaction(settings_from(os.environ)) as connection:
        return resolve(connection, f"{version['name']}@{version['version']}", published_only=False).state


def release(version: Version, approval: Mapping[str, Any]) -> None:
    """Publish a quarantined version on the word of whoever approved it."""
    from evol_core.lineage.publish import release_version

    user = approval.get("responded_by_user") or {}
    by = user.get("name") or user.get("id") or "unknown"
    reason = str((approval.get("params_input") or {}).get("reason") or "approved in Airflow")
    with transaction(settings_from(os.environ)) as connection:
        release_version(connection, version["name"], version["version"], by, reason)


def announce(version: Version, context: Context) -> dict[str, Any]:
    """Tell the schedule that there is a new version, once a version.

    A rerun that publishes what is there already must not start training again, and a version that waits for a
    person's word is for nobody's eyes. A build that somebody asked for has no night as its partition; it gets the
    version, as Airflow starts no training for an event without one.

    Raises:
        AirflowSkipException: there is nothing new to tell.
    """
    said = {"name": version["name"], "version": version["version"], "rows": version["rows"]}
    if (state := state_of(version)) != "published":
        raise AirflowSkipException(f"{said['name']}@{said['version']} is {state}; it is not announced")
    if was_announced(said, context["inlet_events"][DATASET].ascending(False).limit(RECENT_EVENTS)):
        raise AirflowSkipException(f"{said['name']}@{said['version']} was announced before; nothing is new")
    event = context["outlet_events"][DATASET]
    event.extra = {**said, "state": state}
    if context["dag_run"].partition_key is None:
        event.add_partitions(f"{said['name']}@{said['version']}")
    return {**said, "state": state}


def was_announced(version: Mapping[str, Any], events: Sequence[Any]) -> bool:
    """Whether one of the asset's events is of this version."""
    key = (version["name"], version["version"])
    return any((event.extra.get("name"), event.extra.get("version")) == key for event in events)
