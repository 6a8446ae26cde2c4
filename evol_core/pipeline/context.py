"""What a stage works with: its order, the store, the database, and engines made when first needed."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from itertools import takewhile
from pathlib import Path
from typing import Any, Generic, TypeVar, cast, get_args

import sqlalchemy as sa

from evol_core.config import Settings, code_version
from evol_core.errors import JobFailed, ModelError
from evol_core.lineage.database import connect
from evol_core.lineage.generations import PostgresIndex
from evol_core.lineage.migrate import check_writable
from evol_core.lineage.pieces import Piece, finished_pieces, keep_piece
from evol_core.lineage.publish import Load, Publication, Published, publish
from evol_core.lineage.runs import put_stage_output, stage_outputs
from evol_core.lineage.versions import Version
from evol_core.llm.model_folder import check_revision, describe
from evol_core.llm.port import Engine
from evol_core.llm.record import Counts, RecordedEngine
from evol_core.llm.routed import Route, RoutedEngine
from evol_core.recipe import ModelConfig, Recipe, RoundsRecipe
from evol_core.recipe.autoif import NLI_ENGINE
from evol_core.records import ModelRef
from evol_core.requests import Kind
from evol_core.runner import Report, reported
from evol_core.store.objects import ObjectStore

R = TypeVar("R", bound=Recipe)
Rounds = TypeVar("Rounds", bound=RoundsRecipe)
T = TypeVar("T")

KINDS: tuple[Kind, ...] = get_args(Kind)

MakeEngine = Callable[[Kind, ModelConfig, ModelRef, Settings], Engine]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One stage of one run: what a job is asked to do."""

    flow: str
    stage: str
    """A name from the flow's table of stages, or `all`."""

    shard: int = 0
    shards: int = 1
    recipe: Recipe
    run_id: int
    attempt_id: int
    """The fencing token: of two attempts at the same work the larger one owns it."""


def model_folder(config: ModelConfig, settings: Settings) -> Path:
    """Where a model lies: the folder that the recipe names, or one of the platform's own.

    Raises:
        ModelError: neither exists.
    """
    own = settings.models / config.path
    for folder in (Path(config.path).expanduser(), own):
        if (folder / "config.json").is_file():
            return folder.resolve()
    known = sorted(path.parent.name for path in settings.models.glob("*/config.json"))
    raise ModelError(
        f"model path {config.path!r} is no model folder (no config.json there); models of this platform: {known}. "
        "Give a folder in Hugging Face form, or run `evol up` to bring the small default model"
    )


def model_ref(config: ModelConfig, settings: Settings) -> ModelRef:
    """A recipe's model, with the hashes of what lies in its folder and the context that the recipe sets.

    Raises:
        ModelError: there is no such folder, or its weights are not those that the recipe pins.
    """
    ref = describe(model_folder(config, settings))
    check_revision(config.revision, ref)
    return replace(ref, context=config.max_model_len)


class Build(Generic[R]):
    """One order at work. Opens the database and engines only when they are asked for."""

    def __init__(self, order: Order, settings: Settings, report: Report, make_engine: MakeEngine | None = None) -> None:
        """`make_engine` is for tests; by default a request is answered by the engine that the recipe names."""
        self.order = order
        self.recipe = cast(R, order.recipe)
        self.settings = settings
        self.report = report
        self.store = ObjectStore(settings.objects)
        self.code_version = code_version()
        self.parents: Mapping[str, Version] = {}
        """Seed versions to take instead of reading sources, by name: a rebuild's. Empty in a build."""
        self._make_engine = make_engine or real_engine

    @cached_property
    def database(self) -> sa.Engine:
        return connect(self.settings.database_url)

    def check_ready(self) -> None:
        """Make sure that what this build will write can be written, before it starts.

        Raises:
            DatabaseError: the database cannot be reached, has another schema, or takes no writes.
            StoreError: the object store is read-only or full.
        """
        check_writable(self.database)
        self.store.check_writable()

    @cached_property
    def models(self) -> dict[str, ModelRef]:
        """By their names in the recipe."""
        return {name: model_ref(config, self.settings) for name, config in self.recipe.models.items()}

    @cached_property
    def engine(self) -> RecordedEngine:
        """Answers every request of the recipe's models, from the record where it can."""
        return RecordedEngine(
            make_engine=lambda: RoutedEngine(
                engine_makers(self.recipe.models, self.models, self.settings, self._make_engine)
            ),
            store=self.store,
            index=PostgresIndex(self.database, self.order.attempt_id),
        )

    def counts(self) -> tuple[int, int, int]:
        """Replayed requests, generated requests, generated tokens so far."""
        counts = self.engine.counts
        return counts.replayed, counts.generated, counts.tokens

    def told(self, stage: str, total: int, results: Iterator[T], *, done: int = 0) -> Iterator[T]:
        """The results as they are, while the job's follower hears how far the stage is; `done` came before them."""

        def listen(tell: Callable[[], None]) -> None:
            self.engine.on_commit = tell

        return reported(
            results, stage=stage, total=total, report=self.report, counts=self.counts, listen=listen, done=done
        )

    def requests(self) -> dict[str, Any]:
        """What was replayed and what engines did, so far."""
        return asdict(self.engine.counts) if "engine" in self.__dict__ else asdict(Counts())

    def outputs(self, stage: str) -> list[dict[str, Any]]:
        """What an earlier stage of this run put out, in the order of its shards.

        Raises:
            JobFailed: it has put out nothing.
        """
        with self.database.connect() as connection:
            found = stage_outputs(connection, self.order.run_id, stage)
        if not found:
            raise JobFailed(f"stage {stage!r} of run {self.order.run_id} has no output yet; run it first")
        return found

    def put_output(self, stage: str, output: dict[str, Any]) -> None:
        with self.database.begin() as connection:
            put_stage_output(
                connection, attempt_id=self.order.attempt_id, stage=stage, shard=self.order.shard, output=output
            )

    def finished_pieces(self, work: str) -> list[Piece]:
        """What earlier attempts at the same work have finished and is whole, from its beginning; it stays now."""
        with self.database.connect() as connection:
            found = list(finished_pieces(connection, work))
        return list(takewhile(lambda piece: all(self.store.keep(one.sha256) for one in piece.objects), found))

    def keep_piece(self, work: str, number: int, piece: Piece) -> None:
        """Enter a piece that is written, for attempts to come."""
        with self.database.begin() as connection:
            keep_piece(connection, work, number, piece, self.order.attempt_id)

    def publish(self, publication: Publication, load: Load) -> Published:
        """Publish for this order's attempt (lineage.publish.publish); a rebuild holds it against what is there."""
        return publish(self.database, publication, attempt_id=self.order.attempt_id, load=load)

    def close(self) -> None:
        """End engines and connections that were opened."""
        if "engine" in self.__dict__:
            self.engine.close()
        if "database" in self.__dict__:
            self.database.dispose()


def engine_makers(
    configs: Mapping[str, ModelConfig], models: Mapping[str, ModelRef], settings: Settings, make_engine: MakeEngine
) -> dict[Route, Callable[[], Engine]]:
    """How to make the engine of each kind and model; none is made yet."""
    makers: dict[Route, Callable[[], Engine]] = {}
    for name, config in configs.items():
        for kind in KINDS:
            makers.setdefault((kind, models[name]), partial(make_engine, kind, config, models[name], settings))
    return makers


def real_engine(kind: Kind, config: ModelConfig, ref: ModelRef, settings: Settings) -> Engine:
    """The engine that answers requests of one kind and model; loads the model."""
    folder = model_folder(config, settings)
    if kind == "loss":
        from evol_core.score.models.losses import LossScorer

        return LossScorer(folder, ref, dtype=config.dtype)
    if kind != "generate":
        from evol_core.score.models.measuring import measuring_engine

        return measuring_engine(kind, folder, ref, dtype=config.dtype, trust_remote_code=config.trust_remote_code)
    if config.engine == NLI_ENGINE:
        from evol_core.score.models.nli import NliClassifier

        return NliClassifier(folder, ref, dtype=config.dtype)
    from evol_core.llm.vllm_offline import VllmOffline

    return VllmOffline(folder, ref, config)
