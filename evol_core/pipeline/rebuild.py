"""A version built again from recorded generations: no engine, nothing published, the same objects byte for byte.

The flow's own stages run once more, with three things changed: what an outside source gave comes from the versions
that were built from it, an answer that is not recorded is an error, and what would be published is held against
what was. Objects that are missing or damaged are written again by that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from evol_core.config import Settings
from evol_core.errors import ConfigError, NotFound, NotRecorded, ObjectDamaged, RecipeError
from evol_core.lineage.database import connect
from evol_core.lineage.pieces import Piece
from evol_core.lineage.publish import Load, Publication, Published
from evol_core.lineage.queries import origin_of
from evol_core.lineage.versions import Version, resolve
from evol_core.llm.port import Engine
from evol_core.pipeline.context import Build, Order
from evol_core.pipeline.flows import EVERYTHING, FLOWS
from evol_core.pipeline.seeds import seeds_name
from evol_core.recipe import ARMS, CompareArmsRecipe, Recipe, RoundsRecipe, parse_recipe
from evol_core.records import ModelRef
from evol_core.runner import Report
from evol_core.store.objects import ObjectStore, StoredObject

UNREGISTERED = 0
"""The attempt id of a build that enters nothing into the lineage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What a rebuild found."""

    version: str
    objects: int
    restored: tuple[str, ...]
    """Objects that were missing or damaged and are there again."""

    different: tuple[str, ...]
    """Objects of the version that the rebuild did not make."""

    replayed: int
    """Recorded answers that it was made from; no engine was started."""

    built_by: str
    rebuilt_by: str
    """Code versions."""

    @property
    def identical(self) -> bool:
        return not self.different


class _Captured(Exception):
    """What would be published is known; the stages after it are of no interest."""


class RecordedBuild(Build[Any]):
    """A build that replays: it knows its models by name, keeps stages' outputs to itself and publishes nothing."""

    def __init__(
        self, order: Order, settings: Settings, report: Report, *, version: Version, models: Mapping[str, Any]
    ) -> None:
        super().__init__(order, settings, report, make_engine=_refuse)
        self.version = version
        self.publication: Publication | None = None
        self._models = models
        self._outputs: dict[str, dict[str, Any]] = {}

    @cached_property
    def models(self) -> dict[str, ModelRef]:
        return {name: ModelRef(**said) for name, said in self._models.items()}

    def outputs(self, stage: str) -> list[dict[str, Any]]:
        return [self._outputs[stage]]

    def put_output(self, stage: str, output: dict[str, Any]) -> None:
        self._outputs[stage] = output

    def finished_pieces(self, work: str) -> list[Piece]:
        """None: every row is derived again from its recorded answers."""
        return []

    def keep_piece(self, work: str, number: int, piece: Piece) -> None:
        """A rebuild leaves nothing behind but whole objects."""

    def publish(self, publication: Publication, load: Load) -> Published:
        """Keep what would be published, and end there; another version than the rebuilt one is passed by."""
        if publication.name != self.version.name:
            return Published(name=publication.name, version=UNREGISTERED, state="published", replayed=True)
        self.publication = publication
        raise _Captured


def rebuild_version(settings: Settings, spec: str, report: Report = lambda progress: None) -> Rebuilt:
    """Build a version again from recorded generations and hold it against what was published.

    Raises:
        NotFound: there is no such version.
        NotRecorded: answers behind it are not recorded any more.
        ObjectDamaged: an object that it is built from is damaged, which is no object of its own.
        ConfigError: the flow cannot be rebuilt, or the run did not keep the recipe.
        SeedError: a seed version's source file is missing or is not what it was.
    """
    database = connect(settings.database_url)
    try:
        with database.connect() as connection:
            version = resolve(connection, spec, published_only=False)
            origin = origin_of(connection, version)
            parents = [resolve(connection, parent, published_only=False) for parent in origin["parents"]]
    finally:
        database.dispose()
    store = ObjectStore(settings.objects)
    broken = {stored.sha256 for stored in version.objects if not _is_whole(store, stored)}
    build = _recorded_build(settings, version, origin, report)
    build.parents = _by_name(parents, build.recipe)
    try:
        publication = _run_stages(build)
        replayed = build.requests()["replayed"]
    finally:
        build.close()
    made = {sha256 for _, sha256 in publication.files}
    wanted = list(dict.fromkeys(stored.sha256 for stored in version.objects))
    return Rebuilt(
        version=version.spec,
        objects=len(wanted),
        restored=tuple(sha256 for sha256 in wanted if sha256 in broken and sha256 in made),
        different=tuple(sha256 for sha256 in wanted if sha256 not in made),
        replayed=replayed,
        built_by=origin["code_version"],
        rebuilt_by=build.code_version,
    )


def _recorded_build(settings: Settings, version: Version, origin: Mapping[str, Any], report: Report) -> RecordedBuild:
    recipe = _recipe_of(version, origin)
    order = Order(flow=recipe.flow, stage=EVERYTHING, recipe=recipe, run_id=UNREGISTERED, attempt_id=UNREGISTERED)
    models = origin["metadata"].get("models", {})
    return RecordedBuild(order, settings, report, version=version, models=models)


def _recipe_of(version: Version, origin: Mapping[str, Any]) -> Recipe:
    """The recipe of the run that published the version."""
    try:
        recipe = parse_recipe(origin["conf"], origin=f"the recipe of run {origin['run_key']}")
    except RecipeError as error:
        raise ConfigError(
            f"{version.spec} was built by code {origin['code_version']} from a recipe that this code cannot read; "
            f"check that code out and rebuild with it. {error}"
        ) from None
    if isinstance(recipe, CompareArmsRecipe) and version.kind == "dataset":
        recipe = _arm_of(recipe, version.name)
    hashes = {recipe.hash, type(recipe).hash_of(origin["conf"])}
    if version.kind == "dataset" and origin["recipe_hash"] not in hashes:
        raise ConfigError(
            f"the recipe that run {origin['run_key']} kept is not the one of {version.spec}; "
            "run its recipe again instead: `evol run` replays what is recorded"
        )
    return recipe


def _arm_of(recipe: CompareArmsRecipe, name: str) -> Recipe:
    """The recipe of an arm by its dataset; the comparison's own where no arm has that name."""
    return next((recipe.arm(arm) for arm in ARMS if recipe.dataset(arm) == name), recipe)


def _by_name(parents: Sequence[Version], recipe: Recipe) -> dict[str, Version]:
    """Parents by the names under which the recipe's stages ask for them.

    The arms of a comparison share a seed version that has the comparison's name, not theirs.
    """
    named = {parent.name: parent for parent in parents}
    if isinstance(recipe, RoundsRecipe) and len(parents) == 1:
        named[seeds_name(recipe.name)] = parents[0]
    return named


def _run_stages(build: RecordedBuild) -> Publication:
    """Run the flow's stages up to the publication of the version that is rebuilt."""
    try:
        for name, stage in FLOWS[build.recipe.flow].stages.items():
            build.put_output(name, stage(build))
    except _Captured:
        pass
    if build.publication is None:
        raise ConfigError(f"flow {build.recipe.flow!r} publishes no {build.version.name!r} with this recipe")
    return build.publication


def _is_whole(store: ObjectStore, stored: StoredObject) -> bool:
    try:
        store.verify(stored.sha256)
    except (NotFound, ObjectDamaged):
        return False
    return True


def _refuse(*about: object) -> Engine:
    raise NotRecorded(
        "an answer behind this version is not recorded any more, and a rebuild asks no engine; "
        "`evol datasets verify NAME@V` counts such answers, `evol run` with the same recipe asks them anew"
    )
