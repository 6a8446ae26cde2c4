"""A whole build that dies by SIGKILL at the nth time it makes something last. Runs in a process of its own."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import BrokenBarrierError
from typing import Any

import sqlalchemy as sa

from evol_core.config import Settings
from evol_core.errors import EvolError
from evol_core.lineage import database as lineage_database
from evol_core.lineage.runs import register_attempt, register_run
from evol_core.llm import record
from evol_core.llm.fake import FakeEngine
from evol_core.pipeline import Order, context, pieces, run
from evol_core.recipe import InstructRecipe, parse_recipe
from evol_core.records import Losses
from evol_core.requests import GenerateRequest, Request
from evol_core.store import files, objects

SEEDS = ("Name a river.", "Add 2 and 3.", "Say hello.", "What is iron?", "Describe a cat.", "Sort 3, 1, 2.")
N_IN = len(SEEDS) * 2


def prepare(home: Path) -> None:
    """A model folder that has an identity, and seeds."""
    folder = home / "models" / "tiny"
    folder.mkdir(parents=True)
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    (home / "seeds.txt").write_text("".join(f"{seed}\n" for seed in SEEDS))


def recipe(home: Path, seed: int = 0) -> InstructRecipe:
    data = {
        "name": "tiny",
        "seed": seed,
        "seeds": [{"path": str(home / "seeds.txt"), "format": "lines", "licence": "CC0-1.0"}],
        "models": {"default": {"path": "tiny"}},
        "evolve": {"rounds": 2},
        "score": {"metrics": ["length_words", "difficulty_score"]},
        "gates": {"min_rows": 1},
    }
    parsed = parse_recipe(data, origin="test")
    assert isinstance(parsed, InstructRecipe)
    return parsed


def reply(request: Request) -> str | Losses:
    """Refuses rivers, evolves the rest, gives every instruction 70 points."""
    assert isinstance(request, GenerateRequest)
    asked = request.messages[-1].content
    if "river" in asked:
        return "Sorry, no."
    if request.decoding.temperature == 0:
        return "70"
    return f"{next(seed for seed in (*SEEDS, asked) if seed in asked)} Mind detail {request.hash[:6]}."


Reply = Callable[[Request], str | Losses]


def build(url: str, home: Path, key: str, seed: int = 0, answer: Reply = reply) -> dict[str, Any]:
    """All stages of a build, as a job runs them; each answer is a commit of its own, so that there are many."""
    settings = Settings(home=home, database_url=url, jobs_python=Path("python"))
    engine = lineage_database.connect(url)
    asked = recipe(home, seed)
    with engine.begin() as connection:
        run_id = register_run(
            connection, flow="test", run_key=key, trigger="test", conf={}, code_version="0", recipe_hash=asked.hash
        )
        attempt_id = register_attempt(connection, run_id=run_id, task="all", shard=0, code_version="0")
    engine.dispose()
    order = Order(flow="evol_instruct", stage="all", recipe=asked, run_id=run_id, attempt_id=attempt_id)
    return run(order, settings, lambda progress: None, lambda *about: FakeEngine(answer))


class Countdown:
    """Dies at the nth call of any of its functions, before or after it."""

    def __init__(self, nth: int, when: str) -> None:
        self.calls = 0
        self._nth, self._when = nth, when

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            mine = self.calls == self._nth
            if mine and self._when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            result = function(*args, **kwargs)
            if mine and self._when == "after":
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return run


def arm(countdown: Countdown) -> None:
    """Count every fsync, rename and COMMIT; small chunks of answers, so that there are several."""
    files.HashingFile.sync = countdown.around(files.HashingFile.sync)  # type: ignore[method-assign]
    objects.os.replace = countdown.around(os.replace)  # type: ignore[attr-defined]
    connect = lineage_database.connect

    def connect_armed(url: str) -> sa.Engine:
        engine = connect(url)
        engine.dialect.do_commit = countdown.around(engine.dialect.do_commit)  # type: ignore[method-assign]
        return engine

    lineage_database.connect = connect_armed
    context.connect = connect_armed  # type: ignore[attr-defined]


def small_chunks() -> None:
    """Answers are committed four at a time, and so many rows are a piece of a stage's work."""
    pieces.PIECE = 4
    init = record.RecordedEngine.__init__

    def small(self: Any, **said: Any) -> None:
        init(self, **{**said, "commit_rows": 4})

    record.RecordedEngine.__init__ = small  # type: ignore[method-assign]


def build_and_die(url: str, home: str, key: str, nth: int, when: str, told: Any = None) -> None:
    """With `told`, a queue, nothing dies: it is told how many points there are."""
    small_chunks()
    countdown = Countdown(nth, when)
    arm(countdown)
    build(url, Path(home), key)
    if told is not None:
        told.put(countdown.calls)


def build_beside(url: str, home: str, key: str, seed: int, meeting: Any, told: Any) -> None:
    """A build that waits at its first question until the other one has come as far, or has ended.

    `told`, a queue, gets the key and what the build published, or the error that ended it.
    """
    met = False

    def answer(request: Request) -> str | Losses:
        nonlocal met
        if not met:
            met = True
            with suppress(BrokenBarrierError):
                meeting.wait()
        return reply(request)

    small_chunks()
    try:
        told.put((key, build(url, Path(home), key, seed, answer)["publish"]))
    except EvolError as error:
        told.put((key, type(error).__name__))
    finally:
        meeting.abort()
