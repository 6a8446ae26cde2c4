"""A build of made-up seeds by a made-up model: what stages cost beside the model, each in a process of its own.

    .venv/bin/python -m bench.recorded_build HOME STAGE ROWS [--answers N] [--derive]

Runs one stage of evol_instruct, one round, or plans the build, in a home whose database runs already. The made-up
model is gone after N answers (by default before the first), as if the job were killed there. With --derive, pieces
that are finished are derived again from their recorded answers. Prints one line of JSON.
"""

import argparse
import json
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from bench.scratch import MODEL, texts
from evol_core.config import PROJECT_ROOT, Settings
from evol_core.errors import EngineError
from evol_core.evolve.language import language
from evol_core.lineage.pieces import Piece
from evol_core.lineage.runs import register_attempt, register_run
from evol_core.pipeline.context import Build, Order
from evol_core.pipeline.flows import FLOWS
from evol_core.platform.postgres import ensure_postgres
from evol_core.recipe import Recipe, parse_recipe
from evol_core.records import Generation, Losses, ModelRef
from evol_core.requests import LossRequest, Request

FLOW = "evol_instruct"

PLAN = "plan"
"""Instead of a stage's name: what `evol plan` does."""

SEED_CHARS = 200

ALL = 10**12
"""Answers that a made-up model never comes to the end of."""

ANSWER = "It leads from the mountains to the sea, past four cities and a hundred mills, and freezes every winter. " * 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one stage took."""

    stage: str
    rows: int
    seconds: float
    """Of the stage, or of its way to the first question that the model did not answer; modules were loaded before."""

    cpu_seconds: float
    """Of this process in the stage, without PostgreSQL's."""

    peak_mib: float
    """Highest resident memory of the process (VmHWM; in ru_maxrss a parent's memory would count)."""

    replayed: int
    generated: int
    finished: bool


class MadeUp:
    """An engine whose answers follow from the questions, one for each row's number. It keeps nothing."""

    name = "made up"

    def __init__(self, answers: int) -> None:
        self._left = answers
        self._asked: list[Request] = []

    def submit(self, requests: Sequence[Request]) -> None:
        self._asked += requests

    def collect(self) -> list[Generation]:
        if not self._left:
            raise EngineError("the made-up model is gone, as it was told to be")
        asked, self._asked = self._asked[: self._left], self._asked[self._left :]
        self._left -= len(asked)
        return [_answer(request) for request in asked]

    def close(self) -> None:
        pass


def _answer(request: Request) -> Generation:
    if isinstance(request, LossRequest):
        losses = Losses(question=2.0, given=0.5, alone=1.0, n_question=50, n_answer=90, n_alone=90)
        return Generation(request_hash=request.hash, finish_reason="scored", losses=losses, engine=MadeUp.name)
    asked = request.texts[-1]
    row = re.findall(r"\d{7}", asked)[-1]
    text = (
        f"{ANSWER}{row}" if asked.startswith(CHILD) else f"{CHILD} shapes its valley, and why, as in the case of {row}"
    )
    return Generation(request_hash=request.hash, text=text, finish_reason="stop", n_tokens=100, engine=MadeUp.name)


CHILD = "Explain how a river"
"""How every evolved instruction begins, and no seed."""


class _Build(Build[Recipe]):
    """A build that knows its model without a folder, and may have to derive everything."""

    derive = False

    @cached_property
    def models(self) -> dict[str, ModelRef]:
        return {"default": MODEL}

    def finished_pieces(self, work: str) -> list[Piece]:
        return [] if self.derive else super().finished_pieces(work)


def recipe(home: Path, rows: int) -> Recipe:
    """The first so many of the same seeds: what a smaller build has recorded, a larger one finds."""
    said = {
        "name": f"bench-{rows}",
        "flow": FLOW,
        "seeds": [{"path": str(home / f"seeds-{rows}.txt"), "format": "lines", "licence": "CC0-1.0"}],
        "evolve": {"rounds": 1, "operators": ["deepen"]},
        "score": {"metrics": ["length_words", "ifd"]},
    }
    return parse_recipe(said, origin="bench")


def run_stage(home: Path, stage: str, rows: int, *, answers: int, derive: bool) -> Measured:
    """Run it as a new attempt of the one run of this size."""
    settings = Settings(home=home, database_url=ensure_postgres(home).evol, jobs_python=Path(sys.executable))
    made = recipe(home, rows)

    order = Order(flow=FLOW, stage=stage, recipe=made, run_id=0, attempt_id=0)
    build = _Build(order, settings, lambda progress: None, lambda *about: MadeUp(answers))
    build.derive = derive
    _loaded()
    try:
        build.order = _registered(build, order)
        began, busy = time.perf_counter(), time.process_time()
        finished = _finished(build, stage)
        seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - busy
        requests = build.requests()
    finally:
        build.close()
    return Measured(
        stage=stage,
        rows=rows,
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        peak_mib=peak_mib(),
        replayed=requests["replayed"],
        generated=requests["generated"],
        finished=finished,
    )


def _loaded() -> None:
    """Load what a process loads at its first column and its first language: a second or two, whatever the rows."""
    pa.array([1])
    language("A process loads its model of languages once.")


def _finished(build: _Build, stage: str) -> bool:
    """Run the stage as far as its model answers, or plan the build."""
    if stage == PLAN:
        FLOWS[FLOW].plan(build)
        return True
    try:
        build.put_output(stage, FLOWS[FLOW].stages[stage](build))
    except EngineError:
        return False
    return True


def _registered(build: _Build, order: Order) -> Order:
    name, recipe_hash = order.recipe.name, order.recipe.hash
    with build.database.begin() as connection:
        run_id = register_run(
            connection, flow=FLOW, run_key=name, trigger="bench", conf={}, code_version="0", recipe_hash=recipe_hash
        )
        attempt_id = register_attempt(connection, run_id=run_id, task=order.stage, code_version="0")
    return Order(flow=FLOW, stage=order.stage, recipe=order.recipe, run_id=run_id, attempt_id=attempt_id)


def peak_mib() -> float:
    """Of this process, so far."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def write_seeds(home: Path, rows: int) -> None:
    """The file that the build of this size reads."""
    (home / f"seeds-{rows}.txt").write_text("".join(f"{text}\n" for text in texts(rows, SEED_CHARS)))


def in_own_process(home: Path, stage: str, rows: int, *, answers: int = 0, derive: bool = False) -> Measured:
    """Run a stage in a process of its own."""
    command = [sys.executable, "-m", "bench.recorded_build", str(home), stage, str(rows), "--answers", str(answers)]
    command += ["--derive"] if derive else []
    done = subprocess.run(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return Measured(**json.loads(done.stdout))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("home", type=Path)
    parser.add_argument("stage")
    parser.add_argument("rows", type=int)
    parser.add_argument("--answers", type=int, default=0)
    parser.add_argument("--derive", action="store_true")
    options = parser.parse_args()
    measured = run_stage(options.home, options.stage, options.rows, answers=options.answers, derive=options.derive)
    print(json.dumps(asdict(measured)))


if __name__ == "__main__":
    main()
